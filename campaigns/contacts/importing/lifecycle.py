"""The way of an import from the upload to its report: every step that a person or the queue may
take.

A step is one conditional update, so that a second click does nothing. Pages only enqueue; tasks.py
does the work.
"""

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.importing import column_mapping, csv_reader, file_types, uploads
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.runner import LEASE, fail_import
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.shared.queue import enqueue
from campaigns.team.audit import record
from campaigns.team.models import User

MAX_OPENED_AT_ONCE = 2 << 20  # bytes of a file that is opened at once, without a worker
OPEN, CHECK, RUN = (
    f"campaigns.contacts.tasks.{name}" for name in ("open_file", "check", "run_import")
)
TASKS = {
    ImportState.READING: OPEN,
    ImportState.CHECKING: CHECK,
    ImportState.QUEUED: RUN,
    ImportState.RUNNING: RUN,
}
UNFINISHED = (
    ImportState.READING,
    ImportState.UPLOADED,
    ImportState.CHECKING,
    ImportState.CHECKED,
    ImportState.QUEUED,
    ImportState.RUNNING,
)
CAN_CHOOSE_COLUMNS = (ImportState.UPLOADED, ImportState.CHECKED)
CAN_START = (ImportState.CHECKED,)
# in the mapping, while another sheet than the one there is waits to be opened
WANTED_SHEET = "wanted_sheet"


def receive_upload(
    chunks: Iterable[bytes],
    file_name: str,
    contact_list: ContactList | None,
    list_name: str,
    country: str,
    actor: User,
) -> Import:
    """Keep an uploaded file and open it: at once where it is small, else by a worker.

    `contact_list` gets the people; None: a new one of `list_name`, made when the import starts.
    """
    path = uploads.store(chunks)
    received = Import.objects.create(
        list=contact_list,
        list_name=contact_list.name if contact_list else list_name,
        file_name=file_name[:255],
        path=path,
        mapping={"country": country or settings.DEFAULT_COUNTRY},
        state=ImportState.READING,
        created_by=actor,
        lease_until=timezone.now() + LEASE,
    )
    _open(received)
    received.refresh_from_db()
    return received


def _open(waiting: Import) -> None:
    if uploads.locate(uploads.upload_name(waiting.path)).stat().st_size <= MAX_OPENED_AT_ONCE:
        open_file(waiting.pk)
    else:
        enqueue(OPEN, waiting.pk)


def open_file(import_id: int) -> None:
    """Unpack the file and propose how to read it: READING becomes UPLOADED, or FAILED with words
    that say why.

    Where another sheet was wanted and cannot be had, the import stays with the sheet that it had,
    and with the words.
    """
    opened = Import.objects.filter(pk=import_id, state=ImportState.READING).first()
    if opened is None:
        return
    try:
        path, proposed = _propose_mapping(opened)
    except ContactsError as refused:
        if WANTED_SHEET not in opened.mapping:
            fail_import(import_id, str(refused))
            return
        path, failure = opened.path, str(refused)[:300]
        proposed = {name: value for name, value in opened.mapping.items() if name != WANTED_SHEET}
    else:
        failure = ""
    Import.objects.filter(pk=import_id, state=ImportState.READING).update(
        state=ImportState.UPLOADED, path=path, mapping=proposed, failure=failure, lease_until=None
    )


def _propose_mapping(opened: Import) -> tuple[str, dict[str, Any]]:
    upload = uploads.locate(uploads.upload_name(opened.path))
    unpacked = file_types.unpack(upload, opened.mapping.get(WANTED_SHEET, ""))
    country = opened.mapping["country"]
    layout = csv_reader.detect(unpacked.path, country)
    rows = csv_reader.read_sample(unpacked.path, layout)
    proposed = _mapping_of_last_import(rows, layout, opened) or column_mapping.propose(
        rows, layout, country
    )
    about = {"kind": unpacked.kind, "sheet": unpacked.sheet, "sheets": list(unpacked.sheets)}
    about |= {"country": country, "existing": "update"}
    return unpacked.path.name, layout.as_json() | proposed.as_json() | about


def _mapping_of_last_import(
    rows: list[list[str]], layout: Layout, opened: Import
) -> ColumnMapping | None:
    """The mapping of the last import of the same list, where the file has the same columns."""
    names = [
        name
        for name in column_mapping.column_names(rows, layout)
        if name.casefold() not in column_mapping.REPORT_COLUMNS
    ]
    last = (
        Import.objects.filter(list=opened.list_id, state=ImportState.FINISHED)
        .exclude(list=None)
        .first()
    )
    if last is None or not layout.header or last.mapping.get("columns") != names:
        return None
    return ColumnMapping.from_json(last.mapping)


def change_layout(import_id: int, layout: Layout) -> None:
    """Read the file another way; the columns are proposed anew. Raises Refused."""
    chosen = Import.objects.get(pk=import_id)
    rows = csv_reader.read_sample(uploads.locate(chosen.path), layout)
    proposed = column_mapping.propose(rows, layout, chosen.mapping["country"])
    _save_mapping(import_id, chosen.mapping | layout.as_json() | proposed.as_json())


def choose_sheet(import_id: int, sheet: str) -> None:
    """Take another sheet of the file, which is opened as after the upload: at once where it is
    small.
    """
    with transaction.atomic():
        chosen = Import.objects.select_for_update().get(pk=import_id)
        if chosen.state not in CAN_CHOOSE_COLUMNS:
            return
        chosen.state, chosen.checked, chosen.failure = ImportState.READING, {}, ""
        chosen.mapping |= {WANTED_SHEET: sheet}
        chosen.lease_until = timezone.now() + LEASE
        chosen.save(update_fields=["state", "checked", "failure", "mapping", "lease_until"])
    _open(chosen)


def choose_columns(import_id: int, columns: ColumnMapping, country: str, existing: str) -> None:
    """Say which columns are what. Raises Refused without a phone column."""
    if not columns.phones:
        raise ContactsError(_("Choose the column with the phone numbers."))
    chosen = Import.objects.get(pk=import_id)
    rows = csv_reader.read_sample(uploads.locate(chosen.path), Layout.from_json(chosen.mapping))
    names = column_mapping.column_names(rows, Layout.from_json(chosen.mapping))
    changed = columns.as_json() | {"country": country, "existing": existing, "columns": names}
    _save_mapping(import_id, chosen.mapping | changed)


def _save_mapping(import_id: int, changed: dict[str, Any]) -> None:
    Import.objects.filter(pk=import_id, state__in=CAN_CHOOSE_COLUMNS).update(
        mapping=changed, state=ImportState.UPLOADED, checked={}, failure=""
    )


def back_to_columns(import_id: int) -> None:
    """From the check back to the choice of columns."""
    Import.objects.filter(pk=import_id, state=ImportState.CHECKED).update(
        state=ImportState.UPLOADED, checked={}
    )


def start_check(import_id: int) -> None:
    """Have a worker count what the import would do."""
    with transaction.atomic():
        started = Import.objects.filter(pk=import_id, state=ImportState.UPLOADED).update(
            state=ImportState.CHECKING,
            checked={},
            rows=0,
            failure="",
            lease_until=timezone.now() + LEASE,
        )
        if started:
            enqueue(CHECK, import_id)


def start(import_id: int, actor: User | None) -> None:
    """Have a worker import the file, into a list that is made now if it is new."""
    with transaction.atomic():
        started = Import.objects.filter(pk=import_id, state__in=CAN_START).update(
            state=ImportState.QUEUED
        )
        if not started:
            return
        queued = Import.objects.get(pk=import_id)
        if queued.list is None:
            queued.list = _get_or_create_list(queued.list_name, actor)
            queued.save(update_fields=["list"])
        record(actor, queued.list, "imported", queued.file_name)
        enqueue(RUN, import_id)


def _get_or_create_list(name: str, actor: User | None) -> ContactList:
    return ContactList.objects.get_or_create(name=name, defaults={"created_by": actor})[0]


def cancel(import_id: int) -> None:
    """Stop the import; people who came in already stay on the list."""
    open_ = Import.objects.filter(pk=import_id, state__in=UNFINISHED)
    path = open_.values_list("path", flat=True).first()
    done = open_.update(
        state=ImportState.CANCELLED,
        finished_at=timezone.now(),
        path="",
        lease_until=None,
        lease_token="",
    )
    if done:
        uploads.remove(path or "")


def create_queued_import(
    path: Path, list_name: str, phone_column: str, country: str, sheet: str = ""
) -> Import:
    """The same from a command, at once and without questions. Raises Refused; the report
    otherwise.
    """
    name = uploads.store_copy(path)
    made = Import(
        list_name=list_name,
        file_name=path.name[:255],
        path=name,
        mapping={"country": country, WANTED_SHEET: sheet},
    )
    try:
        made.path, made.mapping = _propose_mapping(made)
        layout = Layout.from_json(made.mapping)
        rows = csv_reader.read_sample(uploads.locate(made.path), layout)
        made.mapping |= column_mapping.propose_with_phone_column(
            rows, layout, phone_column, country
        ).as_json()
        made.mapping["columns"] = column_mapping.column_names(rows, layout)
    except ContactsError:
        uploads.remove(name)
        raise
    made.state = ImportState.QUEUED
    made.list = _get_or_create_list(list_name, None)
    made.save()
    return made


def enqueue_stalled() -> None:
    """Wake a worker for every import that nobody is at: one whose worker died, or whose task was
    lost.
    """
    now = timezone.now()
    stalled = Import.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), state__in=list(TASKS)
    )
    for import_id, state in stalled.values_list("pk", "state"):
        enqueue(TASKS[ImportState(state)], import_id)


def cancel_abandoned(older_than: timedelta = timedelta(days=30)) -> None:
    """Cancel uploads that nobody went on with, and delete their files."""
    forgotten = Import.objects.filter(
        state__in=CAN_CHOOSE_COLUMNS, created_at__lt=timezone.now() - older_than
    )
    for import_id in forgotten.values_list("pk", flat=True):
        cancel(import_id)
    needed = Import.objects.exclude(path="").values_list("path", flat=True)
    uploads.remove_orphans(needed, (timezone.now() - older_than).timestamp())


def enqueue_next(import_id: int) -> None:
    """After an import has ended, wake a worker for the next one that waits for the same list."""
    list_id = Import.objects.filter(pk=import_id).values_list("list", flat=True).first()
    waiting = (
        Import.objects.filter(list=list_id, state=ImportState.QUEUED)
        .exclude(list=None)
        .order_by("pk")
    )
    for next_id in waiting.values_list("pk", flat=True)[:1]:
        enqueue(RUN, next_id)
