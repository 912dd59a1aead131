"""Imports: the list, the steps of one, and its rejected rows."""

from typing import Annotated, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import Problem
from campaigns.api.resources.imports.shown_imports import (
    ImportDetail,
    ImportId,
    ImportPage,
    get_import,
    import_out,
    shown,
)
from campaigns.api.resources.imports.sources import (
    ColumnIn,
    ConsentIn,
    PlanIn,
    require_columns,
    require_consent,
    router,
)
from campaigns.api.schemas import TABLE_FILE, Body, Country, FileKind, Id, Text
from campaigns.contacts.fetching import unattended
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.importing.csv_reader import MAX_COLUMNS, MAX_HEAD_ROWS
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import exports
from campaigns.contacts.models import Import, ImportState, RejectedRow
from campaigns.contacts.pages.forms import LayoutForm
from campaigns.contacts.phones.masking import mask_cell
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.undo import lifecycle as undo_lifecycle
from campaigns.team.pages.audit.downloads import download
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

EDIT = Needs(Permission.EDIT_CONTACTS)


class ImportQuery(PageQuery):
    state: ImportState | None = None
    list_id: Id | None = None


class LayoutIn(Body):
    """What is not named stays."""

    sheet: Annotated[Text, Field(max_length=100)] | None = None
    encoding: Annotated[Text, Field(max_length=30)] | None = None
    other_encoding: Annotated[Text, Field(max_length=30)] | None = None
    delimiter: Annotated[Text, Field(min_length=1, max_length=1)] | None = None
    quote: Annotated[Text, Field(max_length=1)] | None = None
    first_row: Annotated[int, Field(ge=1, le=MAX_HEAD_ROWS + 1)] | None = None
    header: bool | None = None
    escape: bool | None = None


class ColumnsIn(PlanIn):
    columns: Annotated[
        list[ColumnIn],
        Field(min_length=1, max_length=MAX_COLUMNS, description="Others are skipped."),
    ]
    country: Country = settings.DEFAULT_COUNTRY
    consent: ConsentIn | None = None


class UndoPreviewOut(Schema):
    """What an undo would do; together these are the new and updated contacts of the import."""

    removed: int
    restored: int
    changed: Annotated[int, Field(description="Left: somebody changed them since.")]
    sent: Annotated[int, Field(description="Left: something was sent to them.")]
    gone: int
    consents: Annotated[int, Field(description="Set back to what they were before.")]


class RejectedRowOut(Schema):
    row_number: Annotated[int, Field(description="As in a spreadsheet, from 1.")]
    reason: str
    reason_text: str
    cells: Annotated[list[str], Field(description="Without digits if phones are masked.")]


class RejectedRowPage(Page[RejectedRowOut]):
    pass


@router.get("imports", response=ImportPage, auth=Needs(Permission.VIEW))
def list_imports(request: HttpRequest, query: Query[ImportQuery]) -> Any:
    """All imports, the newest first."""
    imports = visible_to(actor(request), Import.objects.select_related("list"))
    if query.state:
        imports = imports.filter(state=query.state)
    if query.list_id:
        imports = imports.filter(list=query.list_id)
    return page(request, imports, query, import_out, newest_first=True)


@router.get(
    "imports/{import_id}", summary="Get import", response=ImportDetail, auth=Needs(Permission.VIEW)
)
def get_one_import(request: HttpRequest, import_id: ImportId, response: HttpResponse) -> Any:
    """An import: its state and counts, its columns with proposals, and its undo. While it is under
    way, Retry-After says when to ask again.
    """
    return shown(request, import_id, response)


@router.patch(
    "imports/{import_id}",
    summary="Change how the file of an import is read",
    response=ImportDetail,
    auth=EDIT,
)
@own_transactions
def change_import_layout(
    request: HttpRequest, import_id: ImportId, body: LayoutIn, response: HttpResponse
) -> Any:
    """Read the file in another way, or another sheet of it; its columns are proposed anew."""
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    _require_state(contact_import, *lifecycle.CAN_CHOOSE_COLUMNS)
    mapping = contact_import.mapping
    present = {
        name: mapping.get(name)
        for name in ("encoding", "delimiter", "quote", "header", "other_encoding", "sheet")
    }
    present |= {
        "first_row": mapping.get("skip_rows", 0) + 1,
        "escape": bool(mapping.get("escape")),
    }
    form = LayoutForm(mapping, posted(present | body.model_dump(exclude_none=True)))
    require_valid(form)
    if sheet := form.other_sheet():
        lifecycle.choose_sheet(import_id, sheet)
    else:
        lifecycle.change_layout(import_id, form.layout())
    return shown(request, import_id, response)


@router.put(
    "imports/{import_id}/columns",
    summary="Choose the columns of an import",
    response=ImportDetail,
    auth=EDIT,
)
def choose_import_columns(
    request: HttpRequest, import_id: ImportId, body: ColumnsIn, response: HttpResponse
) -> Any:
    """Say what the columns are used as, and have the file checked; with `start`, imported too."""
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    _require_state(contact_import, *lifecycle.CAN_CHOOSE_COLUMNS)
    require_columns(contact_import, body.columns)
    require_consent(contact_import, body.consent)
    unattended.set_plan(import_id, body.plan(body.columns, body.consent), body.country)
    return shown(request, import_id, response)


@router.post("imports/{import_id}/start", response=ImportDetail, auth=EDIT)
def start_import(request: HttpRequest, import_id: ImportId, response: HttpResponse) -> Any:
    """Import a checked file. Once started, a repeated request changes nothing."""
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    _require_state(contact_import, *lifecycle.CAN_START)
    lifecycle.start(import_id, actor(request))
    contact_import.refresh_from_db()
    if contact_import.state in lifecycle.CAN_CHOOSE_COLUMNS:
        raise ContactsError(contact_import.failure)
    return shown(request, import_id, response)


@router.post("imports/{import_id}/cancel", response=ImportDetail, auth=EDIT)
@own_transactions
def cancel_import(request: HttpRequest, import_id: ImportId, response: HttpResponse) -> Any:
    """Cancel an import before its end. Contacts already written stay; see the undo."""
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    lifecycle.cancel(contact_import.pk, actor(request))
    return shown(request, import_id, response)


@router.get(
    "imports/{import_id}/undo",
    summary="Show what undoing an import would do",
    response=UndoPreviewOut,
    auth=EDIT,
)
def preview_import_undo(request: HttpRequest, import_id: ImportId) -> Any:
    """What an undo of the import would do now."""
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    if not undo_lifecycle.has_written(contact_import):
        raise Problem(409, "refused", "There is nothing to undo.")
    if why := undo_lifecycle.refusal(contact_import):
        raise ContactsError(why)
    return undo_lifecycle.preview(contact_import)


@router.post("imports/{import_id}/undo", response=ImportDetail, auth=EDIT)
def undo_import(request: HttpRequest, import_id: ImportId, response: HttpResponse) -> Any:
    """Undo an import that has ended: remove its new contacts, and restore those that it changed."""
    get_import(request, import_id, Permission.EDIT_CONTACTS)
    undo_lifecycle.start(import_id, actor(request))
    return shown(request, import_id, response)


@router.get(
    "imports/{import_id}/rejected-rows",
    summary="List rejected rows of an import",
    response=RejectedRowPage,
    auth=EDIT,
)
def list_rejected_rows(request: HttpRequest, import_id: ImportId, query: Query[PageQuery]) -> Any:
    """The rows that were not imported, as they are in the file, with the reasons; also those of
    which only the consent was not (consent, consent_day).
    """
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    sees = sees_phones(actor(request))

    def row_out(row: RejectedRow) -> RejectedRowOut:
        return RejectedRowOut(
            row_number=row.row_number,
            reason=row.reason,
            reason_text=str(Reason(row.reason).label),
            cells=[str(cell) if sees else mask_cell(str(cell)) for cell in row.row],
        )

    return page(request, RejectedRow.objects.filter(source=contact_import), query, row_out)


@router.get(
    "imports/{import_id}/rejected-rows.{kind}",
    summary="Export rejected rows of an import",
    auth=Needs(Permission.SEE_PHONES),
    openapi_extra=TABLE_FILE,
)
def export_rejected_rows(request: HttpRequest, import_id: ImportId, kind: FileKind) -> Any:
    """The same rows as a file: that of the page, which can be corrected and imported. Needs
    `edit_contacts` too.
    """
    contact_import = get_import(request, import_id, Permission.EDIT_CONTACTS)
    name, table = exports.rejected_name(contact_import), exports.rejected_table(contact_import)
    return download(request, kind, name, table, contact_import)


def _require_state(contact_import: Import, *states: ImportState) -> None:
    if contact_import.state not in states:
        text = f"The import can't be changed so in its present state: {contact_import.state}."
        raise Problem(409, "wrong_state", text)
