"""Whether an import can be undone, what that would do, and its start."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.contacts.consent.imported_consents import WRITTEN
from campaigns.contacts.importing import claims
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import (
    CHANGING,
    ContactList,
    Import,
    ImportState,
    ImportUndo,
)
from campaigns.contacts.undo import consents, kept_values
from campaigns.contacts.undo.outcomes import UndoOutcome, count_outcomes
from campaigns.shared.queue import enqueue
from campaigns.team.audit import record
from campaigns.team.models import User

CAN_UNDO = (ImportState.FINISHED, ImportState.CANCELLED, ImportState.FAILED)


@dataclass(frozen=True, slots=True)
class UndoPreview:
    """What an undo would do: contacts removed, restored, or left for one of two reasons, and those
    no longer on the list. Together they are the new and updated contacts of the import.
    `consents`: how many are set back to what they were before.
    """

    removed: int
    restored: int
    changed: int
    sent: int
    gone: int
    consents: int = 0


def has_written(contact_import: Import) -> bool:
    """Whether the import has ended, and changed contacts of a list that is still there, or the
    consent of contacts.
    """
    written = sum((contact_import.consents or {}).get(outcome, 0) for outcome in WRITTEN)
    return bool(
        contact_import.state in CAN_UNDO
        and contact_import.list_id
        and contact_import.new + contact_import.updated + written
    )


def refusal(contact_import: Import) -> str:
    """Why an import that `has_written` can't be undone now; "" if it can."""
    until = kept_values.kept_until(contact_import)
    if contact_import.last_contact is None or until is None or until <= timezone.now():
        return _("The old values of its contacts are no longer kept.")
    others = Import.objects.filter(list=contact_import.list_id).exclude(pk=contact_import.pk)
    if busy := others.filter(state__in=CHANGING).first():
        text = _("Another import into this list is not finished: %(name)s.")
        return text % {"name": busy.file_name}
    if later := _later_with_unchanged(contact_import, others).first():
        text = ngettext(
            "A later import, %(name)s, had %(count)d contact that was on the list already. It is"
            " not kept which one, so undo that import first.",
            "A later import, %(name)s, had %(count)d contacts that were on the list already. It is"
            " not kept which ones, so undo that import first.",
            later.unchanged,
        )
        return text % {"name": later.file_name, "count": later.unchanged}
    return ""


def _later_with_unchanged(contact_import: Import, others: QuerySet[Import]) -> QuerySet[Import]:
    """Later imports whose files had contacts of the list as they were: maybe those of this import.
    Noting which would make every import slower. The newest first.
    """
    later = others.filter(started_at__gt=contact_import.started_at, unchanged__gt=0)
    return later.exclude(state=ImportState.UNDONE).order_by("-started_at")


def preview(contact_import: Import) -> UndoPreview:
    """What an undo would do now."""
    counts = count_outcomes(contact_import)
    return UndoPreview(
        **{outcome.value: counts[outcome] for outcome in UndoOutcome},
        gone=max(contact_import.new + contact_import.updated - counts.total(), 0),
        consents=0 if contact_import.consents is None else consents.count(contact_import),
    )


def start(import_id: int, actor: User | None) -> None:
    """Have a worker undo the import; one that stopped half-way goes on.

    Raises ContactsError if the import can't be undone.
    """
    with transaction.atomic():
        list_id = Import.objects.values_list("list", flat=True).get(pk=import_id)
        # before the import: whoever starts another one or deletes the list has locked it
        ContactList.objects.select_for_update().filter(pk=list_id or 0).first()
        contact_import = Import.objects.select_for_update().get(pk=import_id)
        if contact_import.state in (ImportState.UNDOING, ImportState.UNDONE):
            raise ContactsError(_("This import is undone already."))
        if not has_written(contact_import):
            raise ContactsError(_("This import has changed no contacts."))
        if why := refusal(contact_import):
            raise ContactsError(why)
        ImportUndo.objects.get_or_create(source=contact_import, defaults={"created_by": actor})
        Import.objects.filter(pk=import_id).update(
            state=ImportState.UNDOING, failures=0, failure="", **claims.FREE
        )
        record(actor, contact_import.list or contact_import, "undo", contact_import.file_name)
        enqueue(claims.UNDO, import_id)
