"""Lists and the people on them."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page
from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from campaigns.contacts.importing.errors import Refused
from campaigns.contacts.lists import contact_lists, exports, stop_list
from campaigns.contacts.models import Contact, ContactList
from campaigns.contacts.pages.forms import IntoForm, ListForm, PasteForm, PersonForm
from campaigns.contacts.pages.tabs import tabs
from campaigns.contacts.phones import countries, parsing
from campaigns.contacts.search import queries
from campaigns.shared.paging import Slice, page_of, page_of_ids, slice_of
from campaigns.team.access import current_user, get_object_for, has_role, role_required, visible_to
from campaigns.team.models import Role

ORDERS = {"name": "name", "people": "contact_count", "changed": "updated_at", "used": "used_at"}
TAGS_SHOWN = 6  # columns of merge tags in the table of people


@require_safe
def list_list(request: HttpRequest) -> HttpResponse:
    """Every list, with its people counted beforehand."""
    found = visible_to(current_user(request), ContactList.objects.select_related("used_by"))
    words = request.GET.get("q", "").strip()
    chosen = found.filter(name__icontains=words) if words else found
    key = request.GET.get("sort", "name")
    column = ORDERS.get(key.lstrip("-"), "name")
    order = (
        F(column).desc(nulls_last=True) if key.startswith("-") else F(column).asc(nulls_first=True)
    )
    page = page_of(request, chosen.order_by(order, "pk"))
    rows = [(one, _homes(one)) for one in page.object_list]
    context = {
        "page": page,
        "rows": rows,
        "q": words,
        "sort": key,
        "tabs": tabs("lists"),
        **_rights(request),
    }
    return render(request, "campaigns/contacts/list_list.html", context)


def _homes(contact_list: ContactList, most: int = 3) -> str:
    """The countries of a list, the largest first: "Ukraine, Romania and 2 more"."""
    homes = sorted(contact_list.countries.items(), key=lambda pair: -pair[1])
    names = ", ".join(countries.name(home) for home, _number in homes[:most])
    more = len(homes) - most
    return _("%(names)s and %(more)d more") % {"names": names, "more": more} if more > 0 else names


def _rights(request: HttpRequest) -> dict[str, bool]:
    return {"can_edit": has_role(current_user(request), Role.MARKETER)}


@require_safe
def list_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """The people of a list."""
    found = get_object_for(current_user(request), ContactList.objects.all(), pk=pk)
    words = request.GET.get("q", "").strip()
    hits = queries.search(words, found) if words else None
    people = Contact.objects.filter(list=found).order_by("id")
    page: Page[Contact] | Slice[Contact]
    page = page_of_ids(request, people, hits.ids) if hits else slice_of(request, people, "id")
    tags = found.fields[:TAGS_SHOWN]
    rows = [(person, [person.fields.get(tag, "") for tag in tags]) for person in page]
    context = {
        "list": found,
        "page": page,
        "rows": rows,
        "tags": tags,
        "q": words,
        "hits": hits,
        "homes": _homes(found, 6),
        "tabs": tabs("lists"),
        "delete_words": _delete_words(found),
        "import_here": f"{reverse('import-new')}?list={found.pk}",
        **_rights(request),
    }
    return render(request, "campaigns/contacts/list_detail.html", context)


def _delete_words(found: ContactList) -> str:
    """What is lost with the list, in numbers and names."""
    people = (
        ngettext("%d person goes with it.", "%d people go with it.", found.contact_count)
        % found.contact_count
    )
    names = [used.name for used in contact_lists.dependants(found)]
    used = _("What names it: %(names)s.") % {"names": ", ".join(names[:5])} if names else ""
    return f"{people} {used}".strip()


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def list_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename a list."""
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    form = ListForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect(found)
    return _form_page(request, form, found, _("Rename the list"))


@role_required(Role.MARKETER)
@require_POST
def list_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a list with its people."""
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    try:
        people = contact_lists.delete(found, current_user(request))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(found)
    messages.success(
        request,
        _("“%(name)s” is deleted, with %(people)d people.")
        % {
            "name": found.name,
            "people": people,
        },
    )
    return redirect("list-list")


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def list_copy(request: HttpRequest, pk: int) -> HttpResponse:
    """Copy everybody, or those chosen (?person=…), to another list: merging lists is copying one
    into the other.
    """
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    chosen = _chosen(request.GET)
    form = IntoForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        target = form.cleaned_data["into"] or ContactList.objects.create(
            name=form.cleaned_data["name"], created_by=current_user(request)
        )
        new = contact_lists.copy_people(found, target, chosen or None)
        messages.success(request, ngettext("%d person copied.", "%d people copied.", new) % new)
        return redirect(target)
    number = len(chosen) or found.contact_count
    title = (
        ngettext("Copy %d person to another list", "Copy %d people to another list", number)
        % number
    )
    return _form_page(request, form, found, title)


def _chosen(query: QueryDict) -> list[int]:
    return [int(value) for value in query.getlist("person") if value.isdigit()]


@require_safe
def list_export(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """Everybody on the list, or those who match, as a file."""
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    return exports.people(found, kind, request.GET.get("q", "").strip())


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def list_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add one person."""
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    form = PersonForm(found.fields, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            added = contact_lists.add(found, form.cleaned_data["phone"], form.values(), _country())
        except Refused as refused:
            form.add_error("phone", str(refused))
        else:
            messages.success(
                request, _("%(phone)s is added.") % {"phone": parsing.shown(added.msisdn)}
            )
            return redirect(found)
    return _form_page(request, form, found, _("Add a person"))


def _country() -> str:
    return str(settings.DEFAULT_COUNTRY)


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def list_paste(request: HttpRequest, pk: int) -> HttpResponse:
    """Add many phones at once."""
    found = get_object_for(current_user(request), ContactList.objects.all(), Role.MARKETER, pk=pk)
    form = PasteForm(request.POST or None)
    added = None
    if request.method == "POST" and form.is_valid():
        added = contact_lists.paste(
            found, form.cleaned_data["phones"].splitlines(), form.cleaned_data["country"]
        )
        if not added.wrong:
            messages.success(request, _added_words(added))
            return redirect(found)
    context = {
        "form": form,
        "list": found,
        "title": _("Paste phones"),
        "added": added,
        "tabs": tabs("lists"),
    }
    if added:
        context["added_words"] = _added_words(added)
        context["wrong"] = [(text, reason.label) for text, reason in added.wrong[:100]]
    return render(request, "campaigns/contacts/form.html", context)


def _added_words(added: contact_lists.Added) -> str:
    return _(
        "%(rows)d lines: %(new)d new, %(known)d on the list already, %(repeated)d repeated,"
        " %(stop)d on the stop list, %(wrong)d not valid."
    ) % {
        "rows": added.rows,
        "new": added.new,
        "known": added.known,
        "repeated": added.repeated,
        "stop": added.stop_listed,
        "wrong": len(added.wrong),
    }


@role_required(Role.MARKETER)
@require_http_methods(["GET", "HEAD", "POST"])
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the merge fields of a person on a list."""
    contact = get_object_for(
        current_user(request), Contact.objects.select_related("list"), Role.MARKETER, pk=pk
    )
    tags = [
        *contact.list.fields,
        *(name for name in contact.fields if name not in contact.list.fields),
    ]
    initial = {f"tag_{name}": value for name, value in contact.fields.items()}
    form = PersonForm(tags, request.POST or None, new=False, initial=initial)
    if request.method == "POST" and form.is_valid():
        contact_lists.change(contact, form.values())
        messages.success(request, _("Saved."))
        return redirect(contact.list)
    return _form_page(request, form, contact.list, parsing.shown(contact.msisdn))


@role_required(Role.MARKETER)
@require_POST
def contact_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a person off a list."""
    contact = get_object_for(
        current_user(request), Contact.objects.select_related("list"), Role.MARKETER, pk=pk
    )
    contact_lists.remove(contact.list, [contact.pk])
    messages.success(
        request, _("%(phone)s is off the list.") % {"phone": parsing.shown(contact.msisdn)}
    )
    return redirect(contact.list)


@role_required(Role.MARKETER)
@require_POST
def contact_stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a person on the stop list, with one click."""
    contact = get_object_for(
        current_user(request), Contact.objects.select_related("list"), Role.MARKETER, pk=pk
    )
    stop_list.stop_numbers(
        [contact.msisdn],
        _("Stopped from the list %(name)s") % {"name": contact.list},
        current_user(request),
    )
    messages.success(
        request, _("%(phone)s is on the stop list.") % {"phone": parsing.shown(contact.msisdn)}
    )
    return redirect(contact.list)


@require_safe
def person_search(request: HttpRequest) -> HttpResponse:
    """Find people on any list, by any part of a phone or of what the file said of them."""
    words = request.GET.get("q", "").strip()
    verdict = parsing.normalise(words, _country()) if words else None
    if isinstance(verdict, parsing.Phone):
        return redirect("person", msisdn=verdict.msisdn)
    hits = (
        queries.search(words) if words and has_role(current_user(request), Role.MARKETER) else None
    )
    people = visible_to(current_user(request), Contact.objects.select_related("list")).order_by(
        "id"
    )
    context = {
        "q": words,
        "hits": hits,
        "page": page_of_ids(request, people, hits.ids) if hits else None,
        "tabs": tabs("people"),
        **_rights(request),
    }
    return render(request, "campaigns/contacts/person_search.html", context)


def _form_page(
    request: HttpRequest, form: Any, contact_list: ContactList, title: str
) -> HttpResponse:
    context = {"form": form, "list": contact_list, "title": title, "tabs": tabs("lists")}
    context["back"] = reverse("list-detail", args=[contact_list.pk])
    return render(request, "campaigns/contacts/form.html", context)
