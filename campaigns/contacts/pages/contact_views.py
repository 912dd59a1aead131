"""The pages of one contact: edit, remove, add to the stop list; and the search over all lists."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.field_types import list_fields
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import all_lists, contact_lists, stop_list
from campaigns.contacts.models import Contact
from campaigns.contacts.pages.contact_forms import ContactForm
from campaigns.contacts.pages.list_views import form_page
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.pages.whole_phone import whole_phone_text
from campaigns.contacts.phones import parsing
from campaigns.contacts.search import queries
from campaigns.shared.paging import page_of_ids
from campaigns.shared.query_values import read_search
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones, visible_to


@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit the merge tags of a contact, on its list or on all lists with its phone."""
    contact = _editable_contact(request, pk)
    list_tags = contact.list.fields
    tags = [*list_tags, *(name for name in contact.fields if name not in list_tags)]
    types = list_fields.types_of(contact.list)
    others = all_lists.find_others(contact)
    form = ContactForm(
        tags, request.POST or None, present=contact.fields, others=others, types=types
    )
    if request.method == "POST" and form.is_valid():
        try:
            saved_text = _save(form, contact, current_user(request))
        except all_lists.OtherListsChangedError as changed:
            form.show_others(str(changed))
        except ContactsError as refused:
            messages.error(request, str(refused))
            return redirect(contact.list)
        else:
            if saved_text:
                messages.success(request, saved_text)
                return redirect(contact.list)
    return form_page(request, form, contact.list, parsing.format_phone(contact.msisdn))


def _save(form: ContactForm, contact: Contact, actor: User) -> str:
    """Save the contact and say so; "" where something changed meanwhile, which the form shows."""
    values, seen = form.values(), form.seen()
    if form.cleaned_data.get("all_lists"):
        others_seen = form.cleaned_data["others_seen"]
        change = all_lists.change_on_all_lists(contact, values, seen, others_seen, actor)
        conflicts = change.conflicts
        text = ngettext("Saved on %d list.", "Saved on %d lists.", change.lists) % change.lists
    else:
        conflicts = contact_lists.change_fields(contact, values, seen, actor)
        text = _("The contact was saved.")
    if conflicts:
        form.show_conflicts(conflicts)
    return "" if conflicts else text


def _editable_contact(request: HttpRequest, pk: int) -> Contact:
    contacts = Contact.objects.select_related("list")
    return get_object_for(current_user(request), contacts, Permission.EDIT_CONTACTS, pk=pk)


@permission_required(Permission.EDIT_CONTACTS)
@require_safe
def contact_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions of a contact on its list, for htmx."""
    contact = _editable_contact(request, pk)
    context = {"title": parsing.format_phone(contact.msisdn), "contact": contact}
    return render(request, "campaigns/contacts/contact_menu.html", context)


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def contact_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a contact from its list."""
    contact = _editable_contact(request, pk)
    try:
        contact_lists.remove_contacts(contact.list, [contact.pk], current_user(request))
    except ContactsError as refused:
        messages.error(request, str(refused))
        return redirect("list-list")
    text = _("%(phone)s was removed from the list.")
    messages.success(request, text % {"phone": parsing.format_phone(contact.msisdn)})
    return redirect(contact.list)


@permission_required(Permission.EDIT_STOP_LIST)
@require_POST
def contact_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Add the phone of a contact to the stop list."""
    contact = _editable_contact(request, pk)
    reason = _("Added from the list %(name)s") % {"name": contact.list}
    user = current_user(request)
    for_all = has_permission(user, Permission.STOP_FOR_ALL)
    stop_list.stop(contact.msisdn, reason, user, for_all)
    text = _("%(phone)s is on the stop list.")
    messages.success(request, text % {"phone": parsing.format_phone(contact.msisdn)})
    return redirect(contact.list)


@require_safe
def contact_search(request: HttpRequest) -> HttpResponse:
    """Find contacts on all lists by a part of the phone or a merge tag.

    A complete phone leads to its page. Viewers see phones masked, so only that works for them.
    """
    query = read_search(request.GET)
    if msisdn := queries.whole_phone(query):
        return redirect("person", msisdn=msisdn)
    user = current_user(request)
    sees_parts = sees_phones(user)
    hits = queries.search(query) if query and sees_parts else None
    contacts = visible_to(user, Contact.objects.select_related("list")).order_by("id")
    context = {
        "q": query,
        "hits": hits,
        "page": page_of_ids(request, contacts, hits.ids) if hits else None,
        "tabs": tabs("people"),
        "sees_phones": sees_parts,
        "empty_text": _empty_text(query, sees_parts),
        "empty_icon": "zoom-question" if query else "search",
    }
    return render(request, "campaigns/contacts/contact_search.html", context)


def _empty_text(query: str, sees_parts: bool) -> str:
    """What the page says where it shows no contacts."""
    if not sees_parts:
        return whole_phone_text()
    if not query:
        return _("Search by phone, last digits or name: 0972920283, 0283 or Olena.")
    return _("No contact matches “%(query)s”.") % {"query": query}
