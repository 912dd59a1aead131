"""The merge fields of recipients: those that the message uses, with typed values as it shows them.

The values are written by the function that the preview and the counts use. PostgreSQL joins what it
gave for the values of a slice, SQLite calls it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db import connection

from campaigns.contacts.field_types.list_fields import typed_lists
from campaigns.contacts.field_types.shown_values import in_message
from campaigns.contacts.models import Contact, ContactList, FieldType

CONTACT = Contact._meta.db_table
_FUNCTION = "viberdash_in_message"


@dataclass(frozen=True, slots=True)
class FieldsSql:
    """`value`: the JSON of a contact `c`. `join`: what it needs, with the values for `params`."""

    value: str
    join: str = ""
    params: list[list[str]] = field(default_factory=list)


def fields_sql(names: Iterable[str], list_id: int, chosen: str) -> FieldsSql:
    """The fields `names` of those contacts of a list that have them; `chosen`: a condition on the
    contacts of the slice.
    """
    ordered = sorted(names)  # letters, digits and underscores: nothing to quote
    found = typed_lists(ContactList.objects.filter(pk=list_id), ordered) if ordered else {}
    types = dict(zip(ordered, found.get(list_id, ()), strict=False))
    typed = {name: kind for name, kind in types.items() if kind != FieldType.TEXT}
    if connection.vendor == "postgresql":
        return _postgresql(ordered, typed, chosen)
    if typed:
        connection.ensure_connection()
        connection.connection.create_function(_FUNCTION, 2, _in_message, deterministic=True)
    return FieldsSql(_sqlite(ordered, typed))


def _in_message(value: str | None, field_type: str) -> str | None:
    return in_message(value, FieldType(field_type)) if value else value


def _sqlite(names: list[str], typed: Mapping[str, FieldType]) -> str:
    if not names:
        return "'{}'"
    values = {name: f"JSON_EXTRACT(c.fields, '$.\"{name}\"')" for name in names}
    for name, kind in typed.items():
        values[name] = f"{_FUNCTION}({values[name]}, '{kind.value}')"
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    return f"JSON_PATCH('{{}}', JSON_OBJECT({pairs}))"


def _postgresql(names: list[str], typed: Mapping[str, FieldType], chosen: str) -> FieldsSql:
    if not names:
        return FieldsSql("'{}'::jsonb")
    values = {name: f"c.fields -> '{name}'" for name in names}
    joins, params = [], []
    for number, (name, kind) in enumerate(typed.items()):
        shown = _shown_values(name, kind, chosen)
        alias = f"shown_{number}"
        joins.append(
            f"LEFT JOIN UNNEST(%s::text[], %s::text[]) AS {alias} (value, text)"
            f" ON {alias}.value = c.fields ->> '{name}'"
        )
        params += [list(shown), list(shown.values())]
        values[name] = f"COALESCE(TO_JSONB({alias}.text), c.fields -> '{name}')"
    pairs = ", ".join(f"'{name}', {value}" for name, value in values.items())
    return FieldsSql(f"JSONB_STRIP_NULLS(JSONB_BUILD_OBJECT({pairs}))", " ".join(joins), params)


def _shown_values(name: str, field_type: FieldType, chosen: str) -> dict[str, str]:
    """The values of a field in the slice that messages show in another way, each with that."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT c.fields ->> '{name}' FROM {CONTACT} c WHERE {chosen}"  # noqa: S608 - names of our own, numbers
        )
        values = [value for (value,) in cursor.fetchall() if value]
    shown = {value: in_message(value, field_type) for value in values}
    return {value: text for value, text in shown.items() if text != value}
