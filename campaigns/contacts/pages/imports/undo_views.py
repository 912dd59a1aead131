"""The undo of an import: what its page says about it, and the page that asks before it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.models import Import, ImportUndo
from campaigns.contacts.undo import kept_values, lifecycle
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask with the numbers of the undo; a POST has a worker undo the import."""
    imports = Import.objects.select_related("list")
    contact_import = get_object_for(current_user(request), imports, Permission.EDIT_CONTACTS, pk=pk)
    if request.method == "POST":
        try:
            lifecycle.start(contact_import.pk, current_user(request))
        except ContactsError as refused:
            messages.error(request, str(refused))
        return redirect(contact_import)
    if not lifecycle.has_written(contact_import) or lifecycle.refusal(contact_import):
        return redirect(contact_import)  # its page says why
    context = {"import": contact_import, "preview": lifecycle.preview(contact_import)}
    return render(request, "campaigns/contacts/import_undo.html", context)


def undo_of(contact_import: Import) -> dict[str, Any]:
    """What the page of an import that has ended says about its undo: `undo` so far, `undo_refusal`
    or `undo_until`; empty if there is nothing to undo.
    """
    undo = ImportUndo.objects.filter(source=contact_import).select_related("created_by").first()
    context: dict[str, Any] = {"undo": undo}
    if lifecycle.has_written(contact_import):
        context["undo_refusal"] = lifecycle.refusal(contact_import)
        context["undo_until"] = kept_values.kept_until(contact_import)
    return context
