"""The pages of an import: upload, columns, check, progress, report."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.importing import column_mapping, csv_reader, lifecycle, uploads
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import Refused
from campaigns.contacts.lists import exports
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.contacts.pages.forms import ColumnsForm, LayoutForm, UploadForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.phones import countries
from campaigns.contacts.phones.parsing import Reason
from campaigns.shared.paging import page_of
from campaigns.team.access import current_user, get_object_for, has_role, role_required, visible_to
from campaigns.team.models import Role

BUSY = (ImportState.READING, ImportState.CHECKING, ImportState.QUEUED, ImportState.RUNNING)
PREVIEW = 10  # rows
EXAMPLES = 3  # values of a column


@require_safe
def import_list(request: HttpRequest) -> HttpResponse:
    """Every import, newest first."""
    found = visible_to(current_user(request), Import.objects.select_related("created_by", "list"))
    page = page_of(request, found)
    context = {
        "page": page,
        "tabs": tabs("imports"),
        "can_edit": has_role(current_user(request), Role.MARKETER),
    }
    return render(request, "campaigns/contacts/import_list.html", context)


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    """Upload a file."""
    lists = visible_to(current_user(request), ContactList.objects.all())
    chosen = (
        lists.filter(pk=request.GET["list"]).first()
        if request.GET.get("list", "").isdigit()
        else None
    )
    form = UploadForm(request.POST or None, request.FILES or None, initial={"into": chosen})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        received = lifecycle.receive(
            data["file"].chunks(),
            data["file"].name,
            data["into"],
            data["name"],
            data["country"],
            current_user(request),
        )
        if received.state == ImportState.FAILED:
            form.add_error("file", received.failure)
            received.delete()
        else:
            return redirect(received)
    return render(
        request, "campaigns/contacts/import_new.html", {"form": form, "tabs": tabs("imports")}
    )


@require_safe
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """An import where it stands: what to decide, how far it is, or its report."""
    found = get_object_for(
        current_user(request), Import.objects.select_related("list", "created_by"), pk=pk
    )
    return _page(request, found)


def _page(request: HttpRequest, found: Import, form: ColumnsForm | None = None) -> HttpResponse:
    context = {
        "import": found,
        "tabs": tabs("imports"),
        "can_edit": has_role(current_user(request), Role.MARKETER),
    }
    context |= _standing(found, form)
    return render(request, "campaigns/contacts/import_detail.html", context)


def _standing(found: Import, form: ColumnsForm | None = None) -> dict[str, Any]:
    """What the page shows in the state that the import is in."""
    if found.state in BUSY:
        return {"part": "busy", **_progress(found)}
    if found.state == ImportState.UPLOADED:
        try:
            return {"part": "columns", **_columns(found, form)}
        except (Refused, FileNotFoundError) as refused:
            return {
                "part": "columns",
                "unreadable": str(refused),
                "layout_form": _layout_form(found),
            }
    if found.state == ImportState.CHECKED:
        return {"part": "checked", "check": found.checked, **_counted(found.checked)}
    return {
        "part": "report",
        **_counted({"rejected": found.rejected_by_reason, "countries": found.countries}),
    }


def _counted(counts: dict[str, Any]) -> dict[str, Any]:
    """Reasons and countries with their words, the largest first."""
    reasons = sorted(counts["rejected"].items(), key=lambda pair: -pair[1])
    homes = sorted(counts["countries"].items(), key=lambda pair: -pair[1])
    return {
        "reasons": [(Reason(reason).label, number) for reason, number in reasons],
        "rejected": sum(counts["rejected"].values()),
        "countries": [(countries.name(home), number) for home, number in homes],
    }


def _progress(found: Import) -> dict[str, Any]:
    """Rows so far, rate and time left of an import at work."""
    if found.state != ImportState.RUNNING or not found.started_at:
        return {"rate": None, "left": None}
    seconds = (timezone.now() - found.started_at).total_seconds()
    rate = found.rows / seconds if seconds > 0 else 0
    left = ((found.total_rows or 0) - found.rows) / rate if rate else None
    return {
        "rate": round(rate),
        "left": timedelta(seconds=round(left)) if left and left > 0 else None,
    }


def _columns(found: Import, form: ColumnsForm | None) -> dict[str, Any]:
    layout = Layout.from_json(found.mapping)
    rows = csv_reader.sample(uploads.locate(found.path), layout)
    names = column_mapping.column_names(rows, layout)
    body = [row for row in (rows[1:] if layout.header else rows) if row]
    form = form or ColumnsForm(
        names, column_mapping.Mapping.from_json(found.mapping), initial=found.mapping
    )
    examples = [_examples(body, place) for place in range(len(names))]
    return {
        "form": form,
        "layout_form": _layout_form(found),
        "names": names,
        "columns": [(*column, examples[column[0]]) for column in form.columns()],
        "preview": [row + [""] * (len(names) - len(row)) for row in body[:PREVIEW]],
    }


def _layout_form(found: Import) -> LayoutForm:
    return LayoutForm(found.mapping)


def _examples(body: list[list[str]], place: int) -> list[str]:
    values = (row[place].strip()[:40] for row in body if place < len(row) and row[place].strip())
    return list(dict.fromkeys(values))[:EXAMPLES]


@role_required(Role.MARKETER)
@require_POST
def import_layout(request: HttpRequest, pk: int) -> HttpResponse:
    """Read the file, or another sheet of it, another way; the preview and the proposal change with
    it.
    """
    found = get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    form = LayoutForm(found.mapping, request.POST)
    if form.is_valid():
        try:
            if form.other_sheet():
                lifecycle.choose_sheet(found.pk, form.other_sheet())
            else:
                lifecycle.relayout(found.pk, form.layout())
        except Refused as refused:
            messages.error(request, str(refused))
    return redirect(found)


@role_required(Role.MARKETER)
@require_POST
def import_columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what each column is, and have the file checked."""
    found = get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    if found.state not in lifecycle.CAN_MAP or not found.path:
        return redirect(found)
    layout = Layout.from_json(found.mapping)
    names = column_mapping.column_names(
        csv_reader.sample(uploads.locate(found.path), layout), layout
    )
    form = ColumnsForm(names, column_mapping.Mapping.from_json(found.mapping), request.POST)
    if not form.is_valid():
        return _page(request, found, form)
    lifecycle.choose_columns(
        found.pk, form.mapping(), form.cleaned_data["country"], form.cleaned_data["existing"]
    )
    lifecycle.start_check(found.pk)
    return redirect(found)


@role_required(Role.MARKETER)
@require_POST
def import_back(request: HttpRequest, pk: int) -> HttpResponse:
    """From the check back to the columns."""
    found = get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    lifecycle.back_to_columns(found.pk)
    return redirect(found)


@role_required(Role.MARKETER)
@require_POST
def import_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Import what was checked."""
    found = get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    lifecycle.start(found.pk, current_user(request))
    return redirect(found)


@role_required(Role.MARKETER)
@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop, wherever it stands."""
    found = get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    lifecycle.cancel(found.pk)
    return redirect(found)


@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that moves; once it stands still, the whole page anew."""
    found = get_object_for(
        current_user(request), Import.objects.select_related("list", "created_by"), pk=pk
    )
    if found.state not in BUSY:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {
        "import": found,
        "can_edit": has_role(current_user(request), Role.MARKETER),
        **_standing(found),
    }
    return render(request, "campaigns/contacts/_import_busy.html", context)


@require_safe
def import_rejected(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """The rows that did not come in, as a file."""
    return exports.rejected(
        get_object_for(current_user(request), Import.objects.all(), Role.MARKETER, pk=pk)
    )
