"""The pages of scheduled imports."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.models import ImportSchedule
from campaigns.contacts.fetching.share_links import shown_address
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import
from campaigns.contacts.pages.imports.source_forms import ScheduleForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.shared.paging import page_of
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, visible_to
from campaigns.team.time_zones import reader_zone


@require_safe
def schedule_list(request: HttpRequest) -> HttpResponse:
    """Show all scheduled imports with their last result."""
    user = current_user(request)
    related = ImportSchedule.objects.select_related("owner", "list", "latest_import")
    page = page_of(request, visible_to(user, related))
    rows = [
        (schedule, shown_address(schedule.address), schedules.describe(schedule))
        for schedule in page.object_list
    ]
    context = {
        "page": page,
        "rows": rows,
        "tabs": tabs("imports"),
        "can_edit": has_permission(user, Permission.EDIT_CONTACTS),
    }
    return render(request, "campaigns/contacts/import_schedules.html", context)


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Repeat a finished import from an address on a schedule."""
    user = current_user(request)
    imports = Import.objects.select_related("list")
    contact_import = get_object_for(user, imports, Permission.EDIT_CONTACTS, pk=pk)
    if not schedules.can_be_repeated(contact_import):
        return redirect(contact_import)
    zone = str(reader_zone(user.time_zone))
    initial = {"max_rejected_percent": schedules.proposed_percent(contact_import), "at": "08:00"}
    form = ScheduleForm(request.POST or None, initial=initial, zone=zone)
    if request.method == "POST" and form.is_valid():
        schedules.create(contact_import, owner=user, **form.cleaned_data)
        messages.success(request, _("Scheduled import created."))
        return redirect("import-schedules")
    context = {
        "form": form,
        "import": contact_import,
        "address": shown_address(contact_import.address),
        "keeps": contact_import.mapping.get("existing") == "keep",
        "columns": schedules.used_columns(contact_import),
        "tabs": tabs("imports"),
    }
    status = 422 if form.is_bound else 200
    return render(request, "campaigns/contacts/import_schedule.html", context, status=status)


def _editable(request: HttpRequest, pk: int) -> ImportSchedule:
    related = ImportSchedule.objects.select_related("owner", "list")
    return get_object_for(current_user(request), related, Permission.EDIT_CONTACTS, pk=pk)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def schedule_pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Pause a scheduled import."""
    schedules.pause(_editable(request, pk), current_user(request))
    return redirect("import-schedules")


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def schedule_resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Resume a scheduled import."""
    try:
        schedules.resume(_editable(request, pk), current_user(request))
    except ContactsError as refused:
        messages.error(request, str(refused))
    return redirect("import-schedules")


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def schedule_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Run a scheduled import at once."""
    schedules.run_now(_editable(request, pk), current_user(request))
    messages.success(request, _("The file is being fetched. Reload this page to see the result."))
    return redirect("import-schedules")


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def schedule_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a scheduled import; what it imported stays."""
    schedules.delete(_editable(request, pk), current_user(request))
    messages.success(request, _("Scheduled import deleted."))
    return redirect("import-schedules")
