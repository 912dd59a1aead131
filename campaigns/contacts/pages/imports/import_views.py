"""The pages of an import, in the order of its steps: columns, check, progress, report."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.share_links import shown_address
from campaigns.contacts.importing import claims, column_mapping, lifecycle, runner
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import exports
from campaigns.contacts.models import CHANGING, Import, ImportState, ImportUndo
from campaigns.contacts.pages.forms import ColumnsForm, LayoutForm
from campaigns.contacts.pages.imports import import_notes, undo_views
from campaigns.contacts.pages.imports.consent_form import ConsentForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.phones import countries
from campaigns.contacts.phones.parsing import Reason
from campaigns.shared.paging import page_of
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to

BUSY = (ImportState.READING, ImportState.CHECKING, *CHANGING)
PREVIEW_ROWS = 10
MAX_EXAMPLES = 3  # values of a column
ColumnForms = tuple[ColumnsForm, ConsentForm]


@require_safe
def import_list(request: HttpRequest) -> HttpResponse:
    """Show all imports, newest first."""
    imports = visible_to(current_user(request), Import.objects.select_related("created_by", "list"))
    context = {
        "page": page_of(request, imports),
        "tabs": tabs("imports"),
        "can_edit": has_permission(current_user(request), Permission.EDIT_CONTACTS),
    }
    return render(request, "campaigns/contacts/import_list.html", context)


@require_safe
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an import: its columns, check, progress or report, by its state."""
    return _page(request, _visible_import(request, pk))


def _visible_import(request: HttpRequest, pk: int) -> Import:
    imports = Import.objects.select_related("list", "created_by")
    return get_object_for(current_user(request), imports, pk=pk)


def _editable_import(request: HttpRequest, pk: int) -> Import:
    return get_object_for(
        current_user(request), Import.objects.all(), Permission.EDIT_CONTACTS, pk=pk
    )


def _page(
    request: HttpRequest, contact_import: Import, forms: ColumnForms | None = None
) -> HttpResponse:
    context = {
        "import": contact_import,
        "lead": _lead(contact_import),
        "tabs": tabs("imports"),
        "can_edit": has_permission(current_user(request), Permission.EDIT_CONTACTS),
        **_part(contact_import, forms),
    }
    return render(request, "campaigns/contacts/import_detail.html", context)


def _lead(contact_import: Import) -> str:
    """The list and, of a workbook, the sheet: "Import into Clients · sheet People"."""
    target = contact_import.list
    name = target.name if target else contact_import.list_name
    lead = _("Import into %(name)s") % {"name": name}
    if sheet := contact_import.mapping.get("sheet"):
        lead += " · " + _("sheet %(name)s") % {"name": sheet}
    return lead


def _part(contact_import: Import, forms: ColumnForms | None = None) -> dict[str, Any]:
    """The part of the page that belongs to the state of the import, with its context."""
    if contact_import.state in BUSY:
        return {"part": "progress", **_progress(contact_import)}
    if contact_import.state == ImportState.UPLOADED:
        try:
            return {"part": "columns", **_columns(contact_import, forms)}
        except ContactsError as error:
            layout_form = LayoutForm(contact_import.mapping)
            return {"part": "columns", "unreadable": str(error), "layout_form": layout_form}
    if contact_import.state == ImportState.CHECKED:
        return {"part": "checked", **_checked(contact_import)}
    counts = {
        "rejected": contact_import.rejected_by_reason,
        "countries": contact_import.countries,
    }
    return {
        "part": "report",
        "notes": import_notes.check_notes(contact_import),
        "consents": import_notes.consent_counts(contact_import.consents, will_be=False),
        "has_rejected_rows": contact_import.rejected_rows.exists(),
        "address": shown_address(contact_import.address),
        "can_repeat": schedules.can_be_repeated(contact_import),
        "can_retry": contact_import.address and contact_import.state == ImportState.FAILED,
        **_breakdown(counts),
        **undo_views.undo_of(contact_import),
    }


def _checked(contact_import: Import) -> dict[str, Any]:
    check = contact_import.checked
    consents = import_notes.consent_counts(check.get("consents"), will_be=True)
    keep = contact_import.mapping.get("existing") == runner.KEEP_EXISTING
    hint = _("will not be changed") if keep else _("merge tags will be updated")
    return {
        "check": check,
        "consents": consents,
        "notes": import_notes.check_notes(contact_import),
        "existing_hint": hint if check["known"] else "",
        **_breakdown(check),
    }


def _breakdown(counts: dict[str, Any]) -> dict[str, Any]:
    """Rejected rows by reason and contacts by country, the largest first."""
    by_reason = sorted(counts["rejected"].items(), key=lambda pair: -pair[1])
    by_country = sorted(counts["countries"].items(), key=lambda pair: -pair[1])
    return {
        "reasons": [(Reason(reason).label, count) for reason, count in by_reason],
        "rejected": sum(counts["rejected"].values()),
        "countries": [(countries.name(country), count) for country, count in by_country],
    }


def _progress(contact_import: Import) -> dict[str, Any]:
    """Label, value and maximum, rows per second and time left of an import at work; None where not
    known yet.
    """
    if contact_import.state == ImportState.UNDOING:
        return _undo_progress(contact_import)
    opening = contact_import.state == ImportState.READING
    context: dict[str, Any] = {
        "progress_label": _opening_label(contact_import) if opening else _("Rows"),
        "done": contact_import.rows,
        "total": contact_import.total_rows,
        "rows_per_second": None,
        "time_left": None,
        "waits_for": _waits_for(contact_import),
    }
    if contact_import.state != ImportState.RUNNING or not contact_import.started_at:
        return context
    elapsed = (timezone.now() - contact_import.started_at).total_seconds()
    rate = contact_import.rows / elapsed if elapsed > 0 else 0
    context["rows_per_second"] = round(rate)
    rows_left = (contact_import.total_rows or 0) - contact_import.rows
    if rate and rows_left > 0:
        context["time_left"] = timedelta(seconds=round(rows_left / rate))
    return context


def _opening_label(contact_import: Import) -> str:
    fetching = contact_import.address and not contact_import.path
    return _("Fetching file") if fetching else _("Opening file")


def _undo_progress(contact_import: Import) -> dict[str, Any]:
    undo = ImportUndo.objects.get(source=contact_import)
    return {
        "progress_label": _("Contacts"),
        "done": undo.removed + undo.restored + undo.changed + undo.sent,
        "total": contact_import.new + contact_import.updated,
    }


def _waits_for(contact_import: Import) -> Import | None:
    """The import into the same list that has its turn before this one."""
    if contact_import.state != ImportState.QUEUED or not contact_import.list_id:
        return None
    first_id = claims.next_in_line(contact_import.list_id)
    waits = first_id is not None and first_id != contact_import.pk
    return Import.objects.filter(pk=first_id or 0).first() if waits else None


def _columns(contact_import: Import, forms: ColumnForms | None) -> dict[str, Any]:
    """Layout form, columns with examples, consents, and preview of an uploaded file. Raises
    ContactsError.
    """
    mapping = contact_import.mapping
    layout = Layout.from_json(mapping)
    rows = lifecycle.read_rows(contact_import, layout)
    names = column_mapping.column_names(rows, layout)
    body = [row for row in (rows[1:] if layout.header else rows) if row]
    columns = column_mapping.ColumnMapping.from_json(mapping)
    form, consent_form = forms or (
        ColumnsForm(names, columns, initial=mapping),
        ConsentForm(names, columns.consent),
    )
    return {
        "form": form,
        "consent_form": consent_form,
        "layout_form": LayoutForm(mapping),
        "notes": import_notes.layout_notes(contact_import),
        "names": names,
        "columns": [(*column, examples(body, column[0])) for column in form.columns()],
        "preview": [row + [""] * (len(names) - len(row)) for row in body[:PREVIEW_ROWS]],
    }


def examples(body: list[list[str]], position: int) -> list[str]:
    """The first different values of a column."""
    cells = (row[position].strip()[:40] for row in body if position < len(row))
    return list(dict.fromkeys(filter(None, cells)))[:MAX_EXAMPLES]


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def import_layout(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file with another layout, or another sheet; columns are proposed anew."""
    contact_import = _editable_import(request, pk)
    form = LayoutForm(contact_import.mapping, request.POST)
    if form.is_valid():
        try:
            if sheet := form.other_sheet():
                lifecycle.choose_sheet(contact_import.pk, sheet)
            else:
                lifecycle.change_layout(contact_import.pk, form.layout())
        except ContactsError as refused:
            messages.error(request, str(refused))
    return redirect(contact_import)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the choice of columns and have the file checked."""
    contact_import = _editable_import(request, pk)
    if contact_import.state not in lifecycle.CAN_CHOOSE_COLUMNS or not contact_import.path:
        return redirect(contact_import)
    layout = Layout.from_json(contact_import.mapping)
    try:
        names = column_mapping.column_names(lifecycle.read_rows(contact_import, layout), layout)
    except ContactsError:  # the page of the import says why
        return redirect(contact_import)
    form = ColumnsForm(
        names,
        column_mapping.ColumnMapping.from_json(contact_import.mapping),
        request.POST,
        types=lifecycle.known_types(contact_import),
    )
    consent_form = ConsentForm(names, None, request.POST)
    if not all([form.is_valid(), consent_form.is_valid()]):
        return _page(request, contact_import, (form, consent_form))
    lifecycle.choose_columns(
        contact_import.pk,
        replace(form.mapping(), consent=consent_form.mapping()),
        form.cleaned_data["country"],
        form.cleaned_data["existing"],
        form.rules(),
    )
    lifecycle.start_check(contact_import.pk)
    return redirect(contact_import)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def import_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Go from the check back to the columns."""
    contact_import = _editable_import(request, pk)
    lifecycle.back_to_columns(contact_import.pk)
    return redirect(contact_import)


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def import_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the import of a checked file."""
    contact_import = _editable_import(request, pk)
    lifecycle.start(contact_import.pk, current_user(request))
    return redirect(contact_import)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel an import in any state before its end."""
    contact_import = _editable_import(request, pk)
    lifecycle.cancel(contact_import.pk, current_user(request))
    return redirect(contact_import)


@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress part, which htmx polls; a page reload once the work has ended."""
    contact_import = _visible_import(request, pk)
    if contact_import.state not in BUSY:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {
        "import": contact_import,
        "can_edit": has_permission(current_user(request), Permission.EDIT_CONTACTS),
        **_part(contact_import),
    }
    return render(request, "campaigns/contacts/_import_progress.html", context)


@require_safe
@permission_required(Permission.EDIT_CONTACTS)
@fresh_to_download
def import_rejected(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the rejected rows, with row number and reason, as a file of `kind`."""
    contact_import = _editable_import(request, pk)
    name, table = exports.rejected_name(contact_import), exports.rejected_table(contact_import)
    return download(request, kind, name, table, contact_import)
