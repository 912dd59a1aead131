"""The first page of an import: a file, an address or pasted rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from campaigns.contacts.fetching.download import receive_address
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.lifecycle import NO_WISHES
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.contacts.pages.imports.source_forms import (
    AddressForm,
    PastedRowsForm,
    SourceForm,
    UploadForm,
)
from campaigns.contacts.pages.tabs import tabs
from campaigns.shared.query_values import read_id
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.pages.body_limits import FILE, accepts_body
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
@accepts_body(FILE)
def import_new(request: HttpRequest, source: str) -> HttpResponse:
    """Import from a `source` of SOURCES; ?list= preselects a list, ?retry= repeats an import."""
    chosen = SOURCES[source]
    form = chosen.form(request.POST or None, request.FILES or None, initial=_initial(request))
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(receive(chosen, form.cleaned_data, current_user(request)))
        except ContactsError as refused:
            form.add_error(form.source_field, str(refused))
    list_query = f"?list={into.pk}" if (into := form.initial.get("into")) else ""
    context = {
        "form": form,
        "source": source,
        "source_field": form[form.source_field],
        "tabs": tabs("imports"),
        "sources": [
            {
                "label": other.label,
                "url": reverse(other.url_name) + list_query,
                "here": name == source,
            }
            for name, other in SOURCES.items()
        ],
    }
    return render(request, "campaigns/contacts/import_new.html", context)


def _initial(request: HttpRequest) -> dict[str, Any]:
    user = current_user(request)
    initial: dict[str, Any] = {}
    if list_id := read_id(request.GET.get("list", "")):
        lists = visible_to(user, ContactList.objects.all())
        initial = {"into": lists.filter(pk=list_id).first()}
    if import_id := read_id(request.GET.get("retry", "")):
        # its address is shown in full, so only to the user who typed it
        own = Import.objects.filter(created_by=user).select_related("list")
        if earlier := own.filter(pk=import_id).first():
            initial = {
                "address": earlier.address,
                "into": earlier.list,
                "name": "" if earlier.list else earlier.list_name,
                "country": earlier.mapping.get("country"),
            }
    return initial


def receive(
    source: "Source", data: dict[str, Any], user: User, wishes: Mapping[str, Any] = NO_WISHES
) -> Import:
    """The import of what a form has; `wishes` as lifecycle.receive_upload takes them. Raises
    ContactsError for a file that is refused at once.
    """
    contact_import = source.receive(data, user, wishes)
    if contact_import.state == ImportState.FAILED:
        contact_import.delete()
        raise ContactsError(contact_import.failure)
    return contact_import


def _receive_file(data: dict[str, Any], user: User, wishes: Mapping[str, Any]) -> Import:
    file, target = data["file"], (data["into"], data["name"], data["country"])
    return lifecycle.receive_upload(file.chunks(), file.name, *target, user, wishes)


def _receive_address(data: dict[str, Any], user: User, wishes: Mapping[str, Any]) -> Import:
    target = (data["into"], data["name"], data["country"])
    return receive_address(data["address"], *target, user, wishes)


def _receive_rows(data: dict[str, Any], user: User, wishes: Mapping[str, Any]) -> Import:
    target = (data["into"], data["name"], data["country"])
    return lifecycle.receive_upload(
        [data["rows"].encode()], _("Pasted rows"), *target, user, wishes
    )


@dataclass(frozen=True, slots=True)
class Source:
    """Where contacts come from: its page, its form, and what makes an import of the form."""

    label: str | Promise
    url_name: str
    form: type[SourceForm]
    receive: Callable[[dict[str, Any], User, Mapping[str, Any]], Import]


SOURCES = {
    "file": Source(gettext_lazy("File"), "import-new", UploadForm, _receive_file),
    "address": Source(gettext_lazy("Address"), "import-address", AddressForm, _receive_address),
    "paste": Source(gettext_lazy("Pasted rows"), "import-paste", PastedRowsForm, _receive_rows),
}
