"""A test send: the draft to a few own numbers, as somebody of its audience would get it.

It is a campaign of its own, marked as a test in results and ledger, to a list that keeps the
numbers for next time.
"""

import re
from collections.abc import Sequence
from itertools import count

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.drafts import copy_of
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.message.preview import FIRST, choices, somebody
from campaigns.compose.message.render import MessageTemplate, build
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.importing.errors import ContactsError as PhoneRefused
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.phones.parsing import format_phone
from campaigns.ledger.models import Purpose
from campaigns.team.models import User

PHONES_MAX = 10
EACH = "each"
_BETWEEN = re.compile(r"[,;\n]+")


def phones_in(text: str) -> list[str]:
    """The phones that somebody typed, one a line or with commas between, each once."""
    return list(dict.fromkeys(phone.strip() for phone in _BETWEEN.split(text) if phone.strip()))


def remembered(actor: User) -> str:
    """The numbers of this person's last test, as they can be typed again."""
    last = Campaign.objects.filter(purpose=Purpose.TEST, created_by=actor).order_by("-pk").first()
    if last is None:
        return ""
    people = Contact.objects.filter(list__in=last.lists.all()).order_by("id")
    return ", ".join(
        format_phone(msisdn) for msisdn in people.values_list("msisdn", flat=True)[:PHONES_MAX]
    )


def variants(audience: Audience, template: MessageTemplate) -> list[tuple[str, str]]:
    """Whose values a test can have: those of `preview.choices`, but for a phone, and EACH of
    them.
    """
    found = choices(audience.by_country() if audience else {}, template)[:-1]
    return [*found, (EACH, _("Each of these, one message each"))] if len(found) > 1 else found


def send_tests(
    campaign: Campaign, phones: Sequence[str], actor: User, whose: str = FIRST
) -> list[Campaign]:
    """As `send_test`; with EACH a test for each person whom the variants come to. All are launched,
    or none.
    """
    if whose != EACH:
        return [send_test(campaign, phones, actor, whose)]
    audience, template = Audience.of(campaign), build(campaign)
    people: dict[int, str] = {}
    for variant, _label in variants(audience, template)[:-1]:
        if person := somebody(audience, template, variant):
            people.setdefault(person.pk, variant)
    with transaction.atomic():
        return [send_test(campaign, phones, actor, variant) for variant in people.values()]


def send_test(
    campaign: Campaign, phones: Sequence[str], actor: User, whose: str = "first"
) -> Campaign:
    """Send `campaign` to `phones` with the merge fields of whom `whose` means (as in
    `preview.somebody`).

    Gives the test, launched. Raises Refused, and then nothing is sent.
    """
    if not 1 <= len(phones) <= PHONES_MAX:
        raise Refused(
            ngettext(
                "Type up to %(n)d phone number.", "Type up to %(n)d phone numbers.", PHONES_MAX
            )
            % {"n": PHONES_MAX}
        )
    template = build(campaign)
    person = somebody(Audience.of(campaign), template, whose)
    fields = {
        name: value
        for name, value in (person.fields if person else {}).items()
        if name in template.names
    }
    with transaction.atomic():
        to = _list_of(phones, fields, sorted(template.names), actor)
        test = copy_of(
            campaign, actor, _("Test: %(name)s") % {"name": campaign.name[:90]}, Purpose.TEST
        )
        test.budget = None
        test.save()
        test.lists.set([to])
        lifecycle.launch(test.pk, actor)
    return test


def _list_name(actor: User) -> str:
    return _("Test numbers of %(name)s") % {"name": actor.get_username()[:80]}


def _list_of(
    phones: Sequence[str], fields: dict[str, str], names: list[str], actor: User
) -> ContactList:
    """This person's list of test numbers, with exactly `phones` on it. Raises Refused for what is
    no phone.

    Where an earlier test has not yet put its people together, its list is left alone and this one
    has the next.
    """
    busy = Campaign.objects.filter(state=CampaignState.PREPARING, purpose=Purpose.TEST).values_list(
        "lists__name"
    )
    taken = {name for (name,) in busy}
    names_of_lists = (
        f"{_list_name(actor)} ({number})" if number > 1 else _list_name(actor)
        for number in count(1)
    )
    free = next(name for name in names_of_lists if name not in taken)
    kept, _made = ContactList.objects.get_or_create(name=free, defaults={"created_by": actor})
    contact_lists.remove_contacts(
        kept, Contact.objects.filter(list=kept).values_list("pk", flat=True)
    )
    for phone in phones:
        try:
            contact_lists.add_contact(kept, phone, fields, settings.DEFAULT_COUNTRY)
        except PhoneRefused as refused:
            raise Refused(f"{phone}: {refused}") from refused
    kept.refresh_from_db()
    kept.fields = names
    kept.save(update_fields=["fields"])
    return kept
