"""Whether a list is offered to recipients, and what they are told of it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import public_lists
from campaigns.contacts.models import ContactList
from campaigns.contacts.pages.forms import PublicListForm
from campaigns.contacts.pages.list_views import form_page
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.permissions import Permission


@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_public(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer a list to recipients, or no longer."""
    user = current_user(request)
    lists = ContactList.objects.select_related("public")
    contact_list = get_object_for(user, lists, Permission.EDIT_CONTACTS, pk=pk)
    form = PublicListForm(request.POST or None, initial=_told(contact_list))
    if request.method == "POST" and form.is_valid():
        try:
            told = public_lists.Told(form.cleaned_data["name"], form.cleaned_data["description"])
            is_offered = form.cleaned_data["is_offered"]
            public_lists.offer(contact_list, told, user, is_offered=is_offered)
        except ContactsError as refused:
            messages.error(request, str(refused))
            return redirect("list-list")
        messages.success(request, _("Saved."))
        return redirect(contact_list)
    lead = _(
        "The tag {preferences} in a message leads to a page with the offered lists of the brand:"
        " recipients add themselves to them, and remove themselves."
    )
    return form_page(request, form, contact_list, _("Offer to recipients"), lead=lead)


def _told(contact_list: ContactList) -> dict[str, object]:
    offer = public_lists.offer_of(contact_list)
    if offer is None:
        return {"name": contact_list.name}
    return {"is_offered": offer.is_offered, "name": offer.name, "description": offer.description}
