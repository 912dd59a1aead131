"""Contacts: found by their phone, changed and removed."""

from collections.abc import Mapping
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.etags import etag, require_match, send
from campaigns.api.paging import Page, PageQuery, page
from campaigns.api.problems import FieldError, Problem
from campaigns.api.schemas import FIELDS_MAX, Body, FieldValue, Id, Text
from campaigns.contacts.field_types.value_formats import ValueFormat, read_value
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.models import Contact, ContactList, FieldType
from campaigns.contacts.people import person_ids
from campaigns.contacts.phones.masking import mask_phone, mask_phones_in
from campaigns.contacts.search import queries
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import sees_phones, visible_to

router = Router(tags=["Contacts"])
# how programs write values: 1234.5, 2026-12-31, yes
FORMATS = {
    FieldType.TEXT: ValueFormat.TEXT,
    FieldType.NUMBER: ValueFormat.POINT,
    FieldType.DATE: ValueFormat.DAY_FIRST,
    FieldType.YES_NO: ValueFormat.YES_NO,
}

Fields = Annotated[
    dict[Text, FieldValue],
    Field(max_length=FIELDS_MAX, description='Merge tag → value; "" empties it.'),
]
ContactId = Annotated[Id, Path()]


class ContactOut(Schema):
    id: int
    list_id: int
    phone: Annotated[str, Field(description="+380671234567; masked without `see_phones`.")]
    person_id: Annotated[str, Field(description="Of the person with this phone, on any list.")]
    country: str
    fields: dict[str, str]


class ContactPage(Page[ContactOut]):
    pass


class PhoneQuery(PageQuery):
    phone: Annotated[str, Field(pattern=r"^\+?[0-9 ().-]{5,30}$", description="A whole phone.")]


class ContactChanges(Body):
    fields: Fields


@router.get(
    "contacts",
    summary="Find the contacts with a phone",
    response=ContactPage,
    auth=Needs(Permission.VIEW),
)
def find_contacts(request: HttpRequest, query: Query[PhoneQuery]) -> Any:
    """The contacts with a phone, on all lists. What is no whole phone finds none."""
    contacts = visible_to(actor(request), Contact.objects.all())
    contacts = contacts.filter(msisdn=queries.whole_phone(query.phone) or None)
    return page(request, contacts, query, lambda row: contact_out(row, actor(request)))


@router.get("contacts/{contact_id}", response=ContactOut, auth=Needs(Permission.VIEW))
def get_contact(request: HttpRequest, contact_id: ContactId, response: HttpResponse) -> Any:
    """One contact of one list."""
    return _shown(request, _get(request, contact_id), response)


@router.patch(
    "contacts/{contact_id}",
    response={200: ContactOut, 412: None},
    auth=Needs(Permission.EDIT_CONTACTS),
)
def change_contact(
    request: HttpRequest, contact_id: ContactId, body: ContactChanges, response: HttpResponse
) -> Any:
    """Change merge tags of a contact; those that are not named stay."""
    contact = _get(request, contact_id, Permission.EDIT_CONTACTS)
    contact_lists.lock(contact.list)
    contact.refresh_from_db(fields=["fields"])
    require_match(request, _tag(contact))
    values, errors = read_fields(contact.list, body.fields, contact.fields)
    if errors:
        raise Problem(422, "invalid", errors[0].message, errors)
    seen = {name: str(contact.fields.get(name, "")) for name in values}
    contact_lists.change_fields(contact, values, seen, actor(request))
    return _shown(request, _get(request, contact_id), response)


@router.delete("contacts/{contact_id}", response={204: None}, auth=Needs(Permission.EDIT_CONTACTS))
def remove_contact(request: HttpRequest, contact_id: ContactId) -> Any:
    """Remove a contact from its list."""
    contact = _get(request, contact_id, Permission.EDIT_CONTACTS)
    contact_lists.remove_contacts(contact.list, [contact.pk], actor(request))
    return Status(204, None)


def contact_out(contact: Contact, user: User) -> ContactOut:
    """A contact as `user` sees it."""
    sees = sees_phones(user)
    values = {name: str(value) for name, value in contact.fields.items()}
    return ContactOut(
        id=contact.pk,
        list_id=contact.list_id,
        phone=f"+{contact.msisdn}" if sees else mask_phone(contact.msisdn),
        person_id=person_ids.id_of(contact.msisdn),
        country=contact.country,
        fields=values if sees else {name: mask_phones_in(value) for name, value in values.items()},
    )


def read_fields(
    contact_list: ContactList, fields: Mapping[str, str], present: Mapping[str, str] | None = None
) -> tuple[dict[str, str], list[FieldError]]:
    """The values in their normal form, and what is wrong with the others. As on the page: the list
    or the contact has the field, and a value is of its type or stays as it is.
    """
    values, errors = {}, []
    present = present or {}
    for name, value in fields.items():
        kind = contact_list.type_of(name)
        normal = read_value(value, FORMATS[kind]) if value else ""
        if name not in contact_list.fields and name not in present:
            text = "The list has no such field. Add it to the list first."
            errors.append(FieldError(f"fields.{name}", "unknown_field", text))
        elif normal is None and value != present.get(name):
            text = f"This is not of the type of the field: {kind.label}."
            errors.append(FieldError(f"fields.{name}", f"not_{kind.value}", text))
        else:
            values[name] = value if normal is None else normal
    return values, errors


def _get(
    request: HttpRequest, contact_id: int, permission: Permission = Permission.VIEW
) -> Contact:
    contacts = Contact.objects.select_related("list")
    return get_object_for(actor(request), contacts, permission, pk=contact_id)


def _tag(contact: Contact) -> str:
    return etag("contact", contact.pk, sorted(contact.fields.items()))


def _shown(request: HttpRequest, contact: Contact, response: HttpResponse) -> ContactOut:
    send(response, _tag(contact))
    return contact_out(contact, actor(request))
