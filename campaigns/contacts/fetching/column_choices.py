"""The columns of a file as a program names them, and what is wrong with its choice."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from campaigns.contacts.consent.mapping import ConsentMapping
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.importing import column_mapping, lifecycle
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice
from campaigns.contacts.models import Import

PHONE, FIELD = "phone", "field"


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What a column is used as. `column`: its name, its letter in a spreadsheet or its number from
    1. `name`: the merge tag; "" is the proposed one. `format`: one of ValueFormat; "" is that of
    the field of the list, or text for a new one.
    """

    column: str
    use: str = FIELD
    name: str = ""
    format: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ColumnChoice":
        return cls(**{name: str(data[name]) for name in cls.__slots__ if name in data})


class ColumnError(ContactsError):
    """A choice that can't be: its place among the choices, and which part of it."""

    def __init__(self, index: int, part: str, text: str) -> None:
        super().__init__(text)
        self.index, self.part = index, part


def read_choices(contact_import: Import, choices: Sequence[ColumnChoice]) -> ColumnMapping:
    """The mapping of a file that is opened; columns that `choices` does not name are skipped.

    Raises ColumnError, and ContactsError for a file that can't be read.
    """
    layout = Layout.from_json(contact_import.mapping)
    rows = lifecycle.read_rows(contact_import, layout)
    names = column_mapping.column_names(rows, layout)
    places = _places(choices, names)
    tagged = {place: choice for place, choice in places.items() if choice.use == FIELD}
    others = [place for place in range(len(names)) if place not in tagged]
    proposed = column_mapping.merge_tag_names(names, others)
    chosen = ColumnMapping(
        [place for place, choice in places.items() if choice.use == PHONE],
        {place: tagged[place].name or proposed.get(place, "") for place in sorted(tagged)},
    )
    typed = lifecycle.with_types_of_list(chosen, rows, contact_import)
    own = {place: ValueFormat(each.format) for place, each in tagged.items() if each.format}
    mapping = replace(chosen, formats=column_mapping.without_texts(typed.formats | own))
    known = lifecycle.known_types(contact_import)
    for place, part, text in column_mapping.find_problems(mapping, known):
        raise ColumnError(list(places).index(place), part, text)
    return mapping


def read_consent(contact_import: Import, choice: ConsentChoice) -> ConsentMapping:
    """Which consents are written from a file that is opened. Raises ConsentError, and ContactsError
    for a file that can't be read.
    """
    layout = Layout.from_json(contact_import.mapping)
    rows = lifecycle.read_rows(contact_import, layout)
    return choice.mapping(column_mapping.column_names(rows, layout))


def _places(choices: Sequence[ColumnChoice], names: list[str]) -> dict[int, ColumnChoice]:
    """The choices by the place of their column, in their order."""
    places: dict[int, ColumnChoice] = {}
    for index, choice in enumerate(choices):
        try:
            place = column_mapping.find_column(choice.column, names)
        except ContactsError as unknown:
            raise ColumnError(index, "column", str(unknown)) from unknown
        if place in places:
            raise ColumnError(index, "column", _("This column is named twice."))
        places[place] = choice
    return places
