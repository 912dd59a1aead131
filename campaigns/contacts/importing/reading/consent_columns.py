"""The columns of a file that hold consents: how users name them, and proposals by their names."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from campaigns.contacts.consent.mapping import CONSENT, DAY, SOURCE, WORDING, ConsentMapping
from campaigns.contacts.field_types.proposals import propose_format
from campaigns.contacts.importing.column_mapping import ColumnMapping, find_column, plain_words
from campaigns.contacts.importing.csv_reader import Layout, Record
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.consent_cells import date_text
from campaigns.contacts.models import FieldType

# Beginnings of words for consent, and words for its parts, in the same languages.
CONSENT_WORDS = (
    "consent", "optin", "згод", "согласи", "consimt", "acord", "saglasn", "сагласн", "съгласи",
    "συγκαταθ", "zgod", "einwillig",
)  # fmt: skip
CONSENT_PARTS = {
    DAY: "date day on at дата день data datum датум ημερομηνια",
    SOURCE: "source джерело источник sursa izvor извор източник πηγη zrodlo quelle",
    WORDING: "wording text текст формулювання формулировка κειμενο tekst",
}


class ConsentError(ContactsError):
    """A choice that can't be: `part` of PARTS, and whether it is its column that is wrong."""

    def __init__(self, part: str, text: str, *, in_columns: bool = False) -> None:
        super().__init__(text)
        self.part, self.in_columns = part, in_columns


@dataclass(frozen=True, slots=True)
class ConsentChoice:
    """Which consents an import writes, with columns as users name them; as ConsentMapping."""

    columns: dict[str, str] = field(default_factory=dict)
    day: str = ""
    source: str = ""
    wording: str = ""
    day_format: str = ""

    def mapping(self, names: list[str]) -> ConsentMapping:
        """The mapping of a file whose columns have these names. Raises ConsentError if there is no
        such column, or something is missing.
        """
        places = {}
        for part, column in self.columns.items():
            try:
                places[part] = find_column(column, names)
            except ContactsError as unknown:
                raise ConsentError(part, str(unknown), in_columns=True) from unknown
        mapping = ConsentMapping.from_json({**asdict(self), "columns": places})
        for part, text in mapping.find_problems():
            raise ConsentError(part, text, in_columns=part == CONSENT)
        return mapping


def with_order_of_days(
    mapping: ColumnMapping, rows: Sequence[Record], layout: Layout
) -> ColumnMapping:
    """The mapping with the order of day and month that the days of consent in `rows` suggest,
    unless it was chosen.
    """
    consent = mapping.consent
    if consent is None or consent.day_format or DAY not in consent.columns:
        return mapping
    place, body = consent.columns[DAY], rows[1:] if layout.header else rows
    cells = [row[place] for row in body if place < len(row)]
    values = [date_text(cell) for cell in cells]
    order = propose_format(values, of_type=FieldType.DATE)
    return replace(mapping, consent=replace(consent, day_format=order))


def propose_consent(names: Sequence[str]) -> dict[str, int]:
    """The columns that seem to hold consents by their names: part of ConsentMapping -> column."""
    columns: dict[str, int] = {}
    for column, name in enumerate(names):
        words = plain_words(name).split()
        if not any(word.startswith(CONSENT_WORDS) for word in words) and words[:2] != ["opt", "in"]:
            continue
        parts = (part for part, of_part in CONSENT_PARTS.items() if {*words} & {*of_part.split()})
        columns.setdefault(next(parts, CONSENT), column)
    return columns
