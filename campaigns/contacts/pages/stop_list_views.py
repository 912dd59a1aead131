"""The stop list's page."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.contacts.importing.errors import Refused
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import StopListEntry
from campaigns.contacts.pages.forms import StopForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.phones import parsing
from campaigns.shared.paging import slice_of
from campaigns.team.access import (
    current_user,
    get_object_for,
    has_role,
    require_role,
    role_required,
    visible_to,
)
from campaigns.team.audit import record
from campaigns.team.models import Role, User


@require_http_methods(["GET", "HEAD", "POST"])
def stop_list_page(request: HttpRequest) -> HttpResponse:
    """Who never gets a message, and a form to add to them."""
    form = StopForm(request.POST or None, request.FILES or None)
    stopped = None
    if request.method == "POST":
        require_role(current_user(request), Role.MARKETER)
        stopped = _stop(form, current_user(request))
        if stopped:
            words = _("%(new)d new on the stop list, %(known)d were there, %(wrong)d not valid.")
            numbers = {"new": stopped.new, "known": stopped.known, "wrong": len(stopped.wrong)}
            messages.success(request, words % numbers)
            if not stopped.wrong:
                return redirect("stop-list")
    return render(request, "campaigns/contacts/stop_list.html", _context(request, form, stopped))


def _stop(form: StopForm, actor: User) -> stop_list.Stopped | None:
    """What became of the phones; None where the form is refused, with the words at the field."""
    if not form.is_valid():
        return None
    data = form.cleaned_data
    if not data["file"]:
        return stop_list.stop(data["phones"].splitlines(), data["reason"], data["country"], actor)
    try:
        return stop_list.stop_file(data["file"].chunks(), data["reason"], data["country"], actor)
    except Refused as refused:
        form.add_error("file", str(refused))
        return None


def _context(
    request: HttpRequest, form: StopForm, stopped: stop_list.Stopped | None
) -> dict[str, object]:
    words = request.GET.get("q", "").strip()
    entries = visible_to(current_user(request), StopListEntry.objects.select_related("created_by"))
    if words:
        digits = "".join(sign for sign in parsing.clean(words) if sign.isdigit()).lstrip("0")
        entries = (
            entries.filter(msisdn__contains=digits)
            if digits
            else entries.filter(reason__icontains=words)
        )
    return {
        "form": form,
        "slice": slice_of(request, entries, "-id"),
        "q": words,
        "wrong": [(text, reason.label) for text, reason in stopped.wrong[:100]] if stopped else [],
        "tabs": tabs("stop"),
        "can_edit": has_role(current_user(request), Role.MARKETER),
    }


@role_required(Role.MARKETER)
@require_POST
def stop_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a phone off the stop list."""
    entry = get_object_for(current_user(request), StopListEntry.objects.all(), Role.MARKETER, pk=pk)
    record(current_user(request), entry, "lifted")
    stop_list.lift(entry)
    messages.success(
        request, _("%(phone)s is off the stop list.") % {"phone": parsing.shown(entry.msisdn)}
    )
    return redirect("stop-list")


@role_required(Role.MARKETER)
@require_POST
def stop_phone(request: HttpRequest, msisdn: str) -> HttpResponse:
    """Add one phone to the stop list, from the page that shows all that is held on it."""
    user = current_user(request)
    if stop_list.stop_numbers([msisdn], _("Added on the contact's page"), user):
        record(user, StopListEntry.objects.get(msisdn=msisdn), "stopped")
    messages.success(request, _("Added to the stop list. This phone gets no more messages."))
    return redirect("person", msisdn)
