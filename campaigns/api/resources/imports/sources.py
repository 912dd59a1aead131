"""An import made of a file, of an address, or of text, which can go on by itself to its end."""

from datetime import date
from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.datastructures import MultiValueDict
from ninja import File, Form, Router, Status
from ninja.files import UploadedFile
from pydantic import Field, Json

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.form_values import posted, require_known, require_valid
from campaigns.api.problems import Problem, invalid
from campaigns.api.resources.imports.shown_imports import ImportDetail, shown
from campaigns.api.schemas import Body, Country, Id, Text
from campaigns.contacts.consent.wordings import WORDING_MAX
from campaigns.contacts.fetching import unattended
from campaigns.contacts.fetching.column_choices import (
    ColumnChoice,
    ColumnError,
    read_choices,
    read_consent,
)
from campaigns.contacts.fetching.unattended import Plan
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.importing.column_mapping import MAX_NAME
from campaigns.contacts.importing.csv_reader import MAX_COLUMNS
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.cell_values import CellRules
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice, ConsentError
from campaigns.contacts.models import Import, ImportState
from campaigns.contacts.pages.forms import PASTE_MAX
from campaigns.contacts.pages.imports.source_views import SOURCES, receive
from campaigns.shared.web.exchange import MAX_ADDRESS
from campaigns.team.permissions import Permission

router = Router(tags=["Imports"])  # also of imports.py: an address belongs to one router
PATHS = {"into": "list_id", "name": "list_name", "rows": "text"}


ConsentColumn = Annotated[Text, Field(min_length=1, max_length=300)] | None


class ColumnIn(Body):
    column: Annotated[
        Text,
        Field(
            min_length=1,
            max_length=300,
            description="Its name, its letter in a spreadsheet or its number from 1.",
        ),
    ]
    use: Literal["phone", "field"] = "field"
    name: Annotated[Text, Field(max_length=MAX_NAME, description="Merge tag; else proposed.")] = ""
    format: Annotated[
        ValueFormat | None, Field(description="Else that of the list; text for a new field.")
    ] = None

    def choice(self) -> ColumnChoice:
        return ColumnChoice(self.column, self.use, self.name.strip(), self.format or "")


class ConsentColumnsIn(Body):
    """Columns of the file: each its name, its letter in a spreadsheet or its number from 1."""

    consent: Annotated[
        ConsentColumn, Field(description="Yes or no. Without it, everybody in the file agreed.")
    ] = None
    day: ConsentColumn = None
    source: ConsentColumn = None
    wording: ConsentColumn = None


class ConsentIn(Body):
    """Which consents are written. Day, source and wording are those of rows without one."""

    columns: ConsentColumnsIn = ConsentColumnsIn()
    day: Annotated[
        date | None, Field(description="Needed where everybody agreed and no column says it.")
    ] = None
    source: Annotated[
        Text, Field(max_length=200, description="How it was given; needed without a column.")
    ] = ""
    wording: Annotated[
        Text, Field(max_length=WORDING_MAX, description="What they agreed to, word for word.")
    ] = ""
    day_format: Annotated[
        Literal["day_first", "month_first"] | None, Field(description="Else by the values.")
    ] = None

    def choice(self) -> ConsentChoice:
        return ConsentChoice(
            {part: name for part, name in self.columns.model_dump().items() if name},
            self.day.isoformat() if self.day else "",
            self.source.strip(),
            self.wording,
            self.day_format or "",
        )


Columns = Annotated[
    list[ColumnIn],
    Field(max_length=MAX_COLUMNS, description="Others are skipped. Without any: as proposed."),
]


class PlanIn(Body):
    """How an import is read, and whether it goes on by itself."""

    existing: Annotated[
        Literal["update", "keep"], Field(description="What happens to contacts on the list.")
    ] = "update"
    null_words: Annotated[bool, Field(description="NULL, N/A and such are no value.")] = True
    older_form: Annotated[bool, Field(description="Read older forms of numbers.")] = True
    first_of_several: Annotated[
        bool, Field(description="Use the first valid number of a cell with several.")
    ] = True
    start: Annotated[
        bool, Field(description="Check and import it, without any further request.")
    ] = False
    max_rejected_percent: Annotated[
        int,
        Field(ge=0, le=100, description="A file with more rejected rows is not imported."),
    ] = 100

    def plan(self, columns: list[ColumnIn], consent: ConsentIn | None) -> Plan:
        rules = CellRules(
            null_words=self.null_words,
            older_form=self.older_form,
            first_of_several=self.first_of_several,
        )
        choices = tuple(column.choice() for column in columns)
        return Plan(
            choices,
            self.existing,
            rules,
            self.start,
            self.max_rejected_percent,
            consent.choice() if consent else None,
        )


class TargetIn(PlanIn):
    list_id: Annotated[Id | None, Field(description="The list to import into.")] = None
    list_name: Annotated[Text, Field(max_length=100, description="Or the name of a new one.")] = ""
    country: Country = settings.DEFAULT_COUNTRY
    sheet: Annotated[Text, Field(max_length=100, description="Of a workbook; else proposed.")] = ""


class FileIn(TargetIn):
    columns: Annotated[
        Json[Columns] | None,
        Field(description='JSON: [{"column": "Mobile", "use": "phone"}, {"column": "City"}]'),
    ] = None
    consent: Annotated[
        Json[ConsentIn] | None,
        Field(description='JSON: {"day": "2026-11-30", "source": "form on the website"}'),
    ] = None


class SourceIn(TargetIn):
    address: Annotated[
        Text | None, Field(max_length=MAX_ADDRESS, description="Of a file, https://…")
    ] = None
    text: Annotated[
        Text | None, Field(max_length=PASTE_MAX, description="Or its rows, as CSV.")
    ] = None
    columns: Columns = []
    consent: ConsentIn | None = None


@router.post(
    "imports/file",
    summary="Import a file",
    response={201: ImportDetail},
    auth=Needs(Permission.EDIT_CONTACTS),
)
@own_transactions
def import_file(
    request: HttpRequest, body: Form[FileIn], file: File[UploadedFile], response: HttpResponse
) -> Any:
    """Upload a file (multipart/form-data): CSV, TSV, TXT, XLSX, XLS, ODS or ZIP, up to 500 MB.

    With `start` it is imported without any further request; otherwise choose the columns, and start
    it.
    """
    require_known(request, body)
    return _made(request, "file", body, {"file": file}, response)


@router.post(
    "imports",
    summary="Import from an address, or rows as text",
    response={201: ImportDetail},
    auth=Needs(Permission.EDIT_CONTACTS),
)
@own_transactions
def create_import(request: HttpRequest, body: SourceIn, response: HttpResponse) -> Any:
    """An import of a file at an address, which is fetched, or of rows within the request."""
    if (body.address is None) == (body.text is None):
        raise invalid("address", "address_or_text", "Send either address or text.")
    if body.address is None:
        return _made(request, "paste", body, {"rows": body.text}, response)
    return _made(request, "address", body, {"address": body.address}, response)


def _made(
    request: HttpRequest,
    kind: str,
    body: FileIn | SourceIn,
    content: dict[str, Any],
    response: HttpResponse,
) -> Any:
    source, user, columns = SOURCES[kind], actor(request), body.columns or []
    target = {"into": body.list_id, "name": body.list_name, "country": body.country}
    files = MultiValueDict({"file": [content["file"]]}) if kind == "file" else None
    form = source.form(posted(target if files else target | content), files)
    data = require_valid(form, PATHS)
    wishes: dict[str, Any] = {lifecycle.UNATTENDED: body.plan(columns, body.consent).as_json()}
    if body.sheet:
        wishes[lifecycle.WANTED_SHEET] = body.sheet
    try:
        made = receive(source, data, user, wishes)
    except ContactsError as refused:
        field = source.form.source_field
        path = PATHS.get(field, field)
        raise invalid(path, "unreadable", str(refused)) from refused
    _require_columns(made, columns, body.consent)
    unattended.advance(made.pk)
    return Status(201, shown(request, made.pk, response))


def _require_columns(made: Import, columns: list[ColumnIn], consent: ConsentIn | None) -> None:
    """Refuse the file if it was opened at once, and the columns do not fit."""
    if made.state != ImportState.UPLOADED:
        return
    try:
        if columns:
            require_columns(made, columns)
        require_consent(made, consent)
    except Problem:
        lifecycle.cancel(made.pk, made.created_by)
        raise


def require_columns(contact_import: Import, columns: list[ColumnIn]) -> None:
    """Raise Problem if the columns do not fit the file, which is opened."""
    try:
        mapping = read_choices(contact_import, [column.choice() for column in columns])
    except ColumnError as wrong:
        raise invalid(f"columns.{wrong.index}.{wrong.part}", "invalid", str(wrong)) from wrong
    if not mapping.phones:
        raise invalid("columns", "no_phone", "Name the column with the phone numbers.")


def require_consent(contact_import: Import, consent: ConsentIn | None) -> None:
    """Raise Problem if what is said of consents does not fit the file, which is opened."""
    if consent is None:
        return
    try:
        read_consent(contact_import, consent.choice())
    except ConsentError as wrong:
        path = f"consent.columns.{wrong.part}" if wrong.in_columns else f"consent.{wrong.part}"
        raise invalid(path, "invalid", str(wrong)) from wrong
