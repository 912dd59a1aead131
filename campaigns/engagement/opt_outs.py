"""Opt out by the link of a message, and back: the stop list of the brand, and what is counted."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.models import ERASED_PREFIX, Recipient
from campaigns.engagement.models import OptOut, OptOutReason
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange
from campaigns.team.audit import context, record
from campaigns.team.models import ActorKind

OPTED_OUT = "message.opted_out"


class Visitor(context.Origin):
    """Whoever opened the link. Their address is not kept."""

    kind = ActorKind.VISITOR


def is_stopped(recipient: Recipient) -> bool:
    """Whether no message of the brand goes to them, as to whoever was erased. Within `acting_for`
    the brand.
    """
    if recipient.msisdn.startswith(ERASED_PREFIX):
        return True
    return StopListEntry.objects.filter(msisdn=recipient.msisdn).exists()


def can_undo(recipient: Recipient) -> bool:
    """Whether what stops them is their opt-out by this message."""
    row = OptOut.objects.filter(recipient=recipient, undone_at=None, made_entry=True).first()
    return row is not None and _entries(recipient).exists()


@transaction.atomic
def opt_out(recipient: Recipient, reason: OptOutReason) -> None:
    """Stop all messages of the brand to the recipient. Again: only the reason changes."""
    if recipient.msisdn.startswith(ERASED_PREFIX):
        return
    campaign: Campaign = recipient.campaign
    row, is_new = OptOut.objects.select_for_update().get_or_create(
        recipient=recipient,
        defaults={"campaign": campaign, "at": timezone.now(), "reason": reason},
    )
    if not is_new and row.undone_at is None and is_stopped(recipient):
        _change(row, reason=reason or row.reason)
        return
    text = _("Opted out by the link in “%(name)s”") % {"name": campaign.name}
    made = stop_list.add_phones([recipient.msisdn], text, None)
    _change(row, at=timezone.now(), reason=reason, undone_at=None, made_entry=bool(made))
    with context.acting_from(Visitor()):
        for entry in _entries(recipient):
            record(None, entry, "opted out", f"campaign {campaign.pk}, message {recipient.pk}")
    change = NewChange(
        campaign.brand_id, OPTED_OUT, campaign.pk, facts={"opt_out_reason": reason or None},
        messages=[recipient.pk],
    )  # fmt: skip
    recording.record([change], recording.load_wanted(OPTED_OUT))


@transaction.atomic
def undo(recipient: Recipient) -> bool:
    """Take an opt-out back, and its entry of the stop list. Returns whether that was possible: what
    others entered, and consent that was withdrawn, stays.
    """
    row = OptOut.objects.select_for_update().filter(recipient=recipient, undone_at=None).first()
    if row is None or not can_undo(recipient):
        return False
    try:
        with transaction.atomic(), context.acting_from(Visitor()):
            for entry in _entries(recipient):
                stop_list.remove_entry(entry, None)
    except ContactsError:
        return False
    _change(row, undone_at=timezone.now())
    return True


def _entries(recipient: Recipient) -> QuerySet[StopListEntry]:
    """The entry of the brand itself, not that of all brands."""
    brand_id = recipient.campaign.brand_id
    return StopListEntry.objects.filter(msisdn=recipient.msisdn, brand=brand_id)


def _change(row: OptOut, **columns: Any) -> None:
    OptOut.objects.filter(pk=row.pk).update(**columns)
