"""The merge values of recipients, whose phone may be on several of the chosen lists.

The list that was made first gives the values. A field that is empty or missing there is filled from
the next list, in the order in which they were made, that selects the phone too and has a value.
Only contacts that the audience selects give values. Figures, preview, test sends, the gateway's
quote and the freeze all read the columns that are made here.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import F, Func, OuterRef, QuerySet, Subquery, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, NullIf

from campaigns.compose.audience.selection import Audience
from campaigns.contacts.models import Contact


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
    the database looks up values on other lists.
    """

    contacts: QuerySet[Contact]
    names: list[str]
    columns: list[str]
    looks_up: bool


def with_values(
    contacts: QuerySet[Contact], audience: Audience, names: Iterable[str]
) -> ContactsWithValues:
    """`contacts`, selected by `audience`, with the values of `names`.

    Fields that no later list has cost nothing; others one look-up for each contact without a value.
    """
    giving = _giving_lists(audience, sorted(names))
    later = audience.selected_contacts().filter(
        msisdn=OuterRef("msisdn"), list__gt=OuterRef("list")
    )
    columns = {
        f"value_{number}": _value(name, later.filter(list__in=lists)) if lists else OwnValue(name)
        for number, (name, lists) in enumerate(giving.items())
    }
    filled = contacts.annotate(**columns)
    return ContactsWithValues(filled, list(giving), list(columns), any(giving.values()))


def fill(contacts: QuerySet[Contact], audience: Audience, names: Iterable[str]) -> list[Contact]:
    """`contacts`, selected by `audience`, whose `fields` have the values of `names` that a message
    to them has. They must not be saved.
    """
    rows = with_values(contacts, audience, names)
    filled = list(rows.contacts)
    for contact in filled:
        for name, column in zip(rows.names, rows.columns, strict=True):
            if value := getattr(contact, column):
                contact.fields[name] = value
    return filled


def _giving_lists(audience: Audience, names: list[str]) -> dict[str, list[int]]:
    """The lists that can fill each of `names`: those with such a field but the first of all."""
    if audience.has_no_duplicates or not names:
        return {name: [] for name in names}
    lists = list(audience.possible_lists().order_by("pk").values_list("pk", "fields"))
    return {name: [pk for pk, fields in lists[1:] if name in fields] for name in names}


def _value(name: str, later: QuerySet[Contact]) -> Combinable:
    """The value of a contact itself, or of the first of the `later` ones that has one."""
    own = NullIf(OwnValue(name), Value("", TextField()))
    filled = later.annotate(value=own).filter(value__isnull=False).order_by("list_id")
    return Coalesce(own, Subquery(filled.values("value")[:1]))
