"""Lists of contacts, and contacts added to them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from django.conf import settings
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.etags import etag, require_match, send
from campaigns.api.form_values import posted, require_valid
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import FieldError, Problem, invalid
from campaigns.api.resources.contacts import (
    FORMATS,
    ContactOut,
    ContactPage,
    Fields,
    contact_out,
    read_fields,
)
from campaigns.api.schemas import TABLE_FILE, Body, FileKind, Id, Name, Phone, Text
from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing.column_mapping import MAX_NAME
from campaigns.contacts.lists import contact_lists, exports, public_lists, type_changes
from campaigns.contacts.models import Contact, ContactList, FieldType
from campaigns.contacts.pages.forms import CopyForm
from campaigns.contacts.pages.type_forms import FieldTypesForm
from campaigns.contacts.phones import parsing
from campaigns.shared.query_values import read_search
from campaigns.shared.text import without_nul
from campaigns.team.pages.access import get_object_for
from campaigns.team.pages.audit.downloads import download
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Lists"])
CONTACTS_MAX = 1_000  # of one request
FIELDS_MAX = 200

FieldName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=MAX_NAME)
]
ListId = Annotated[Id, Path()]


class FieldOut(Schema):
    name: str
    type: FieldType


class PublicOut(Schema):
    name: str
    description: str


class ListOut(Schema):
    id: int
    name: str
    public: Annotated[
        PublicOut | None, Field(description="What recipients see, if it is offered to them.")
    ]
    fields: list[FieldOut]
    contact_count: int
    countries: Annotated[dict[str, int], Field(description="Contacts by country.")]
    created_at: datetime
    updated_at: datetime
    used_at: datetime | None


class ListPage(Page[ListOut]):
    pass


class ListQuery(PageQuery):
    q: Annotated[str, Field(max_length=100, description="A part of the name.")] = ""


class ExportQuery(Schema):
    q: Annotated[str, Field(max_length=100, description="A part of the phone or of a value.")] = ""


class FieldIn(Body):
    name: FieldName
    type: FieldType = FieldType.TEXT


class PublicIn(Body):
    name: Name
    description: Annotated[Text, Field(max_length=300)] = ""


class ListIn(Body):
    name: Name
    public: Annotated[PublicIn | None, Field(description="Offer it to recipients.")] = None
    fields: Annotated[list[FieldIn], Field(max_length=FIELDS_MAX)] = []


class ListChanges(Body):
    name: Name | None = None
    public: Annotated[
        PublicIn | None, Field(description="Offer it to recipients; null: no longer.")
    ] = None
    fields: Annotated[
        list[FieldIn], Field(max_length=FIELDS_MAX, description="Fields to add.")
    ] = []


class ContactIn(Body):
    phone: Phone
    fields: Fields = {}
    country: Annotated[
        str, Field(pattern="^[A-Z]{2}$", description="Of a phone without a country code.")
    ] = settings.DEFAULT_COUNTRY


class RowIn(Body):
    phone: Text
    fields: Fields = {}


class RowsIn(Body):
    contacts: Annotated[list[RowIn], Field(min_length=1, max_length=CONTACTS_MAX)]
    country: Annotated[
        str, Field(pattern="^[A-Z]{2}$", description="Of phones without a country code.")
    ] = settings.DEFAULT_COUNTRY


class CopyIn(Body):
    into: Annotated[Id | None, Field(description="The list to copy to.")] = None
    name: Annotated[Text, Field(max_length=100, description="Or the name of a new one.")] = ""
    contact_ids: Annotated[
        list[Id] | None, Field(min_length=1, max_length=CONTACTS_MAX, description="Else all.")
    ] = None


class CopyOut(Schema):
    list_id: int
    copied: Annotated[int, Field(description="Contacts that were not on that list.")]


class TypesIn(Body):
    formats: Annotated[
        dict[str, ValueFormat],
        Field(
            min_length=1,
            max_length=FIELDS_MAX,
            description="Field → its new type, and how its values are written now.",
        ),
    ]


class TypesOut(Schema):
    fields: list[FieldOut]
    unread: Annotated[
        dict[str, int], Field(description="Field → values not of the type; they stay as they are.")
    ]


class RowOut(Schema):
    outcome: Annotated[str, Field(description="new, known, duplicate, stop_listed or rejected")]
    reason: Annotated[str | None, Field(description="Why it was rejected.")] = None
    field: Annotated[str | None, Field(description="Whose value was rejected.")] = None


class RowsOut(Schema):
    new: int
    known: int
    duplicates: int
    stop_listed: int
    rejected: int
    rows: Annotated[list[RowOut], Field(description="In the order of the request.")]


@router.get("lists", response=ListPage, auth=Needs(Permission.VIEW))
def list_lists(request: HttpRequest, query: Query[ListQuery]) -> Any:
    """The lists of the brand, the oldest first."""
    lists = visible_to(actor(request), choosable_lists().select_related("public"))
    if query.q:
        lists = lists.filter(name__folded_contains=without_nul(query.q))
    return page(request, lists, query, list_out)


@router.post("lists", response={201: ListOut}, auth=Needs(Permission.EDIT_CONTACTS))
def create_list(request: HttpRequest, body: ListIn, response: HttpResponse) -> Any:
    """A new list, without contacts."""
    try:
        made = contact_lists.create(body.name, actor(request), types_of(body.fields))
    except IntegrityError:
        raise name_taken() from None
    if body.public:
        public_lists.offer(made, public_lists.Told(**body.public.dict()), actor(request))
        made = _get(request, made.pk)
    return Status(201, _shown(made, response))


@router.get("lists/{list_id}", response=ListOut, auth=Needs(Permission.VIEW))
def get_list(request: HttpRequest, list_id: ListId, response: HttpResponse) -> Any:
    """One list."""
    return _shown(_get(request, list_id), response)


@router.patch(
    "lists/{list_id}",
    response={200: ListOut, 412: None},
    auth=Needs(Permission.EDIT_CONTACTS),
)
def change_list(
    request: HttpRequest, list_id: ListId, body: ListChanges, response: HttpResponse
) -> Any:
    """Rename a list, add fields to it, or offer it to recipients."""
    contact_list = contact_lists.lock(_get(request, list_id, Permission.EDIT_CONTACTS))
    require_match(request, _tag(contact_list))
    if body.name is not None:
        try:
            contact_lists.rename(contact_list, body.name, actor(request))
        except IntegrityError:
            raise name_taken() from None
    if body.fields:
        contact_lists.add_fields(contact_list, types_of(body.fields), actor(request))
    if body.public:
        told = public_lists.Told(**body.public.dict())
        public_lists.offer(contact_list, told, actor(request))
    elif "public" in body.model_fields_set:
        public_lists.stop_offering(contact_list, actor(request))
    return _shown(_get(request, list_id), response)


@router.delete("lists/{list_id}", response={204: None}, auth=Needs(Permission.EDIT_CONTACTS))
@own_transactions
def delete_list(request: HttpRequest, list_id: ListId) -> Any:
    """Delete a list with its contacts. Refused while something needs it."""
    contact_list = _get(request, list_id, Permission.EDIT_CONTACTS)
    contact_lists.delete_list(contact_list, actor(request))
    return Status(204, None)


@router.post(
    "lists/{list_id}/copy",
    summary="Copy contacts to another list",
    response=CopyOut,
    auth=Needs(Permission.EDIT_CONTACTS),
)
def copy_contacts(request: HttpRequest, list_id: ListId, body: CopyIn) -> Any:
    """Copy contacts of a list to another one, new or not. Those that are on it stay unchanged."""
    contact_list, user = _get(request, list_id, Permission.EDIT_CONTACTS), actor(request)
    form = CopyForm(contact_list, posted({"into": body.into, "name": body.name}))
    data = require_valid(form)
    target = data["into"] or contact_lists.create(data["name"], user)
    copied = contact_lists.copy_contacts(contact_list, target, body.contact_ids, user)
    return CopyOut(list_id=target.pk, copied=copied)


@router.put(
    "lists/{list_id}/types",
    summary="Change types of fields",
    response=TypesOut,
    auth=Needs(Permission.EDIT_CONTACTS),
)
def change_field_types(request: HttpRequest, list_id: ListId, body: TypesIn) -> Any:
    """Change the types of fields, and convert their values. Fields that are not named stay."""
    contact_list = _get(request, list_id, Permission.EDIT_CONTACTS)
    for name in body.formats:
        if name not in contact_list.fields:
            raise invalid(f"formats.{name}", "unknown_field", "The list has no such field.")
    present = {name: FORMATS[contact_list.type_of(name)] for name in contact_list.fields}
    values = {f"type_{name}": each for name, each in (present | body.formats).items()}
    form = FieldTypesForm(contact_list, posted(values))
    require_valid(form)
    unread = type_changes.change_types(contact_list, form.formats(), actor(request))
    return TypesOut(fields=list_out(_get(request, list_id)).fields, unread=unread)


@router.get("lists/{list_id}/contacts", response=ContactPage, auth=Needs(Permission.VIEW))
def list_contacts(request: HttpRequest, list_id: ListId, query: Query[PageQuery]) -> Any:
    """The contacts of a list. Phones are masked without the permission `see_phones`."""
    contact_list = _get(request, list_id)
    contacts = Contact.objects.filter(list=contact_list)
    return page(request, contacts, query, lambda row: contact_out(row, actor(request)))


@router.get(
    "lists/{list_id}/contacts.{kind}",
    auth=Needs(Permission.SEE_PHONES),
    openapi_extra=TABLE_FILE,
)
def export_contacts(
    request: HttpRequest, list_id: ListId, kind: FileKind, query: Query[ExportQuery]
) -> Any:
    """The contacts of a list as a file: that of its page. Needs `edit_contacts` too."""
    contact_list = _get(request, list_id, Permission.EDIT_CONTACTS)
    table = exports.list_table(contact_list, read_search({"q": query.q}))
    return download(request, kind, exports.file_name(contact_list), table, contact_list)


@router.post(
    "lists/{list_id}/contacts", response={201: ContactOut}, auth=Needs(Permission.EDIT_CONTACTS)
)
def add_contact(request: HttpRequest, list_id: ListId, body: ContactIn) -> Any:
    """Add one contact. Refused for a phone that is on the stop list, or on the list already."""
    contact_list = _get(request, list_id, Permission.EDIT_CONTACTS)
    fields, errors = read_fields(contact_list, body.fields)
    parsed = parsing.normalise(body.phone, body.country)
    if isinstance(parsed, parsing.Reason):
        errors.append(FieldError("phone", parsed.value, str(parsed.label)))
    if errors:
        raise Problem(422, "invalid", errors[0].message, errors)
    added = contact_lists.add_contact(
        contact_list, body.phone, fields, body.country, actor(request)
    )
    contact = Contact.objects.get(list=contact_list, msisdn=added.msisdn)
    return Status(201, contact_out(contact, actor(request)))


@router.post(
    "lists/{list_id}/contacts/bulk",
    response=RowsOut,
    auth=Needs(Permission.EDIT_CONTACTS),
)
def add_contacts(request: HttpRequest, list_id: ListId, body: RowsIn) -> Any:
    """Add up to 1,000 contacts, and say of each what became of it. Those that are on the list stay
    unchanged.
    """
    contact_list = _get(request, list_id, Permission.EDIT_CONTACTS)
    outs: list[RowOut | None] = []
    rows: list[tuple[str, Mapping[str, str]]] = []
    for row in body.contacts:
        fields, errors = read_fields(contact_list, row.fields)
        if errors:
            wrong = errors[0]
            outs.append(RowOut(outcome="rejected", reason=wrong.code, field=wrong.field))
        else:
            outs.append(None)
            rows.append((row.phone, fields))
    added = iter(contact_lists.add_contacts(contact_list, rows, body.country, actor(request)))
    shown = [out or _row_out(next(added)) for out in outs]
    return RowsOut(
        new=_count(shown, "new"),
        known=_count(shown, "known"),
        duplicates=_count(shown, "duplicate"),
        stop_listed=_count(shown, "stop_listed"),
        rejected=_count(shown, "rejected"),
        rows=shown,
    )


def _row_out(added: contact_lists.AddedRow) -> RowOut:
    reason = added.reason.value if added.reason else None
    return RowOut(outcome=added.outcome, reason=reason, field="phone" if reason else None)


def _count(rows: list[RowOut], outcome: str) -> int:
    return sum(row.outcome == outcome for row in rows)


def list_out(contact_list: ContactList) -> ListOut:
    offer = public_lists.offer_of(contact_list)
    return ListOut(
        id=contact_list.pk,
        name=contact_list.name,
        public=PublicOut(name=offer.name, description=offer.description)
        if offer and offer.is_offered
        else None,
        fields=[
            FieldOut(name=name, type=contact_list.type_of(name)) for name in contact_list.fields
        ],
        contact_count=contact_list.contact_count,
        countries=contact_list.countries,
        created_at=contact_list.created_at,
        updated_at=contact_list.updated_at,
        used_at=contact_list.used_at,
    )


def types_of(fields: list[FieldIn]) -> dict[str, FieldType]:
    return {field.name: field.type for field in fields}


def name_taken() -> Problem:
    """What is said where another object of the brand has the name."""
    text = "This name is already in use."
    return Problem(409, "name_taken", text, [FieldError("name", "name_taken", text)])


def _get(
    request: HttpRequest, list_id: int, permission: Permission = Permission.VIEW
) -> ContactList:
    return get_object_for(actor(request), ContactList.objects.all(), permission, pk=list_id)


def _tag(contact_list: ContactList) -> str:
    return etag("list", contact_list.pk, contact_list.updated_at.isoformat())


def _shown(contact_list: ContactList, response: HttpResponse) -> ListOut:
    send(response, _tag(contact_list))
    return list_out(contact_list)
