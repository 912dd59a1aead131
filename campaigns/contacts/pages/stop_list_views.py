"""The pages of the stop list."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import stop_list
from campaigns.contacts.lists.models import open_proposals
from campaigns.contacts.models import StopListEntry
from campaigns.contacts.pages.forms import StopListForm
from campaigns.contacts.pages.list_views import MAX_REJECTED_LINES
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.pages.whole_phone import whole_phone_text
from campaigns.contacts.phones import parsing
from campaigns.contacts.search import queries
from campaigns.shared.paging import slice_of
from campaigns.shared.query_values import read_search
from campaigns.team.models import User
from campaigns.team.pages.access import (
    current_user,
    get_object_for,
    permission_required,
    require_permission,
)
from campaigns.team.pages.body_limits import FILE, accepts_body
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones


@once
@require_http_methods(["GET", "HEAD", "POST"])
@accepts_body(FILE)
def stop_list_page(request: HttpRequest) -> HttpResponse:
    """Show the stop list with a form to add phones."""
    form = StopListForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST":
        require_permission(current_user(request), Permission.EDIT_STOP_LIST)
        result = _add(form, current_user(request))
        if result:
            text = _(
                "Added to the stop list: %(new)d. Already on it: %(known)d. Rejected: %(rejected)d."
            )
            counts = {"new": result.new, "known": result.known, "rejected": len(result.rejected)}
            messages.success(request, f"{text % counts} {_older_text(result)}".strip())
            if not result.rejected:
                return redirect("stop-list")
    return render(request, "campaigns/contacts/stop_list.html", _context(request, form, result))


def _older_text(result: stop_list.StopResult) -> str:
    if not result.older:
        return ""
    text = ngettext(
        "%(count)d number in an older or domestic form was read in its current form.",
        "%(count)d numbers in older or domestic forms were read in their current form.",
        result.older,
    )
    return text % {"count": result.older}


def _add(form: StopListForm, actor: User) -> stop_list.StopResult | None:
    """Add the phones of the form; None, with the error at its field, if they are refused."""
    if not form.is_valid():
        return None
    data, for_all = form.cleaned_data, has_permission(actor, Permission.STOP_FOR_ALL)
    if not data["file"]:
        lines = data["phones"].splitlines()
        return stop_list.add_lines(lines, data["reason"], data["country"], actor, for_all)
    try:
        chunks = data["file"].chunks()
        return stop_list.add_file(chunks, data["reason"], data["country"], actor, for_all)
    except ContactsError as refused:
        form.add_error("file", str(refused))
        return None


def _context(
    request: HttpRequest, form: StopListForm, result: stop_list.StopResult | None
) -> dict[str, object]:
    user, query = current_user(request), read_search(request.GET)
    entries = stop_list.find_entries(query, user).select_related("created_by")
    rejected = result.rejected[:MAX_REJECTED_LINES] if result else []
    can_edit = has_permission(user, Permission.EDIT_STOP_LIST)
    return {
        "form": form,
        "slice": slice_of(request, entries, "-id"),
        "q": query,
        "empty_text": _empty_text(query, user),
        "sees_phones": sees_phones(user),
        "rejected_lines": [(line, reason.label) for line, reason in rejected],
        "tabs": tabs("stop"),
        "can_edit": can_edit,
        "proposals": open_proposals().count() if can_edit else 0,
    }


def _empty_text(query: str, user: User) -> str:
    """What the page says where it shows no entries."""
    if not query:
        return _("The stop list is empty. Add the phones of people who asked not to get messages.")
    if not sees_phones(user) and not queries.whole_phone(query):
        return whole_phone_text()
    return _("No entry of the stop list matches “%(query)s”.") % {"query": query}


@permission_required(Permission.EDIT_STOP_LIST)
@require_safe
def stop_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions of an entry, for htmx."""
    entry = get_object_for(current_user(request), StopListEntry.objects.all(), pk=pk)
    context = {"title": parsing.format_phone(entry.msisdn), "entry": entry}
    return render(request, "campaigns/contacts/stop_list_menu.html", context)


@permission_required(Permission.EDIT_STOP_LIST)
@require_POST
def stop_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a phone from the stop list; leads back to the page of the phone if that asked."""
    user = current_user(request)
    entry = get_object_for(user, StopListEntry.objects.all(), Permission.EDIT_STOP_LIST, pk=pk)
    try:
        stop_list.remove_entry(entry, user)
    except ContactsError as refused:
        messages.error(request, str(refused))
        return redirect("person", entry.msisdn)
    text = _("%(phone)s was removed from the stop list.")
    messages.success(request, text % {"phone": parsing.format_phone(entry.msisdn)})
    if request.POST.get("from") == "person":
        return redirect("person", entry.msisdn)
    return redirect("stop-list")


@permission_required(Permission.EDIT_STOP_LIST)
@require_POST
def stop_phone(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Add one phone to the stop list, from the page that shows all that is held on it."""
    user = current_user(request)
    for_all = has_permission(user, Permission.STOP_FOR_ALL)
    stop_list.stop(msisdn, _("Added on the contact's page"), user, for_all)
    messages.success(request, _("Added to the stop list. This phone gets no more messages."))
    return redirect("person", msisdn)
