"""A test send: the draft to a few of one's own phones, with the merge fields of a recipient.

It is a campaign of its own, marked as a test in results and ledger, to a list that keeps the phones
for next time and is not among those that users choose from.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import count

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.drafts import copy_campaign
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.launch.test_limits import PHONES_MAX
from campaigns.compose.message.audience_counts import measured_already
from campaigns.compose.message.render import CompiledMessage, compile_message
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.preview.message_preview import FIRST, find_recipient, recipient_choices
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.importing.errors import ContactsError as PhoneRefused
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.phones.parsing import Phone, format_phone, normalise
from campaigns.ledger.models import Purpose
from campaigns.team.models import User

EACH = "each"
# of a test whose recipients are not made yet
UNPREPARED = (CampaignState.AWAITING_APPROVAL, CampaignState.PREPARING, CampaignState.PAUSED)
_BETWEEN = re.compile(r"[,;\n]+")


def phones_in(text: str) -> list[str]:
    """The phones in `text`, one per line or separated by commas, each once."""
    return each_once(phone.strip() for phone in _BETWEEN.split(text) if phone.strip())


def each_once(phones: Iterable[str]) -> list[str]:
    """`phones` without those that are another spelling of an earlier one."""
    spellings: dict[str, str] = {}
    for phone in phones:
        parsed = normalise(phone, settings.DEFAULT_COUNTRY)
        spellings.setdefault(parsed.msisdn if isinstance(parsed, Phone) else phone, phone)
    return list(spellings.values())


def remembered(actor: User) -> str:
    """The phones of this user's last test send, as text for the form."""
    last = Campaign.objects.filter(purpose=Purpose.TEST, created_by=actor).order_by("-pk").first()
    if last is None:
        return ""
    people = Contact.objects.filter(list__in=last.lists.all()).order_by("id")
    return ", ".join(
        format_phone(msisdn) for msisdn in people.values_list("msisdn", flat=True)[:PHONES_MAX]
    )


def sample_recipients(audience: Audience, template: CompiledMessage) -> list[tuple[str, str]]:
    """The recipients whose merge fields a test can have: those of `preview.choices` without the
    one chosen by phone, and EACH of them.
    """
    measured = measured_already(audience, template)
    offered = recipient_choices(measured.countries if measured else {}, template)[:-1]
    each = [(EACH, _("All of these, one message each"))] if len(offered) > 1 else []
    return [*offered, *each]


def send_tests(
    campaign: Campaign, phones: Sequence[str], actor: User, whose: str = FIRST
) -> list[Campaign]:
    """As `send_test`; with EACH one test for each recipient of `sample_recipients`. All or none are
    launched.
    """
    if whose != EACH:
        return [send_test(campaign, phones, actor, whose)]
    audience, template = Audience.of(campaign), compile_message(campaign)
    people: dict[int, str] = {}
    for choice, _label in sample_recipients(audience, template)[:-1]:
        if person := find_recipient(audience, template, choice):
            people.setdefault(person.pk, choice)
    with transaction.atomic():
        return [send_test(campaign, phones, actor, choice) for choice in people.values()]


def send_test(
    campaign: Campaign, phones: Sequence[str], actor: User, whose: str = "first"
) -> Campaign:
    """Launch a test of `campaign` to `phones`, with the merge fields of the recipient that `whose`
    names (as in `preview.somebody`), and return it. Raises Refused: then nothing is sent.
    """
    phones = _checked(phones)
    template = compile_message(campaign)
    person = find_recipient(Audience.of(campaign), template, whose)
    fields = {
        name: value
        for name, value in (person.fields if person else {}).items()
        if name in template.names
    }
    name = _("Test: %(name)s") % {"name": campaign.name[:90]}
    test = copy_campaign(campaign, actor, name, Purpose.TEST)
    test.rehearsal_of_id = campaign.pk
    return _launch(test, phones, actor, fields)


def send_message(message: Campaign, phones: Sequence[str], actor: User | None) -> Campaign:
    """Store and launch `message`, a new campaign without merge tags, as a test to `phones`; return
    it. Raises Refused: then nothing is sent and nothing is stored.
    """
    phones = _checked(phones)
    message.purpose, message.created_by = Purpose.TEST, actor
    return _launch(message, phones, actor, {})


def _checked(phones: Sequence[str]) -> list[str]:
    """`phones`, each once. Raises Refused for none or too many."""
    once = each_once(phones)
    if not 1 <= len(once) <= PHONES_MAX:
        raise Refused(
            ngettext(
                "Enter up to %(n)d phone number.", "Enter up to %(n)d phone numbers.", PHONES_MAX
            )
            % {"n": PHONES_MAX}
        )
    return once


def _launch(
    test: Campaign, phones: Sequence[str], actor: User | None, fields: dict[str, str]
) -> Campaign:
    names = sorted(compile_message(test).names)
    with transaction.atomic():
        contact_list = _list_of(phones, fields, names, actor)
        test.save()
        test.lists.set([contact_list])
        ContactList.objects.filter(pk=contact_list.pk).update(used_by=test)
        lifecycle.launch(test.pk, actor)
    return test


def _list_name(actor: User | None) -> str:
    if actor is None:
        return _("Test numbers")
    return _("Test numbers of %(name)s") % {"name": actor.get_username()[:80]}


def _list_of(
    phones: Sequence[str], fields: dict[str, str], names: list[str], actor: User | None
) -> ContactList:
    """This user's list of test phones, with exactly `phones` on it. Raises Refused for an invalid
    phone.

    The list of an earlier test that is still being prepared, or waits for approval, stays as it is:
    this one gets another.
    """
    unprepared = Campaign.objects.filter(purpose=Purpose.TEST, frozen_at__isnull=True)
    busy = unprepared.filter(state__in=UNPREPARED).values_list("lists__name")
    busy_names = {name for (name,) in busy}
    busy_names |= {*choosable_lists().values_list("name", flat=True)}  # a user's own
    names_of_lists = (
        f"{_list_name(actor)} ({number})" if number > 1 else _list_name(actor)
        for number in count(1)
    )
    free_name = next(name for name in names_of_lists if name not in busy_names)
    contact_list, _made = ContactList.objects.get_or_create(
        name=free_name, defaults={"created_by": actor}
    )
    contact_lists.remove_contacts(
        contact_list, Contact.objects.filter(list=contact_list).values_list("pk", flat=True)
    )
    for phone in phones:
        try:
            contact_lists.add_contact(contact_list, phone, fields, settings.DEFAULT_COUNTRY)
        except PhoneRefused as refused:
            raise Refused(f"{phone}: {refused}") from refused
    contact_list.refresh_from_db()
    contact_list.fields = names
    contact_list.save(update_fields=["fields"])
    return contact_list
