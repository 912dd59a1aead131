"""The link of the message that asks to confirm: only now the phone is on the list, with consent.

It lifts no entry of the stop list: anybody can ask for a phone, and who is on the stop list gets no
message to confirm.
"""

from contextlib import suppress
from enum import StrEnum

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Consent, Contact
from campaigns.contacts.people import person
from campaigns.dispatch.models import Recipient
from campaigns.engagement.opt_outs import Visitor, is_stopped
from campaigns.engagement.preferences import message_of
from campaigns.engagement.sign_up import terms
from campaigns.engagement.sign_up.models import SignUp
from campaigns.engagement.sign_up.requests import VALID_FOR
from campaigns.shared import database_clock
from campaigns.shared.days import site_today
from campaigns.team.audit import context, record

ATTEMPTS = 3  # while users change the same person


class Outcome(StrEnum):
    OPEN = "open"  # it can be confirmed
    DONE = "done"
    OVER = "over"  # too old, or no list is offered any more
    STOPPED = "stopped"  # they opted out meanwhile


def find(recipient: Recipient) -> SignUp | None:
    """The request that the message to a recipient is about; None once it is deleted, and of a
    message that no request sent, such as a test.
    """
    if not recipient.msisdn.isdigit():  # erased
        return None
    rows = SignUp.objects.filter(
        event__campaign=recipient.campaign_id, event__msisdn=recipient.msisdn
    )
    return rows.select_related("event", "page__list__public", "wording").first()


def outcome_of(recipient: Recipient, sign_up: SignUp | None) -> Outcome:
    """What can be done with a request. Within `acting_for` the brand."""
    if sign_up is None:
        return Outcome.OVER
    if sign_up.confirmed_at:
        return Outcome.DONE
    if is_stopped(recipient):
        return Outcome.STOPPED
    is_over = sign_up.event.at < database_clock.now() - VALID_FOR
    is_offered = sign_up.page.is_on and sign_up.page.list.public.is_offered
    return Outcome.OVER if is_over or not is_offered else Outcome.OPEN


@transaction.atomic
def confirm(recipient: Recipient, sign_up: SignUp) -> None:
    """Record the consent, and add the contact to the list. Once: a second call changes nothing."""
    with context.acting_from(Visitor()):
        _consent(recipient, sign_up)  # persons are locked before lists
        _add(recipient, sign_up)
    open_rows = SignUp.objects.filter(pk=sign_up.pk, confirmed_at=None)
    if open_rows.update(confirmed_at=timezone.now()):
        terms.count(sign_up.page.list, "confirmed")
    else:  # another request was faster
        transaction.set_rollback(True)


def _consent(recipient: Recipient, sign_up: SignUp) -> None:
    source = _("Sign-up page of “%(name)s”") % {"name": sign_up.page.list.public.name}
    given = {
        "consent": Consent.GIVEN.value,
        "consent_on": site_today().isoformat(),
        "consent_source": source,
        "consent_wording": sign_up.wording.text,
    }
    for _attempt in range(ATTEMPTS):
        seen = person.values_of(person.find(recipient.msisdn))
        if not person.change(recipient.msisdn, given, seen, None):
            return
    raise ContactsError(_("This contact is being changed. Try again."))


def _add(recipient: Recipient, sign_up: SignUp) -> None:
    contact_list = sign_up.page.list
    with suppress(ContactsError), transaction.atomic():  # on the list already, or just stopped
        contact_lists.add_contact(contact_list, f"+{recipient.msisdn}", {}, recipient.country)
    for contact in Contact.objects.filter(list=contact_list, msisdn=recipient.msisdn):
        detail = f"to contactlist:{contact_list.pk}; {message_of(recipient)}"
        record(None, contact, "signed up", detail)
