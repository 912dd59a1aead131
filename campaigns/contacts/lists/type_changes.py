"""Changes of the types of a list's fields. The values are converted at once, or not at all."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.contacts.field_types.typed_columns import TypedColumn
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.lists.contact_lists import lock
from campaigns.contacts.models import (
    CHANGING,
    CompactEncoder,
    Contact,
    ContactList,
    FieldType,
    Import,
    OverwrittenContact,
)
from campaigns.shared import bulk
from campaigns.team.audit import record
from campaigns.team.models import User

CONTACTS_MAX = 50_000  # converted in some seconds, in which other writers wait on SQLite
SLICE_ROWS = 2_000


@transaction.atomic
def change_types(
    contact_list: ContactList, formats: Mapping[str, ValueFormat], actor: User | None
) -> dict[str, int]:
    """Give the fields in `formats` these types, and convert their values.

    Returns, for each field, how many values could not be read; they stay as they are. Raises
    ContactsError if the list is too large, was deleted, or is being imported into.
    """
    locked = lock(contact_list)
    _check(locked)
    typed = {
        name: TypedColumn(name, each)
        for name, each in formats.items()
        if each.type != FieldType.TEXT
    }
    if typed:
        _convert(Contact.objects.filter(list=locked), typed)
        # what an undo would bring back
        kept = OverwrittenContact.objects.filter(source__list=locked, fields__isnull=False)
        _convert(kept, {name: TypedColumn(name, formats[name]) for name in typed})
    types: dict[str, str] = {
        name: kind for name, kind in (locked.field_types or {}).items() if name not in formats
    }
    locked.field_types = types | {name: column.value_format.type for name, column in typed.items()}
    locked.save(update_fields=["field_types", "updated_at"])
    changes = ", ".join(f"{name}: {each.type.label}" for name, each in formats.items())
    record(actor, locked, "edited", changes)
    return {name: column.unread for name, column in typed.items()}


def _check(locked: ContactList) -> None:
    """Raise ContactsError if the values cannot be converted now."""
    if Import.objects.filter(list=locked, state__in=CHANGING).exists():
        raise ContactsError(
            _("A file is being imported into this list. Wait until it finishes, or cancel it.")
        )
    if locked.contact_count > CONTACTS_MAX:
        text = _(
            "The types of fields can be changed on lists of up to %(most)s contacts. Export this"
            " list, and import the file into a new list with other types."
        )
        raise ContactsError(text % {"most": f"{CONTACTS_MAX:,}"})


def _convert(
    rows: QuerySet[Contact] | QuerySet[OverwrittenContact], typed: Mapping[str, TypedColumn]
) -> None:
    table, by_id = rows.model._meta.db_table, rows.order_by("pk").values_list("pk", "fields")
    encode = CompactEncoder().encode
    last_id = 0
    while chunk := list(by_id.filter(pk__gt=last_id)[:SLICE_ROWS]):
        last_id = chunk[-1][0]
        converted = [dict(fields) for _pk, fields in chunk]
        for name, column in typed.items():
            holders = [fields for fields in converted if fields.get(name)]
            normal = column.normalised([str(fields[name]) for fields in holders])
            for fields, value in zip(holders, normal, strict=True):
                fields[name] = value
        changed = [
            (encode(fields), pk)
            for (pk, before), fields in zip(chunk, converted, strict=True)
            if fields != before
        ]
        bulk.update(table, {}, {"fields": "jsonb"}, changed)
