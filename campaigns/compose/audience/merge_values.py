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
    rules = _list_rules(audience, sorted(names))
    later = audience.selected_contacts().filter(
        msisdn=OuterRef("msisdn"), list__gt=OuterRef("list")
    )
    columns, typed = dict[str, Combinable](), list[str]()
    for number, (name, rule) in enumerate(rules.items()):
        own, column = _marked(OwnValue(name), rule.typed), f"value_{number}"
        columns[column] = _value(own, later.filter(list__in=rule.giving)) if rule.giving else own
        if rule.typed:
            typed.append(column)
    looks_up = any(rule.giving for rule in rules.values())
    return ContactsWithValues(
        contacts.annotate(**columns), list(rules), list(columns), looks_up, typed
    )


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


class _ListRules(NamedTuple):
    """What lists mean for one merge field. `giving`: those that can fill it, which are those that
    have it but the first of all; `typed`: those that give it another type than text, by the type.
    """

    giving: list[int]
    typed: dict[FieldType, list[int]]


def _list_rules(audience: Audience, names: list[str]) -> dict[str, _ListRules]:
    rules = {name: _ListRules([], {}) for name in names}
    if not names:
        return rules
    columns = ["field_types"] if audience.has_no_duplicates else ["field_types", "fields"]
    for place, row in enumerate(audience.possible_lists().order_by("pk").values("pk", *columns)):
        for name, rule in rules.items():
            if place and name in row.get("fields", ()):
                rule.giving.append(row["pk"])
            field_type = FieldType((row["field_types"] or {}).get(name, FieldType.TEXT))
            if field_type != FieldType.TEXT:
                rule.typed.setdefault(field_type, []).append(row["pk"])
    return rules


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
