"""Runs an import: writes the rows of a file to a list, slice by slice.

Each slice is one transaction with its counts and the position of the next row. A worker may be
killed at any moment: the next one continues after the last committed slice, so no row is lost or
counted twice. Claims (claims.py) keep two workers from running the same import.
"""

import contextlib
import queue
import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.contacts.consent import imported_consents
from campaigns.contacts.consent.imported_consents import ConsentOutcome
from campaigns.contacts.importing import claims, column_mapping, contact_store, uploads
from campaigns.contacts.importing.claims import LeaseLost, Outcome
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.cell_values import CellRules
from campaigns.contacts.importing.rows import ParsedSlice, RowParser
from campaigns.contacts.models import CompactEncoder, ContactList, Import, ImportState

KEEP_EXISTING = "keep"  # mapping["existing"]: do not change contacts already on the list
NEW_TAGS = "new_tags"  # key in the mapping: the merge tags that the list did not have before
SLICES_AHEAD = 1  # slices read while one is being written
# seconds between switches of the reading and the writing thread, which often waits for the database
SWITCH_INTERVAL = 0.0005


def run(import_id: int, keep_going: Callable[[], bool] = lambda: True) -> Outcome:
    """Run the import while `keep_going` returns True: MORE if rows are left after that.

    NOT_MINE while another worker has it, or another import of the list has its turn.
    """
    token = claims.claim_list(import_id)
    return claims.guard(import_id, token, lambda mine: _write_rows(mine, token, keep_going))


def _write_rows(contact_import: Import, token: str, keep_going: Callable[[], bool]) -> Outcome:
    _add_tags_to_list(contact_import)
    parser = parser_for(contact_import)
    slices = parser.slices(uploads.locate(contact_import.path), contact_import.next_row)
    with contact_store.asynchronous_commits(), contextlib.closing(_read_ahead(slices)) as ready:
        for parsed in ready:
            _commit_slice(contact_import, parsed, token)
            if not keep_going():
                claims.release(contact_import.pk, token)
                return Outcome.MORE
    _held(contact_import, token).update(checked=contact_import.checked | parser.notes_as_json())
    claims.end_as_finished(_held(contact_import, token), contact_import.rows)
    return Outcome.DONE


@transaction.atomic
def _add_tags_to_list(contact_import: Import) -> None:
    """Add the merge tags of the file to those of the list, and note for the undo which were new.
    Raises ContactsError if the list has one of them with another type.
    """
    contact_list = _lock_list(contact_import)
    present = set(contact_list.fields)
    column_mapping.add_fields(contact_list, ColumnMapping.from_json(contact_import.mapping))
    if new_names := [name for name in contact_list.fields if name not in present]:
        contact_import.mapping |= {NEW_TAGS: new_names}
        Import.objects.filter(pk=contact_import.pk).update(mapping=contact_import.mapping)


def _lock_list(contact_import: Import) -> ContactList:
    """Lock the row of the list. Raises ContactsError if the list was deleted."""
    lists = ContactList.objects.select_for_update().filter(pk=contact_import.list_id or 0)
    contact_list = lists.first()
    if contact_list is None:
        raise ContactsError(claims.list_deleted_text())
    return contact_list


def _held(contact_import: Import, token: str) -> QuerySet[Import]:
    """The import while this worker has it; nothing once it was cancelled or taken over."""
    return Import.objects.filter(pk=contact_import.pk, state=ImportState.RUNNING, lease_token=token)


def parser_for(contact_import: Import) -> RowParser:
    """A parser for the layout and the mapping of the import."""
    mapping = contact_import.mapping
    return RowParser(
        Layout.from_json(mapping),
        ColumnMapping.from_json(mapping),
        mapping["country"],
        CellRules.from_json(mapping.get("rules", {})),
    )


def _read_ahead(slices: Iterator[ParsedSlice]) -> Generator[ParsedSlice, None, None]:
    """Yield the slices, read ahead by a thread that uses no database while this one writes."""
    ready: queue.Queue[ParsedSlice | Exception | None] = queue.Queue(SLICES_AHEAD)
    stopped = threading.Event()

    def read() -> None:
        try:
            for parsed in slices:
                if not _put(ready, parsed, stopped):
                    return
            _put(ready, None, stopped)
        except Exception as error:  # noqa: BLE001 - raised again by the consumer
            _put(ready, error, stopped)

    threading.Thread(target=read, name="import-reader", daemon=True).start()
    switch_interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        stopped.set()
        sys.setswitchinterval(switch_interval)


def _put(ready: "queue.Queue[Any]", item: object, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            ready.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False


def _commit_slice(contact_import: Import, parsed: ParsedSlice, token: str) -> None:
    """Write one slice with its counts and the position of the next row.

    Raises LeaseLost, or ContactsError if the list was deleted.
    """
    with transaction.atomic():
        stop_listed = contact_store.find_stop_listed(parsed.contacts.msisdns)
        contacts = parsed.contacts.without(stop_listed) if stop_listed else parsed.contacts
        _write_consents(contact_import, parsed, stop_listed)
        contact_list = _lock_list(contact_import)
        result = contact_store.write(
            contacts,
            contact_list.pk,
            contact_import.pk,
            update=contact_import.mapping.get("existing") != KEEP_EXISTING,
            # all contacts of the list came from this import, which has no duplicates
            expect_new=contact_list.contact_count == contact_import.new,
        )
        _write_rejected(contact_import.pk, parsed)
        _add_to_import_counts(contact_import, parsed, result, len(stop_listed))
        contact_import.last_contact = contact_store.newest_contact(contact_list.pk)
        _add_to_list_counts(contact_list, result)
        if not _save_counts(contact_import, token):
            raise LeaseLost


def _write_consents(contact_import: Import, parsed: ParsedSlice, stop_listed: set[str]) -> None:
    """Before the list is locked: persons, stop list and lists are locked in this order."""
    if contact_import.mapping.get("consent"):
        counts = imported_consents.write(parsed.consents, contact_import, stop_listed)
        counts[ConsentOutcome.UNREAD] += len(parsed.without_consent)
        contact_import.consents = dict(Counter(contact_import.consents) + counts)


def _write_rejected(import_id: int, parsed: ParsedSlice) -> None:
    encode = CompactEncoder().encode
    rejected = parsed.rejected + parsed.without_consent
    rows = [(number, encode(row), reason) for number, row, reason in rejected]
    contact_store.write_rejected(rows, import_id)


def _add_to_import_counts(
    contact_import: Import, parsed: ParsedSlice, result: contact_store.WriteResult, stop_listed: int
) -> None:
    contact_import.next_row = parsed.next_record
    contact_import.rows += parsed.rows
    contact_import.new += result.new
    contact_import.updated += result.updated
    contact_import.unchanged += result.unchanged
    contact_import.duplicates += parsed.duplicates
    contact_import.stop_listed += stop_listed
    contact_import.rejected += len(parsed.rejected)
    contact_import.rejected_by_reason = dict(
        Counter(contact_import.rejected_by_reason) + parsed.reasons()
    )
    contact_import.countries = dict(
        Counter(contact_import.countries) + Counter(parsed.contacts.countries)
    )


COUNTED_FIELDS = (
    "next_row", "rows", "new", "updated", "unchanged", "duplicates", "stop_listed", "rejected",
    "rejected_by_reason", "countries", "last_contact",
)  # fmt: skip


def _save_counts(contact_import: Import, token: str) -> bool:
    """Save the counts and renew the lease; False if the lease is lost."""
    values = {name: getattr(contact_import, name) for name in COUNTED_FIELDS}
    if contact_import.consents is not None:
        values["consents"] = contact_import.consents
    lease_until = timezone.now() + claims.LEASE
    held = _held(contact_import, token)
    return bool(held.update(**values, failures=0, failure="", lease_until=lease_until))


def _add_to_list_counts(contact_list: ContactList, result: contact_store.WriteResult) -> None:
    """Add the new contacts to the counts of their list, whose row is locked."""
    if not result.new:
        return
    contact_list.countries = dict(Counter(contact_list.countries) + result.countries)
    contact_list.contact_count += result.new
    contact_list.save(update_fields=["countries", "contact_count", "updated_at"])
