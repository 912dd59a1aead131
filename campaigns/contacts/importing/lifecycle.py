"""The steps of an import, from the upload to the report.

Each step is one conditional update, so that a second click does nothing. Pages only change the
state and enqueue; tasks.py does the work.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.field_types import list_fields
from campaigns.contacts.importing import claims, column_mapping, csv_reader, file_types, uploads
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError, file_error
from campaigns.contacts.importing.reading import consent_columns, layout_detection
from campaigns.contacts.importing.reading.cell_values import EVERY_RULE, CellRules
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice
from campaigns.contacts.importing.reading.layout_detection import NOTHING_KNOWN, KnownLayout
from campaigns.contacts.models import ContactList, FieldType, Import, ImportState
from campaigns.shared.queue import enqueue
from campaigns.team.audit import record
from campaigns.team.models import User

MAX_OPENED_AT_ONCE = 2 << 20  # bytes; larger files are opened by a worker
CAN_CHOOSE_COLUMNS = (ImportState.UPLOADED, ImportState.CHECKED)
CAN_START = (ImportState.CHECKED,)
CANCELLED_AT_ONCE = 100
# in the mapping, once a user has confirmed the layout
SURE: dict[str, Any] = {"close_encodings": []}
# key in the mapping: a newly chosen sheet that is not opened yet
WANTED_SHEET = "wanted_sheet"
# key in the mapping: how an import goes on without a user (fetching/unattended.py), until one acts
UNATTENDED = "unattended"
NO_WISHES: Mapping[str, Any] = MappingProxyType({})


def receive_upload(
    chunks: Iterable[bytes],
    file_name: str,
    contact_list: ContactList | None,
    list_name: str,
    country: str,
    actor: User,
    wishes: Mapping[str, Any] = NO_WISHES,
) -> Import:
    """Store an uploaded file and open it: small ones at once, others by a worker.

    `contact_list`: the list to import into; None: a new list called `list_name`, which is created
    when the import starts. `wishes`: WANTED_SHEET, UNATTENDED. Raises ContactsError if the file
    cannot be stored.
    """
    try:
        path = uploads.store(chunks)
    except OSError as error:
        raise file_error(error) from error
    with transaction.atomic():
        contact_import = Import.objects.create(
            list=contact_list,
            list_name=contact_list.name if contact_list else list_name,
            file_name=file_name[:255],
            path=path,
            mapping={"country": country or settings.DEFAULT_COUNTRY, **wishes},
            state=ImportState.READING,
            created_by=actor,
            lease_until=timezone.now() + claims.LEASE,
        )
        record(actor, contact_import, "uploaded", contact_import.file_name)
    _open(contact_import)
    contact_import.refresh_from_db()
    return contact_import


def _open(contact_import: Import) -> None:
    upload = uploads.locate(uploads.upload_name(contact_import.path))
    try:
        large = upload.stat().st_size > MAX_OPENED_AT_ONCE
    except OSError:  # open_file says what is wrong with it
        large = False
    if large:
        enqueue(claims.OPEN, contact_import.pk)
    else:
        open_file(contact_import.pk)


def open_file(import_id: int) -> Outcome:
    """Unpack the file and propose how to read it: READING becomes UPLOADED, or FAILED.

    If a newly chosen sheet cannot be read, the import keeps the previous one, with the reason in
    `failure`.
    """
    token = claims.claim(import_id, ImportState.READING, claims.OPENING_LEASE)
    return claims.guard(import_id, token, lambda mine: _open_claimed(mine, token))


def _open_claimed(contact_import: Import, token: str) -> Outcome:
    try:
        path, proposed = _propose_mapping(contact_import)
    except ContactsError as refused:
        if WANTED_SHEET not in contact_import.mapping:
            raise
        path, failure = contact_import.path, str(refused)[:300]
        proposed = {
            name: value for name, value in contact_import.mapping.items() if name != WANTED_SHEET
        }
    else:
        failure = ""
    if UNATTENDED in contact_import.mapping:
        proposed |= {UNATTENDED: contact_import.mapping[UNATTENDED]}
    held = Import.objects.filter(pk=contact_import.pk, state=ImportState.READING, lease_token=token)
    held.update(
        state=ImportState.UPLOADED,
        path=path,
        mapping=proposed,
        failures=0,
        failure=failure,
        **claims.FREE,
    )
    return Outcome.DONE


def _propose_mapping(
    contact_import: Import, known: KnownLayout = NOTHING_KNOWN
) -> tuple[str, dict[str, Any]]:
    upload = uploads.locate(uploads.upload_name(contact_import.path))
    unpacked = file_types.unpack(upload, contact_import.mapping.get(WANTED_SHEET, ""))
    country = contact_import.mapping["country"]
    layout, encoding = layout_detection.detect_with_encoding(unpacked.path, country, known)
    rows = csv_reader.read_sample(unpacked.path, layout)
    columns = _mapping_of_last_import(rows, layout, contact_import) or column_mapping.propose(
        rows, layout, country
    )
    proposed = column_mapping.propose_formats(
        columns, rows, layout, known_types(contact_import), is_workbook=bool(unpacked.sheet)
    )
    file_facts: dict[str, Any] = {
        "kind": unpacked.kind,
        "sheet": unpacked.sheet,
        "sheets": list(unpacked.sheets),
        "hidden_rows": unpacked.hidden_rows,
        "formatted": unpacked.formatted,
        "other_lines": encoding.other_lines,
        "close_encodings": list(encoding.close),
        "country": country,
        "existing": "update",
        "rules": EVERY_RULE.as_json(),
    }
    return unpacked.path.name, layout.as_json() | proposed.as_json() | file_facts


def known_types(contact_import: Import) -> dict[str, FieldType]:
    """The types of the fields that the list of the import has."""
    return list_fields.types_of(contact_import.list) if contact_import.list else {}


def _mapping_of_last_import(
    rows: list[list[str]], layout: Layout, contact_import: Import
) -> ColumnMapping | None:
    """The mapping of the last import into the same list, if the file has the same columns. That
    everybody agreed is said of each file anew.
    """
    names = [
        name
        for name in column_mapping.column_names(rows, layout)
        if name.casefold() not in column_mapping.REPORT_COLUMNS
    ]
    last_import = (
        Import.objects.filter(list=contact_import.list_id, state=ImportState.FINISHED)
        .exclude(list=None)
        .first()
    )
    if last_import is None or not layout.header or last_import.mapping.get("columns") != names:
        return None
    columns = ColumnMapping.from_json(last_import.mapping)
    is_of_file = columns.consent is not None and columns.consent.is_of_everybody
    return replace(columns, consent=None) if is_of_file else columns


def read_rows(contact_import: Import, layout: Layout) -> list[list[str]]:
    """The first rows of the file, for its pages. Raises ContactsError, also for a file that is
    gone.
    """
    if not contact_import.path:
        raise file_error(FileNotFoundError())
    try:
        return csv_reader.read_sample(uploads.locate(contact_import.path), layout)
    except OSError as error:
        raise file_error(error) from error


def change_layout(import_id: int, layout: Layout) -> None:
    """Read the file with another layout and propose its columns anew. Raises ContactsError."""
    contact_import = Import.objects.get(pk=import_id)
    rows = read_rows(contact_import, layout)
    columns = column_mapping.propose(rows, layout, contact_import.mapping["country"])
    is_workbook = bool(contact_import.mapping.get("sheet"))
    proposed = column_mapping.propose_formats(
        columns, rows, layout, known_types(contact_import), is_workbook=is_workbook
    )
    _save_mapping(import_id, contact_import.mapping | layout.as_json() | proposed.as_json() | SURE)


def choose_sheet(import_id: int, sheet: str) -> None:
    """Choose another sheet of the file, which is opened as after the upload."""
    with transaction.atomic():
        contact_import = Import.objects.select_for_update().get(pk=import_id)
        if contact_import.state not in CAN_CHOOSE_COLUMNS:
            return
        contact_import.state = ImportState.READING
        contact_import.checked, contact_import.failure = {}, ""
        contact_import.mapping |= {WANTED_SHEET: sheet}
        contact_import.mapping.pop(UNATTENDED, None)
        contact_import.lease_until = timezone.now() + claims.LEASE
        contact_import.lease_token = ""
        changed = ["state", "checked", "failure", "mapping", "lease_until", "lease_token"]
        contact_import.save(update_fields=changed)
    _open(contact_import)


def choose_columns(
    import_id: int,
    columns: ColumnMapping,
    country: str,
    existing: str,
    rules: CellRules,
    *,
    by_user: bool = True,
) -> None:
    """Save the columns with phones and merge tags. Raises ContactsError without a phone column.

    `existing`: "update" or "keep" for contacts already on the list. `rules`: what may be guessed.
    `by_user`: then the import no longer goes on without one.
    """
    if not columns.phones:
        raise ContactsError(_("Choose the column with the phone numbers."))
    contact_import = Import.objects.get(pk=import_id)
    layout = Layout.from_json(contact_import.mapping)
    rows = read_rows(contact_import, layout)
    names = column_mapping.column_names(rows, layout)
    columns = consent_columns.with_order_of_days(columns, rows, layout)
    new_mapping = columns.as_json() | {"country": country, "existing": existing, "columns": names}
    new_mapping |= {"rules": rules.as_json()}
    _save_mapping(import_id, contact_import.mapping | new_mapping, by_user)


def _save_mapping(import_id: int, new_mapping: dict[str, Any], by_user: bool = True) -> None:
    if by_user:
        new_mapping.pop(UNATTENDED, None)
    Import.objects.filter(pk=import_id, state__in=CAN_CHOOSE_COLUMNS).update(
        mapping=new_mapping, state=ImportState.UPLOADED, checked={}, failure=""
    )


def back_to_columns(import_id: int) -> None:
    """Go back from the check to the choice of columns."""
    Import.objects.filter(pk=import_id, state=ImportState.CHECKED).update(
        state=ImportState.UPLOADED, checked={}
    )


def start_check(import_id: int) -> None:
    """Have a worker check the file (dry_run.py)."""
    with transaction.atomic():
        started = Import.objects.filter(pk=import_id, state=ImportState.UPLOADED).update(
            state=ImportState.CHECKING,
            checked={},
            rows=0,
            failure="",
            lease_until=timezone.now() + claims.LEASE,
            lease_token="",
        )
        if started:
            enqueue(claims.CHECK, import_id)


def start(import_id: int, actor: User | None) -> None:
    """Have a worker import the file; creates the list if it is new.

    If a field of the list has got another type since the check, the columns are to be chosen again.
    """
    with transaction.atomic():
        contact_import = Import.objects.get(pk=import_id)
        if contact_import.state not in CAN_START:
            return
        # before the state: whoever deletes a list has locked it, and looks for imports then
        lists = ContactList.objects.select_for_update().filter(pk=contact_import.list_id or 0)
        contact_list = lists.first() or _get_or_create_list(contact_import.list_name, actor)
        can_start = Import.objects.filter(pk=import_id, state__in=CAN_START)
        columns = ColumnMapping.from_json(contact_import.mapping)
        if conflict := column_mapping.type_conflict(contact_list, columns):
            can_start.update(
                state=ImportState.UPLOADED, list=contact_list, checked={}, failure=conflict
            )
            return
        if not can_start.update(state=ImportState.QUEUED, list=contact_list, **claims.FREE):
            return
        column_mapping.add_fields(contact_list, columns)
        contact_import.list = contact_list
        record(actor, contact_import.list, "imported", contact_import.file_name)
        enqueue(claims.RUN, import_id)


def _get_or_create_list(name: str, actor: User | None) -> ContactList:
    """The list called `name`, locked, in the caller's transaction."""
    lists = ContactList.objects.select_for_update()
    return lists.get_or_create(name=name, defaults={"created_by": actor})[0]


@transaction.atomic
def cancel(import_id: int, actor: User | None = None) -> None:
    """Cancel the import; contacts already written stay on the list."""
    chosen = Import.objects.filter(pk=import_id)
    claims.end_as_cancelled(chosen)
    if chosen.filter(state=ImportState.CANCELLED).exists():
        record(actor, f"import:{import_id}", "cancelled")


def create_queued_import(
    path: Path,
    list_name: str,
    phone_column: str,
    country: str,
    sheet: str = "",
    existing: str = "update",
    known: KnownLayout = NOTHING_KNOWN,
    rules: CellRules = EVERY_RULE,
    consent: ConsentChoice | None = None,
) -> Import:
    """Create a queued import for a command: without pages, with the proposed mapping.

    `phone_column`: name, letter or number from 1; empty: proposed. `existing`: "update" or "keep".
    `known`: what need not be detected. `rules`: what may be guessed in cells. `consent`: which ones
    are written. Raises ContactsError.
    """
    try:
        name = uploads.store_copy(path)
    except OSError as error:
        raise file_error(error) from error
    contact_import = Import(
        list_name=list_name,
        file_name=path.name[:255],
        path=name,
        mapping={"country": country, WANTED_SHEET: sheet},
    )
    try:
        _map_columns(contact_import, phone_column, existing, known, consent)
    except OSError as error:
        uploads.remove(name)
        raise file_error(error) from error
    except ContactsError:
        uploads.remove(name)
        raise
    contact_import.mapping |= {"rules": rules.as_json()}
    _queue(contact_import)
    return contact_import


@transaction.atomic
def _queue(contact_import: Import) -> None:
    contact_import.state = ImportState.QUEUED
    contact_import.list = _get_or_create_list(contact_import.list_name, None)
    contact_import.save()
    record(None, contact_import.list, "imported", contact_import.file_name)


def _map_columns(
    contact_import: Import,
    phone_column: str,
    existing: str,
    known: KnownLayout,
    consent: ConsentChoice | None,
) -> None:
    """Open the file of an import that no page shows, and choose its columns."""
    contact_import.path, contact_import.mapping = _propose_mapping(contact_import, known)
    layout = Layout.from_json(contact_import.mapping)
    rows = csv_reader.read_sample(uploads.locate(contact_import.path), layout)
    country = contact_import.mapping["country"]
    columns = column_mapping.propose_with_phone_column(rows, layout, phone_column, country)
    columns = with_types_of_list(columns, rows, contact_import)
    names = column_mapping.column_names(rows, layout)
    if consent:
        columns = replace(columns, consent=consent.mapping(names))
        columns = consent_columns.with_order_of_days(columns, rows, layout)
    contact_import.mapping |= columns.as_json() | {"columns": names, "existing": existing}


def with_types_of_list(
    columns: ColumnMapping, rows: list[list[str]], contact_import: Import
) -> ColumnMapping:
    """The columns with the types of the list of that name. New fields are texts: nobody sees a
    proposal.
    """
    known = dict.fromkeys(columns.fields.values(), FieldType.TEXT)
    if contact_list := ContactList.objects.filter(name=contact_import.list_name).first():
        known |= list_fields.types_of(contact_list)
    mapping = contact_import.mapping
    return column_mapping.propose_formats(
        columns, rows, Layout.from_json(mapping), known, is_workbook=bool(mapping.get("sheet"))
    )


def not_started() -> QuerySet[Import]:
    """The imports whose file waits for a user to start them."""
    return Import.objects.filter(state__in=CAN_CHOOSE_COLUMNS)


def cancel_abandoned(before: datetime) -> int | None:
    """Cancel imports that were made `before` and never started, some at a time; then delete files
    without an import. Returns how many; None: nothing is left.
    """
    abandoned = not_started().filter(created_at__lt=before).order_by("pk")
    ids = list(abandoned.values_list("pk", flat=True)[:CANCELLED_AT_ONCE])
    for import_id in ids:
        cancel(import_id)
    if ids:
        return len(ids)
    paths_in_use = Import.objects.exclude(path="").values_list("path", flat=True)
    return uploads.remove_orphans(paths_in_use, before.timestamp()) or None
