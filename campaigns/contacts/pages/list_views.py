"""The pages of lists: overview, one list, rename, delete, copy, export, add contacts."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.field_types import list_fields
from campaigns.contacts.field_types.shown_values import fields_for_reader
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists import contact_lists, exports, stop_list, type_changes
from campaigns.contacts.models import Contact, ContactList, FieldType
from campaigns.contacts.pages.contact_forms import ContactForm
from campaigns.contacts.pages.forms import CopyForm, ListForm, PasteForm
from campaigns.contacts.pages.imports.import_notes import unread_text
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.pages.type_forms import FieldTypesForm
from campaigns.contacts.pages.whole_phone import whole_phone_text
from campaigns.contacts.phones import countries, parsing
from campaigns.contacts.search import queries
from campaigns.shared.paging import Slice, page_of, page_of_ids, slice_of
from campaigns.shared.query_values import read_ids, read_search
from campaigns.team.models import User
from campaigns.team.pages.access import current_user, get_object_for, permission_required
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.sign_in.fresh import fresh_to_download
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.removal import describe_uses
from campaigns.team.roles import has_permission, sees_phones, visible_to

SORT_COLUMNS = {
    "name": "name",
    "contacts": "contact_count",
    "changed": "updated_at",
    "used": "used_at",
}
MAX_TAG_COLUMNS = 6  # in the table of contacts
MAX_REJECTED_LINES = 100  # shown after pasting


@require_safe
def list_list(request: HttpRequest) -> HttpResponse:
    """Show all lists, with their stored counts."""
    lists = visible_to(current_user(request), choosable_lists().select_related("used_by"))
    query = read_search(request.GET)
    if query:
        lists = lists.filter(name__folded_contains=query)
    sort = request.GET.get("sort", "name")
    column = F(SORT_COLUMNS.get(sort.lstrip("-"), "name"))
    descending = sort.startswith("-")
    order = column.desc(nulls_last=True) if descending else column.asc(nulls_first=True)
    page = page_of(request, lists.order_by(order, "pk"))
    context = {
        "page": page,
        "rows": [(contact_list, _country_summary(contact_list)) for contact_list in page],
        "q": query,
        "sort": sort,
        "tabs": tabs("lists"),
        "can_edit": has_permission(current_user(request), Permission.EDIT_CONTACTS),
    }
    return render(request, "campaigns/contacts/list_list.html", context)


def _country_summary(contact_list: ContactList, limit: int = 3) -> str:
    """The countries of a list, the largest first: "Ukraine, Romania and 2 more"."""
    counts = sorted(contact_list.countries.items(), key=lambda pair: -pair[1])
    names = ", ".join(countries.name(country) for country, _count in counts[:limit])
    more = len(counts) - limit
    return _("%(names)s and %(more)d more") % {"names": names, "more": more} if more > 0 else names


@require_safe
def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the contacts of a list, or those that match ?q=."""
    lists = ContactList.objects.select_related("public")
    contact_list = get_object_for(current_user(request), lists, pk=pk)
    user, query = current_user(request), read_search(request.GET)
    hits = _search(query, contact_list, user)
    contacts = Contact.objects.filter(list=contact_list).order_by("id")
    page: Page[Contact] | Slice[Contact]
    page = page_of_ids(request, contacts, hits.ids) if hits else slice_of(request, contacts, "id")
    tags = contact_list.fields[:MAX_TAG_COLUMNS]
    can_edit = has_permission(user, Permission.EDIT_CONTACTS)
    context = {
        "list": contact_list,
        "page": page,
        "rows": [(contact, _values(contact_list, contact, tags)) for contact in page],
        "stopped": stop_list.stopped_among([contact.msisdn for contact in page]),
        "stopped_text": _stopped_text(request, contact_list),
        "tags": tags,
        "tag_types": [(name, _type_label(contact_list, name)) for name in contact_list.fields],
        "q": query,
        "hits": hits,
        "countries": _country_summary(contact_list, 6),
        "tabs": tabs("lists"),
        "import_url": f"{reverse('import-new')}?list={contact_list.pk}" if can_edit else "",
        "can_edit": can_edit,
        "sees_phones": sees_phones(user),
        "empty_text": _empty_text(query, user),
    }
    return render(request, "campaigns/contacts/list_detail.html", context)


def _stopped_text(request: HttpRequest, contact_list: ContactList) -> str:
    """How many of the list are on the stop list: on its first page, as no other counts."""
    is_first = not {"at", "q", "page"} & request.GET.keys()
    return stop_list.stopped_text(stop_list.count_stopped(contact_list)) if is_first else ""


def _search(query: str, contact_list: ContactList, user: User) -> queries.SearchResult | None:
    """What `user` finds on the list; None without a query. A part of a phone finds no phone for
    those who see them masked: they would learn the rest by further parts.
    """
    if not query:
        return None
    if sees_phones(user):
        return queries.search(query, contact_list)
    return queries.search_whole_phone(query, contact_list) or queries.SearchResult([])


def _empty_text(query: str, user: User) -> str:
    if not sees_phones(user) and not queries.whole_phone(query):
        return whole_phone_text()
    return _("No contact on this list matches “%(query)s”.") % {"query": query}


def _values(contact_list: ContactList, contact: Contact, tags: Sequence[str]) -> list[str]:
    shown = fields_for_reader(contact_list, contact.fields)
    return [shown.get(tag, "") for tag in tags]


def _type_label(contact_list: ContactList, name: str) -> str:
    """The type of a field; "" for a text."""
    kind = contact_list.type_of(name)
    return "" if kind == FieldType.TEXT else str(kind.label)


@permission_required(Permission.EDIT_CONTACTS)
@require_safe
def list_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """The actions of a list, for htmx."""
    contact_list = _editable_list(request, pk)
    count = contact_list.contact_count
    context = {
        "title": contact_list.name,
        "list": contact_list,
        "uses": describe_uses(contact_list),
        "delete_text": ngettext("Deletes %d contact.", "Deletes %d contacts.", count) % count,
    }
    return render(request, "campaigns/contacts/list_menu.html", context)


@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a list."""
    contact_list = _editable_list(request, pk)
    form = ListForm(request.POST or None, instance=contact_list)
    if request.method == "POST" and form.is_valid():
        contact_lists.rename(contact_list, form.cleaned_data["name"], current_user(request))
        return redirect(contact_list)
    return form_page(request, form, contact_list, _("Rename list"))


@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_types(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the types of a list's fields, and convert their values."""
    contact_list = _editable_list(request, pk)
    form = FieldTypesForm(contact_list, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            unread = type_changes.change_types(contact_list, form.formats(), current_user(request))
        except ContactsError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The types were saved."))
            kinds = {name: each.type for name, each in form.formats().items()}
            for name, count in unread.items():
                if count:
                    messages.warning(request, unread_text(name, kinds[name], count))
            return redirect(contact_list)
    lead = _("Values are converted at once. Those that are not of the type stay as they are.")
    return form_page(request, form, contact_list, _("Types of fields"), lead=lead)


def _editable_list(request: HttpRequest, pk: int) -> ContactList:
    return get_object_for(
        current_user(request), ContactList.objects.all(), Permission.EDIT_CONTACTS, pk=pk
    )


@permission_required(Permission.EDIT_CONTACTS)
@require_POST
def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a list with its contacts."""
    contact_list = _editable_list(request, pk)
    try:
        count = contact_lists.delete_list(contact_list, current_user(request))
    except ContactsError as refused:
        messages.error(request, str(refused))
        return redirect(contact_list)
    text = ngettext(
        "“%(name)s” was deleted with %(count)d contact.",
        "“%(name)s” was deleted with %(count)d contacts.",
        count,
    )
    messages.success(request, text % {"name": contact_list.name, "count": count})
    return redirect("list-list")


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy all contacts, or those of ?contact=…, to another list, which also merges two lists."""
    contact_list = _editable_list(request, pk)
    chosen = request.GET.getlist("contact")
    contact_ids = read_ids(chosen) if chosen else None
    form = CopyForm(contact_list, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user, target = current_user(request), form.cleaned_data["into"]
        target = target or contact_lists.create(form.cleaned_data["name"], user)
        try:
            copied = contact_lists.copy_contacts(contact_list, target, contact_ids, user)
        except ContactsError as refused:
            messages.error(request, str(refused))
            return redirect("list-list")
        text = ngettext("%d contact was copied.", "%d contacts were copied.", copied)
        messages.success(request, text % copied)
        return redirect(target)
    count = contact_list.contact_count if contact_ids is None else len(contact_ids)
    title = ngettext("Copy %d contact to another list", "Copy %d contacts to another list", count)
    return form_page(request, form, contact_list, title % count)


@require_safe
@permission_required(Permission.EDIT_CONTACTS)
@fresh_to_download
def list_export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Download the contacts of a list, or those that match ?q=, as a file of `kind`."""
    contact_list = _editable_list(request, pk)
    table = exports.list_table(contact_list, read_search(request.GET))
    return download(request, kind, exports.file_name(contact_list), table, contact_list)


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add one contact."""
    contact_list = _editable_list(request, pk)
    types = list_fields.types_of(contact_list)
    form = ContactForm(contact_list.fields, request.POST or None, types=types)
    if request.method == "POST" and form.is_valid():
        phone, country = form.cleaned_data["phone"], settings.DEFAULT_COUNTRY
        try:
            added = contact_lists.add_contact(
                contact_list, phone, form.values(), country, current_user(request)
            )
        except ContactsError as refused:
            form.add_error("phone", str(refused))
        else:
            text = _("%(phone)s was added.") % {"phone": parsing.format_phone(added.msisdn)}
            messages.success(request, text)
            return redirect(contact_list)
    return form_page(request, form, contact_list, _("Add contact"))


@once
@permission_required(Permission.EDIT_CONTACTS)
@require_http_methods(["GET", "HEAD", "POST"])
def list_paste(request: HttpRequest, pk: int) -> HttpResponse:
    """Add many phones at once, one per line."""
    contact_list = _editable_list(request, pk)
    form = PasteForm(request.POST or None)
    result = None
    if request.method == "POST" and form.is_valid():
        lines, country = form.cleaned_data["phones"].splitlines(), form.cleaned_data["country"]
        try:
            result = contact_lists.add_phones(contact_list, lines, country, current_user(request))
        except ContactsError as refused:
            messages.error(request, str(refused))
            return redirect("list-list")
        if not result.rejected:
            messages.success(request, _paste_summary(result))
            return redirect(contact_list)
    context: dict[str, Any] = {"paste_result": result}
    if result:
        rejected = result.rejected[:MAX_REJECTED_LINES]
        context["paste_summary"] = _paste_summary(result)
        context["rejected_lines"] = [(line, reason.label) for line, reason in rejected]
    return form_page(request, form, contact_list, _("Paste phones"), **context)


def _paste_summary(result: contact_lists.PasteResult) -> str:
    return _(
        "%(rows)d lines: %(new)d added, %(known)d already on the list, %(duplicates)d duplicates,"
        " %(stop_listed)d on the stop list, %(rejected)d rejected."
    ) % {
        "rows": result.rows,
        "new": result.new,
        "known": result.known,
        "duplicates": result.duplicates,
        "stop_listed": result.stop_listed,
        "rejected": len(result.rejected),
    }


def form_page(
    request: HttpRequest, form: Any, contact_list: ContactList, title: str, **more: Any
) -> HttpResponse:
    """A page with one form about a list; `more` goes to the template."""
    context = {"form": form, "list": contact_list, "title": title, "tabs": tabs("lists")}
    return render(request, "campaigns/contacts/form.html", context | more)
