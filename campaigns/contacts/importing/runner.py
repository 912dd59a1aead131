"""Rows of a file -> people on a list, a slice at a time: each slice, its counts and its place are
one transaction.

Whoever runs it may be killed at any moment. The next one goes on after the last slice that was
committed, so no row is lost or counted twice. Two never run the same import: who runs it holds its
lease.
"""

import contextlib
import queue
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.importing import contact_store, uploads
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.rows import ParsedSlice, RowParser
from campaigns.contacts.models import CompactEncoder, ContactList, Import, ImportState

LEASE = timedelta(seconds=60)  # a slice takes a second or two
AT_WORK = (ImportState.QUEUED, ImportState.RUNNING)
KEEP_EXISTING = (
    "keep"  # mapping["existing"]: who is there stays as they are; anything else updates them
)
SLICES_AHEAD = 1  # slices read while one is being written
# seconds; between the thread that reads and the one that writes, which waits for the database often
SWITCH_INTERVAL = 0.0005


class LeaseLost(Exception):  # noqa: N818 - a fact, not an error
    """The import is not ours any more: it was cancelled, or another worker has it."""


def run(import_id: int, keep_going: Callable[[], bool] = lambda: True) -> bool:
    """Import as much as `keep_going` allows; whether something is left to do. Does nothing where
    another is at it.
    """
    token = claim_lease(import_id)
    if not token:
        return False
    run_ = Import.objects.get(pk=import_id)
    slices = parser_for(run_).slices(uploads.locate(run_.path), run_.next_row)
    try:
        with contact_store.asynchronous_commits(), contextlib.closing(_read_ahead(slices)) as ready:
            for parsed in ready:
                _commit_slice(run_, parsed, token)
                if not keep_going():
                    release_lease(import_id, token)
                    return True
        _finish(run_, token)
    except ContactsError as refused:
        fail_import(import_id, str(refused))
    except FileNotFoundError:
        fail_import(import_id, _("The file is no longer on the server. Upload it again."))
    except LeaseLost:
        pass
    return False


def parser_for(run_: Import) -> RowParser:
    """A parser as the mapping of the import says."""
    mapping = run_.mapping
    return RowParser(
        Layout.from_json(mapping), ColumnMapping.from_json(mapping), mapping["country"]
    )


def claim_lease(import_id: int) -> str:
    """The token of a lease on the import; empty where there is nothing to do or another holds it or
    its list.
    """
    token, now = uuid.uuid4().hex, timezone.now()
    with transaction.atomic():
        wanted = Import.objects.filter(pk=import_id).first()
        if wanted is None or wanted.list_id is None:
            return ""
        # Two imports of one list would count each other's people; the lock makes their claims take
        # turns.
        ContactList.objects.select_for_update().filter(pk=wanted.list_id).first()
        busy = Import.objects.filter(
            list=wanted.list_id, state=ImportState.RUNNING, lease_until__gt=now
        )
        claimed = (
            Import.objects.filter(
                Q(lease_until=None) | Q(lease_until__lte=now), pk=import_id, state__in=AT_WORK
            )
            .filter(~Exists(busy.exclude(pk=import_id)))
            .update(state=ImportState.RUNNING, lease_token=token, lease_until=now + LEASE)
        )
        if Import.objects.filter(pk=import_id, lease_token=token, started_at=None).update(
            started_at=now
        ):
            _add_tags_to_list(wanted)
    return token if claimed else ""


def release_lease(import_id: int, token: str) -> None:
    """Give the lease back, so that another worker may go on at once."""
    Import.objects.filter(pk=import_id, lease_token=token).update(lease_until=None, lease_token="")


def _read_ahead(slices: Iterator[ParsedSlice]) -> Generator[ParsedSlice, None, None]:
    """The same slices, read by a thread of its own while the database writes. The thread uses no
    database.
    """
    ready: queue.Queue[ParsedSlice | Exception | None] = queue.Queue(SLICES_AHEAD)
    gone = threading.Event()

    def read() -> None:
        try:
            for parsed in slices:
                if not _put(ready, parsed, gone):
                    return
            _put(ready, None, gone)
        except Exception as error:  # noqa: BLE001 - raised again where the slices are wanted
            _put(ready, error, gone)

    threading.Thread(target=read, name="import-reader", daemon=True).start()
    usual = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        while (found := ready.get()) is not None:
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        gone.set()
        sys.setswitchinterval(usual)


def _put(ready: "queue.Queue[Any]", item: object, gone: threading.Event) -> bool:
    while not gone.is_set():
        try:
            ready.put(item, timeout=0.2)
        except queue.Full:
            continue
        return True
    return False


def _commit_slice(run_: Import, parsed: ParsedSlice, token: str) -> None:
    """Write one slice with its counts and the place where the next one begins. Raises Lost."""
    with transaction.atomic():
        stopped = contact_store.find_stop_listed(parsed.people.msisdns)
        people = parsed.people.without(stopped) if stopped else parsed.people
        grown = ContactList.objects.select_for_update().filter(pk=run_.list_id or 0).first()
        if grown is None:
            raise ContactsError(
                _("The list was deleted. Upload the file again and choose another list.")
            )
        written = contact_store.write(
            people,
            grown.pk,
            run_.pk,
            update=run_.mapping.get("existing") != KEEP_EXISTING,
            fresh=grown.contact_count
            == run_.new,  # all on the list came by this import, and none of them is here again
        )
        _write_rejected(run_.pk, parsed)
        _count(run_, parsed, written, len(stopped))
        _add_to_list_counts(grown, written)
        if not _save_counts(run_, token):
            raise LeaseLost


def _write_rejected(import_id: int, parsed: ParsedSlice) -> None:
    encode = CompactEncoder().encode
    rows = [(number, encode(row), reason) for number, row, reason in parsed.rejected]
    contact_store.write_rejected(rows, import_id)


def _count(
    run_: Import, parsed: ParsedSlice, written: contact_store.WriteResult, stop_listed: int
) -> None:
    run_.next_row = parsed.next_record
    run_.rows += parsed.rows
    run_.new += written.new
    run_.updated += written.updated
    run_.unchanged += written.unchanged
    run_.duplicates += parsed.duplicates
    run_.stop_listed += stop_listed
    run_.rejected += len(parsed.rejected)
    run_.rejected_by_reason = dict(Counter(run_.rejected_by_reason) + parsed.reasons())
    run_.countries = dict(Counter(run_.countries) + Counter(parsed.people.countries))


COUNTED_FIELDS = (
    "next_row", "rows", "new", "updated", "unchanged", "duplicates", "stop_listed", "rejected",
    "rejected_by_reason", "countries",
)  # fmt: skip


def _save_counts(run_: Import, token: str) -> bool:
    """Store the counts and hold the lease longer, unless it is lost."""
    values = {name: getattr(run_, name) for name in COUNTED_FIELDS}
    held = Import.objects.filter(pk=run_.pk, state=ImportState.RUNNING, lease_token=token)
    return bool(held.update(**values, lease_until=timezone.now() + LEASE))


def _add_to_list_counts(grown: ContactList, written: contact_store.WriteResult) -> None:
    """Count the new people on their list, whose row is locked."""
    if not written.new:
        return
    grown.countries = dict(Counter(grown.countries) + written.countries)
    grown.contact_count += written.new
    grown.save(update_fields=["countries", "contact_count", "updated_at"])


def _finish(run_: Import, token: str) -> None:
    held = Import.objects.filter(pk=run_.pk, state=ImportState.RUNNING, lease_token=token)
    done = held.update(
        state=ImportState.FINISHED,
        finished_at=timezone.now(),
        total_rows=run_.rows,
        path="",
        lease_until=None,
        lease_token="",
    )
    if done:
        uploads.remove(run_.path)


def _add_tags_to_list(run_: Import) -> None:
    """Let the list know the merge fields of the file."""
    grown = ContactList.objects.get(pk=run_.list_id or 0)
    names = ColumnMapping.from_json(run_.mapping).fields.values()
    grown.fields = [*grown.fields, *(name for name in names if name not in grown.fields)]
    grown.save(update_fields=["fields", "updated_at"])


def fail_import(import_id: int, why: str) -> None:
    """End the import with words that say why; what came in before stays."""
    open_ = Import.objects.filter(pk=import_id).exclude(
        state__in=(ImportState.FINISHED, ImportState.CANCELLED)
    )
    found = open_.values_list("path", flat=True).first()
    done = open_.update(
        state=ImportState.FAILED,
        failure=why[:300],
        finished_at=timezone.now(),
        lease_until=None,
        lease_token="",
        path="",
    )
    if done:
        uploads.remove(found or "")
