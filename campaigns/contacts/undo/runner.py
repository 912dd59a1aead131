"""Undoes an import, slice by slice through its list.

Each slice is one transaction with its counts and its position, so a worker may be killed at any
moment and the next one continues. The import keeps its state UNDOING until then, and with it the
turn of its list: no other import of the list runs meanwhile.
"""

# ruff: noqa: S608 - names of our own tables

from collections import Counter
from collections.abc import Callable, Sequence

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.contacts import import_changes
from campaigns.contacts.importing import claims
from campaigns.contacts.importing.claims import LeaseLost, Outcome
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.runner import NEW_TAGS
from campaigns.contacts.models import Contact, ContactList, Import, ImportState, ImportUndo
from campaigns.contacts.undo import consents, kept_values
from campaigns.contacts.undo.kept_values import CONTACT, OVERWRITTEN
from campaigns.contacts.undo.outcomes import UndoOutcome, outcomes_between, wait_for_freezes
from campaigns.shared.bulk import among

SLICE_ROWS = 10_000  # contacts of the list; some tenths of a second


def run(import_id: int, keep_going: Callable[[], bool] = lambda: True) -> Outcome:
    """Undo the import while `keep_going` returns True: MORE if contacts are left after that.

    NOT_MINE while another worker has it.
    """
    token = claims.claim(import_id, ImportState.UNDOING)
    return claims.guard(import_id, token, lambda mine: _undo(mine, token, keep_going))


def _undo(contact_import: Import, token: str, keep_going: Callable[[], bool]) -> Outcome:
    while _undo_consents(contact_import, token) or _undo_slice(contact_import, token):
        if not keep_going():
            claims.release(contact_import.pk, token)
            return Outcome.MORE
    _finish(contact_import, token)
    return Outcome.DONE


def _lock_list(contact_import: Import) -> ContactList:
    """Lock the row of the list, which is not deleted while an import of it is being undone."""
    locked = ContactList.objects.select_for_update().filter(pk=contact_import.list_id or 0).first()
    if locked is None:
        raise ContactsError(claims.list_deleted_text())
    return locked


def _held(contact_import: Import, token: str) -> QuerySet[Import]:
    """The import while this worker has it."""
    return Import.objects.filter(pk=contact_import.pk, state=ImportState.UNDOING, lease_token=token)


@transaction.atomic
def _undo_consents(contact_import: Import, token: str) -> bool:
    """Undo the next consents; False if there are none. Raises LeaseLost."""
    if contact_import.consents is None:
        return False
    undo = ImportUndo.objects.get(source=contact_import)
    if not consents.undo_slice(contact_import, undo):
        return False
    undo.save()
    _renew(contact_import, token)
    return True


def _renew(contact_import: Import, token: str) -> None:
    until = timezone.now() + claims.LEASE
    if not _held(contact_import, token).update(lease_until=until, failure=""):
        raise LeaseLost


@transaction.atomic
def _undo_slice(contact_import: Import, token: str) -> bool:
    """Undo the next slice; False if there is none. Raises LeaseLost."""
    wait_for_freezes()
    contact_list = _lock_list(contact_import)
    undo = ImportUndo.objects.get(source=contact_import)
    ids = Contact.objects.filter(list=contact_list, pk__gt=undo.position).order_by("pk")
    upper = max((pk for (pk,) in ids.values_list("pk")[:SLICE_ROWS]), default=None)
    if upper is None:
        return False
    rows = list(outcomes_between(contact_import, undo.position, upper))
    removed = [pk for pk, _country, outcome in rows if outcome is UndoOutcome.REMOVED]
    restored = [pk for pk, _country, outcome in rows if outcome is UndoOutcome.RESTORED]
    if removed:
        _remove(removed)
    if restored:
        _restore(contact_import.pk, restored)
    if removed or restored:
        countries = (country for _pk, country, outcome in rows if outcome is UndoOutcome.REMOVED)
        _change_list(contact_list, Counter(countries))
    for _pk, _country, outcome in rows:
        setattr(undo, outcome, getattr(undo, outcome) + 1)
    undo.position = upper
    undo.save()
    _renew(contact_import, token)
    return True


def _remove(contact_ids: Sequence[int]) -> None:
    kept_values.forget(contact_ids)
    condition, parameter = among("id", contact_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {CONTACT} WHERE {condition}", [parameter])


def _restore(import_id: int, contact_ids: Sequence[int]) -> None:
    """Give the contacts their old values, which are deleted then."""
    condition, parameter = among("contact", contact_ids)
    kept = f"FROM {OVERWRITTEN} WHERE source_id = %s AND {condition}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {CONTACT} SET fields = kept.fields, source_id = kept.old_source"
            f" FROM (SELECT contact, fields, old_source {kept}) AS kept"
            f" WHERE kept.contact = {CONTACT}.id",
            [import_id, parameter],
        )
        cursor.execute(f"DELETE {kept}", [import_id, parameter])


def _change_list(contact_list: ContactList, removed: Counter[str]) -> None:
    """Take the removed contacts off the counts of the list, whose row is locked; a new version."""
    countries = Counter(contact_list.countries) - removed
    contact_list.countries = dict(countries)
    contact_list.contact_count = countries.total()
    contact_list.save(update_fields=["countries", "contact_count", "updated_at"])


@transaction.atomic
def _finish(contact_import: Import, token: str) -> None:
    """UNDOING -> UNDONE. Raises LeaseLost."""
    _remove_unused_tags(contact_import)
    undo = ImportUndo.objects.get(source=contact_import)
    counted = sum(getattr(undo, outcome) for outcome in UndoOutcome)
    undo.gone = max(contact_import.new + contact_import.updated - counted, 0)
    undo.finished_at = timezone.now()
    undo.save()
    undone = _held(contact_import, token).update(
        state=ImportState.UNDONE, failures=0, failure="", **claims.FREE
    )
    if not undone:
        raise LeaseLost
    import_changes.record(contact_import, ImportState.UNDONE)
    claims.enqueue_next(contact_import.list_id)


def _remove_unused_tags(contact_import: Import) -> None:
    """Remove the merge tags that came with the import and that no contact of the list has."""
    contact_list = _lock_list(contact_import)
    contacts = Contact.objects.filter(list=contact_list)
    unused = [
        tag
        for tag in contact_import.mapping.get(NEW_TAGS, [])
        if tag in contact_list.fields and not contacts.filter(fields__has_key=tag).exists()
    ]
    if unused:
        contact_list.fields = [tag for tag in contact_list.fields if tag not in unused]
        contact_list.save(update_fields=["fields", "updated_at"])
