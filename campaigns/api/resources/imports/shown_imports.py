"""What the API says of an import."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Schema
from pydantic import Field

from campaigns.api.access import actor
from campaigns.api.paging import Page
from campaigns.api.schemas import Id
from campaigns.contacts.consent.imported_consents import ConsentOutcome
from campaigns.contacts.fetching import unattended
from campaigns.contacts.fetching.share_links import shown_address
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing import claims, column_mapping, lifecycle
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import, ImportState, ImportUndo
from campaigns.contacts.pages.imports import import_notes
from campaigns.contacts.pages.imports.import_views import examples
from campaigns.contacts.phones.masking import mask_cell
from campaigns.contacts.undo import kept_values
from campaigns.contacts.undo import lifecycle as undo_lifecycle
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones

RETRY_AFTER = "2"  # seconds
ImportId = Annotated[Id, Path()]


Consents = Annotated[
    dict[ConsentOutcome, int] | None,
    Field(description="What becomes of consents; none if the import writes none."),
]


class CheckOut(Schema):
    """What an import would do."""

    rows: int
    new: int
    known: int
    duplicates: int
    stop_listed: int
    rejected: Annotated[dict[str, int], Field(description="Rows by the reason.")]
    countries: Annotated[dict[str, int], Field(description="Contacts by country.")]
    consents: Consents


class ImportOut(Schema):
    id: int
    state: ImportState
    is_under_way: Annotated[
        bool,
        Field(description="Whether it goes on by itself: ask again after Retry-After seconds."),
    ]
    problem: Annotated[str, Field(description="Why it failed, or does not go on; else empty.")]
    list_id: Annotated[int | None, Field(description="None before a new list is created.")]
    list_name: str
    file_name: str
    address: Annotated[str, Field(description="Host and file name, of one from an address.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    total_rows: int | None
    rows: Annotated[int, Field(description="So far: the sum of the six counts that follow.")]
    new: int
    updated: int
    unchanged: int
    duplicates: int
    stop_listed: int
    rejected: int
    rejected_by_reason: dict[str, int]
    countries: dict[str, int]
    consents: Consents
    check: CheckOut | None


class ImportPage(Page[ImportOut]):
    pass


class LayoutOut(Schema):
    encoding: str
    delimiter: str
    quote: str
    header: bool
    first_row: int
    escape: bool
    sheet: str
    sheets: list[str]


class ColumnOut(Schema):
    number: Annotated[int, Field(description="From 1.")]
    column: Annotated[str, Field(description="Its name.")]
    use: Annotated[str, Field(description="phone, field or skip: as chosen, or as proposed.")]
    name: Annotated[str, Field(description="The merge tag of a field.")]
    format: ValueFormat
    examples: list[str]


class UndoOut(Schema):
    can_undo: bool
    refusal: Annotated[str, Field(description="Why it can't be undone now.")]
    until: datetime | None
    removed: int
    restored: int
    changed: int
    sent: int
    gone: int
    consents: Annotated[int, Field(description="Set back to what they were before.")]


class ImportDetail(ImportOut):
    country: str
    existing: str
    layout: LayoutOut | None
    columns: Annotated[list[ColumnOut], Field(description="While the columns can be chosen.")]
    notes: Annotated[list[str], Field(description="What was guessed.")]
    undo: UndoOut | None


def get_import(
    request: HttpRequest, import_id: int, permission: Permission = Permission.VIEW
) -> Import:
    """The import with this id: 404 or 403 otherwise."""
    imports = Import.objects.select_related("list", "created_by")
    return get_object_for(actor(request), imports, permission, pk=import_id)


def is_under_way(contact_import: Import) -> bool:
    """Whether a worker has it, or will."""
    return contact_import.state in claims.TASKS or (
        contact_import.state in lifecycle.CAN_CHOOSE_COLUMNS
        and unattended.is_going_on(contact_import)
    )


def import_out(contact_import: Import) -> dict[str, Any]:
    """The values of ImportOut."""
    checked = contact_import.checked
    # one of a command is never checked, and has notes alone
    is_checked = "rows" in checked
    check = {name: checked.get(name) for name in CheckOut.model_fields} if is_checked else None
    same = set(ImportOut.model_fields) - {"is_under_way", "problem", "address", "check"}
    return {
        **{name: getattr(contact_import, name) for name in same},
        "list_name": contact_import.list.name if contact_import.list else contact_import.list_name,
        "is_under_way": is_under_way(contact_import),
        "problem": contact_import.failure,
        "address": shown_address(contact_import.address) if contact_import.address else "",
        "check": check,
    }


def shown(request: HttpRequest, import_id: int, response: HttpResponse) -> dict[str, Any]:
    """The values of ImportDetail as they are now; the response says when to ask again."""
    contact_import = get_import(request, import_id)
    if is_under_way(contact_import):
        response.headers["Retry-After"] = RETRY_AFTER
    sees = sees_phones(actor(request))
    out = import_out(contact_import)
    columns: list[dict[str, Any]] = []
    if contact_import.state in lifecycle.CAN_CHOOSE_COLUMNS:
        try:
            columns = _columns(contact_import, sees)
        except ContactsError as unreadable:
            out["problem"] = out["problem"] or str(unreadable)
    notes = import_notes.check_notes(contact_import)
    return out | {
        "country": contact_import.mapping.get("country", ""),
        "existing": contact_import.mapping.get("existing", "update"),
        "layout": _layout(contact_import),
        "columns": columns,
        # the examples of a note may be phones
        "notes": [f"{note.text} {note.more}".strip() if sees else note.text for note in notes],
        "undo": _undo(contact_import),
    }


def _layout(contact_import: Import) -> dict[str, Any] | None:
    mapping = contact_import.mapping
    if "kind" not in mapping:  # not opened yet
        return None
    layout = Layout.from_json(mapping)
    return {
        **{name: getattr(layout, name) for name in ("encoding", "delimiter", "quote", "header")},
        "first_row": layout.skip_rows + 1,
        "escape": bool(layout.escape),
        "sheet": mapping.get("sheet", ""),
        "sheets": mapping.get("sheets", []),
    }


def _columns(contact_import: Import, sees: bool) -> list[dict[str, Any]]:
    """Each column with its use and examples. Raises ContactsError for a file that is gone."""
    layout = Layout.from_json(contact_import.mapping)
    rows = lifecycle.read_rows(contact_import, layout)
    mapping = ColumnMapping.from_json(contact_import.mapping)
    body = [row for row in (rows[1:] if layout.header else rows) if row]
    uses = dict.fromkeys(mapping.fields, "field") | dict.fromkeys(mapping.phones, "phone")
    return [
        {
            "number": place + 1,
            "column": name if sees or layout.header else mask_cell(name),
            "use": uses.get(place, "skip"),
            "name": mapping.fields.get(place, ""),
            "format": mapping.formats.get(place, ValueFormat.TEXT),
            "examples": [each if sees else mask_cell(each) for each in examples(body, place)],
        }
        for place, name in enumerate(column_mapping.column_names(rows, layout))
    ]


def _undo(contact_import: Import) -> dict[str, Any] | None:
    """Whether an import that has ended can be undone, and what was; None if there is nothing."""
    undo = ImportUndo.objects.filter(source=contact_import).first()
    can_be = undo_lifecycle.has_written(contact_import)
    if undo is None and not can_be:
        return None
    refusal = undo_lifecycle.refusal(contact_import) if can_be else ""
    counts = ("removed", "restored", "changed", "sent", "gone", "consents")
    return {
        "can_undo": can_be and not refusal,
        "refusal": refusal,
        "until": kept_values.kept_until(contact_import) if can_be else None,
        **{name: getattr(undo, name, 0) for name in counts},
    }
