"""The fields of a list and their types."""

from collections.abc import Mapping

from campaigns.contacts.choosable_lists import choosable_lists
from campaigns.contacts.models import ContactList, FieldType


def types_of(contact_list: ContactList) -> dict[str, FieldType]:
    """The type of each field of the list, of texts too."""
    return {name: contact_list.type_of(name) for name in contact_list.fields}


def first_conflict(contact_list: ContactList, types: Mapping[str, FieldType]) -> str:
    """The first of the fields in `types` that the list has with another type; "" if none."""
    present = types_of(contact_list)
    return next((name for name in types if types[name] != present.get(name, types[name])), "")


def lists_with(name: str, field_type: FieldType) -> list[int]:
    """The ids of the lists on which the field `name` has that type, which is not TEXT."""
    typed = ContactList.objects.filter(field_types__isnull=False).order_by("pk")
    rows = typed.values_list("pk", "field_types")
    return [pk for pk, types in rows if (types or {}).get(name) == field_type]


def common_types() -> dict[str, FieldType]:
    """Each field of any list with its type; TEXT where the lists differ."""
    types: dict[str, set[FieldType]] = {}
    for contact_list in choosable_lists().only("fields", "field_types"):
        for name, kind in types_of(contact_list).items():
            types.setdefault(name, set()).add(kind)
    return {
        name: kinds.pop() if len(kinds) == 1 else FieldType.TEXT for name, kinds in types.items()
    }


def add_fields(contact_list: ContactList, types: Mapping[str, FieldType]) -> bool:
    """Add the fields that the list does not have yet; whether there were any.

    The caller has locked the row of the list, and saves `fields` and `field_types`.
    """
    new = {name: kind for name, kind in types.items() if name not in contact_list.fields}
    contact_list.fields = [*contact_list.fields, *new]
    typed = {name: kind.value for name, kind in new.items() if kind != FieldType.TEXT}
    # without what is left of a field that the list does not have any more
    present: dict[str, str] = contact_list.field_types or {}
    kept = {name: kind for name, kind in present.items() if name not in new}
    contact_list.field_types = (kept | typed) or None
    return bool(new)
