"""The merge values of recipients, whose phone may be on several of the chosen lists.

The list that was made first gives the values. A field that is empty or missing there is filled from
the next list, in the order in which they were made, that selects the phone too and has a value.
Only contacts that the audience selects give values. Figures, preview, test sends, the gateway's
quote and the freeze all read the columns that are made here.

A list may give a field a type, and a message shows typed values in another way. So the columns mark
a value with the type that the list gives it, and `shown` reads that.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.db.models import Case, F, Func, OuterRef, Q, QuerySet, Subquery, TextField, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, Concat, NullIf
from django.db.models.lookups import GreaterThan

from campaigns.compose.audience.selection import Audience
from campaigns.contacts.field_types.list_fields import typed_lists
from campaigns.contacts.field_types.shown_values import in_message
from campaigns.contacts.models import Contact, FieldType

MARK = "\x1e"  # around the type, before a typed value
EMPTY = Value("", TextField())


class OwnValue(Func):
    """The value of a merge field in a contact's own row; NULL if it is missing."""

    output_field = TextField()

    def __init__(self, name: str) -> None:
        super().__init__(F("fields"))
        self.name = name  # letters, digits and underscores: nothing to quote

    def as_sqlite(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, Any]:
        template = f"JSON_EXTRACT(%(expressions)s, '$.\"{self.name}\"')"
        return super().as_sql(compiler, connection, template=template)

    def as_postgresql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, Any]:
        return super().as_sql(compiler, connection, template=f"(%(expressions)s ->> '{self.name}')")


class ContactsWithValues(NamedTuple):
    """Contacts with a column for each of some merge fields; a missing value is NULL or "".

    `names`: the fields, sorted; `columns`: their columns, in the same order. `looks_up`: whether
    the database looks up values on other lists. `typed`: the columns that may have marked values.
    """

    contacts: QuerySet[Contact]
    names: list[str]
    columns: list[str]
    looks_up: bool
    typed: Collection[str]


def with_values(
    contacts: QuerySet[Contact], audience: Audience, names: Iterable[str]
) -> ContactsWithValues:
    """`contacts`, selected by `audience`, with the values of `names`.

    Fields that no later list has cost nothing; others one look-up for each contact without a value.
    """
    giving = _giving_lists(audience, sorted(names))
    types = _lists_by_type(audience, list(giving))
    later = audience.selected_contacts().filter(
        msisdn=OuterRef("msisdn"), list__gt=OuterRef("list")
    )
    columns, typed = dict[str, Combinable](), list[str]()
    for number, (name, lists) in enumerate(giving.items()):
        own = _marked(OwnValue(name), types[name])
        columns[f"value_{number}"] = _value(own, later.filter(list__in=lists)) if lists else own
        if types[name]:
            typed.append(f"value_{number}")
    filled = contacts.annotate(**columns)
    return ContactsWithValues(filled, list(giving), list(columns), any(giving.values()), typed)


def shown(value: str | None) -> str | None:
    """A value of one of the columns as a message shows it."""
    if not value or value[0] != MARK:
        return value
    field_type, _mark, text = value[1:].partition(MARK)
    return in_message(text, FieldType(field_type)) if field_type in FieldType.values else value


def fill(contacts: QuerySet[Contact], audience: Audience, names: Iterable[str]) -> list[Contact]:
    """`contacts`, selected by `audience`, whose `fields` have the values of `names` that a message
    to them has. They must not be saved.
    """
    rows = with_values(contacts, audience, names)
    filled = list(rows.contacts)
    for contact in filled:
        for name, column in zip(rows.names, rows.columns, strict=True):
            if value := shown(getattr(contact, column)):
                contact.fields[name] = value
    return filled


def _giving_lists(audience: Audience, names: list[str]) -> dict[str, list[int]]:
    """The lists that can fill each of `names`: those with such a field but the first of all."""
    if audience.has_no_duplicates or not names:
        return {name: [] for name in names}
    lists = list(audience.possible_lists().order_by("pk").values_list("pk", "fields"))
    return {name: [pk for pk, fields in lists[1:] if name in fields] for name in names}


def _lists_by_type(audience: Audience, names: list[str]) -> dict[str, dict[FieldType, list[int]]]:
    """The lists that give each of `names` another type than text, by the type."""
    by_name: dict[str, dict[FieldType, list[int]]] = {name: {} for name in names}
    for pk, types in typed_lists(audience.possible_lists(), names).items() if names else ():
        for name, field_type in zip(names, types, strict=True):
            if field_type != FieldType.TEXT:
                by_name[name].setdefault(field_type, []).append(pk)
    return by_name


def _marked(value: Combinable, lists_by_type: Mapping[FieldType, Collection[int]]) -> Combinable:
    """`value`, marked on lists that give it a type; NULL and "" stay."""
    whens = [
        When(
            Q(list__in=lists) & Q(GreaterThan(value, EMPTY)),
            then=Concat(Value(f"{MARK}{field_type.value}{MARK}"), value, output_field=TextField()),
        )
        for field_type, lists in lists_by_type.items()
    ]
    return Case(*whens, default=value, output_field=TextField()) if whens else value


def _value(own: Combinable, later: QuerySet[Contact]) -> Combinable:
    """The value of a contact itself, or of the first of the `later` ones that has one."""
    own = NullIf(own, EMPTY)
    filled = later.annotate(value=own).filter(value__isnull=False).order_by("list_id")
    return Coalesce(own, Subquery(filled.values("value")[:1]))
