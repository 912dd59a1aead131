"""Parses the records of a file into slices of contacts and rejected rows.

Works by column, which is faster than row by row, and uses no database.
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress, repeat
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from campaigns.contacts.consent.imported_consents import ImportedConsent
from campaigns.contacts.field_types.typed_columns import TypedColumn
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.contact_store import ContactRows
from campaigns.contacts.importing.csv_reader import Layout, Reader, Record
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.cell_values import EVERY_RULE, CellRules, encode_values
from campaigns.contacts.importing.reading.consent_cells import ConsentReader
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.phones.prefix_rules import Guessed, Normaliser

MAX_ROWS = 2_000_000
SLICE_ROWS = 20_000
# parsed at a time, so that the writing thread never waits long for the interpreter
PART_ROWS = 2_000
FIRST_ROWS = 5_000  # of the first slice, so that the database starts early
SLICE_CHARACTERS = 8 << 20  # rows with large cells make shorter slices
BLOCK_BITS = 20  # numbers that differ in their last 20 bits only share a block
BLOCK_MASK = (1 << BLOCK_BITS) - 1
MAX_SET_SIZE = 300_000  # numbers in one set: 30 MB, and three times as fast as blocks
MAX_SPARSE_SIZE = 2_000  # a larger set takes more memory than the bits of its block
NOTHING_TYPED: Mapping[int, TypedColumn] = MappingProxyType({})
MAX_REJECTED_CELL = 5_000  # characters kept of each cell of a rejected row


class RejectedRecord(NamedTuple):
    """A row without a valid phone: its number as in a spreadsheet, its cells, the reason."""

    row_number: int
    row: Record
    reason: str


@dataclass(slots=True)
class ParsedSlice:
    """The result of some rows of a file. `rows` = contacts + duplicates + rejected."""

    next_record: int  # position of the first record after the slice, from 0
    rows: int = 0
    contacts: ContactRows = field(default_factory=ContactRows)
    duplicates: int = 0
    rejected: list[RejectedRecord] = field(default_factory=list)
    # consents of contacts; rows whose contact is imported, and only their consent is not
    consents: list[ImportedConsent] = field(default_factory=list)
    without_consent: list[RejectedRecord] = field(default_factory=list)

    def reasons(self) -> Counter[str]:
        return Counter(rejection.reason for rejection in self.rejected)


class SeenPhones:
    """The phones of a file so far, in little memory.

    At first one set; above MAX_SET_SIZE, for each block of 2**20 numbers a small set or a bitmap.
    2,000,000 numbers of one country take about 20 MB; of all countries, 130 MB.
    """

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._dense: dict[int, bytearray] = {}
        self._sparse: dict[int, set[int]] = {}

    def new(self, msisdns: Sequence[str]) -> list[bool]:
        """Add the phones; for each, whether it was not there before."""
        if self._dense or self._sparse:
            return list(map(self._add, map(int, msisdns)))
        few, add = self._few, self._few.add
        fresh = [not (number in few or add(number)) for number in map(int, msisdns)]
        if len(few) > MAX_SET_SIZE:
            for number in few:
                self._add(number)
            few.clear()
        return fresh

    def _add(self, number: int) -> bool:
        bits = self._dense.get(number >> BLOCK_BITS)
        if bits is None:
            return self._add_sparse(number)
        byte, bit = (number & BLOCK_MASK) >> 3, 1 << (number & 7)
        if bits[byte] & bit:
            return False
        bits[byte] |= bit
        return True

    def _add_sparse(self, number: int) -> bool:
        block = number >> BLOCK_BITS
        numbers = self._sparse.setdefault(block, set())
        if number in numbers:
            return False
        numbers.add(number)
        if len(numbers) > MAX_SPARSE_SIZE:
            self._condense(block)
        return True

    def _condense(self, block: int) -> None:
        bits = self._dense[block] = bytearray(1 << (BLOCK_BITS - 3))
        for number in self._sparse.pop(block):
            bits[(number & BLOCK_MASK) >> 3] |= 1 << (number & 7)


@contextmanager
def _garbage_collection_paused() -> Iterator[None]:
    """Pause the garbage collector: rows form no cycles, and looking for some doubles the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class RowParser:
    """Parses a file by its layout, mapping and rules. Remembers phones to recognise duplicates.

    `guessed`: what was guessed in the rows parsed so far. `typed`: the columns with a type, which
    count what they read.
    """

    def __init__(
        self,
        layout: Layout,
        mapping: ColumnMapping,
        default_country: str,
        rules: CellRules = EVERY_RULE,
    ) -> None:
        self.layout = layout
        self.mapping = mapping
        self.guessed = Guessed()
        self.null_words_guessed = self.guessed if rules.null_words else None
        self.normaliser = Normaliser(default_country, rules.guesses(), self.guessed)
        self.typed = {
            place: TypedColumn(name, mapping.formats[place], escaped=True)
            for place, name in mapping.fields.items()
            if place in mapping.formats
        }
        self.seen = SeenPhones()
        self.consent_reader = ConsentReader(mapping.consent) if mapping.consent else None

    def notes_as_json(self) -> dict[str, Any]:
        """What was guessed in cells, and what was read of columns with a type."""
        typed = [column.as_json() for column in self.typed.values()]
        notes: dict[str, Any] = {"guessed": self.guessed.as_json()}
        return notes | {"typed": typed} if typed else notes

    def slices(self, path: Path, start: int = 0, size: int = SLICE_ROWS) -> Iterator[ParsedSlice]:
        """Yield the slices of the file from record `start` on.

        Earlier records are read too, so that their phones count as duplicates. Raises
        ContactsError.
        """
        reader = Reader(path, self.layout)
        position = 0
        while True:
            first = min(size, FIRST_ROWS)
            rows = min(size, start - position) if position < start else size if position else first
            with _garbage_collection_paused():
                records = reader.take(rows, SLICE_CHARACTERS)
                parsed = self.parse(records, position)
                record_count = len(records)
                del records
            if not record_count:
                return
            position += record_count
            if position > MAX_ROWS + 1:
                raise ContactsError(
                    _("The file has more than %(limit)d rows. Split it into smaller files.")
                    % {"limit": MAX_ROWS}
                )
            if position > start:
                yield parsed

    def parse(self, records: list[Record], position: int) -> ParsedSlice:
        """Parse `records`, the first of which is record `position` of the file, from 0."""
        parsed = ParsedSlice(position + len(records))
        for start in range(0, len(records), PART_ROWS):
            self._add(parsed, records[start : start + PART_ROWS], position + start)
        return parsed

    def _add(self, parsed: ParsedSlice, records: list[Record], position: int) -> None:
        numbers: Sequence[int] = range(position + 1, position + len(records) + 1)
        if position < (body_start := self.layout.body_start):
            records, numbers = records[body_start - position :], numbers[body_start - position :]
        if [] in records:
            numbers = [number for number, record in zip(numbers, records, strict=True) if record]
            records = [record for record in records if record]
        parsed.rows += len(records)
        msisdns, countries = self._phones(records)
        self._add_rows(parsed, records, numbers, msisdns, countries)

    def _phones(self, records: list[Record]) -> tuple[list[str], list[str]]:
        """Phone and country of each record, from its first phone column with a valid phone.

        Without one: the reason, and an empty country.
        """
        first, *others = self.mapping.phones
        msisdns, countries = self.normaliser.columns(column_cells(records, first))
        for other in others:
            failed = [place for place, country in enumerate(countries) if not country]
            other_msisdns, other_countries = self.normaliser.columns(
                column_cells([records[place] for place in failed], other)
            )
            for place, msisdn, country in zip(failed, other_msisdns, other_countries, strict=True):
                if country or msisdns[place] == Reason.EMPTY:
                    msisdns[place], countries[place] = msisdn, country
        return msisdns, countries

    def _add_rows(
        self,
        parsed: ParsedSlice,
        records: list[Record],
        numbers: Sequence[int],
        msisdns: list[str],
        countries: list[str],
    ) -> None:
        if "" in countries:
            parsed.rejected += [
                RejectedRecord(numbers[place], _truncate_cells(records[place]), msisdns[place])
                for place, country in enumerate(countries)
                if not country
            ]
            records, msisdns = (
                list(compress(records, countries)),
                list(compress(msisdns, countries)),
            )
            numbers = list(compress(numbers, countries))
            countries = list(filter(None, countries))
        fresh = self.seen.new(msisdns)
        if False in fresh:
            parsed.duplicates += fresh.count(False)
            records, msisdns = list(compress(records, fresh)), list(compress(msisdns, fresh))
            countries, numbers = list(compress(countries, fresh)), list(compress(numbers, fresh))
        parsed.contacts.add(msisdns, countries, self._fields(records))
        if self.consent_reader:
            self._add_consents(parsed, self.consent_reader, records, numbers, msisdns)

    def _add_consents(
        self,
        parsed: ParsedSlice,
        reader: ConsentReader,
        records: list[Record],
        numbers: Sequence[int],
        msisdns: list[str],
    ) -> None:
        cells = {
            part: column_cells(records, place) for part, place in reader.mapping.columns.items()
        }
        consents, unread = reader.read(msisdns, cells)
        parsed.consents += consents
        parsed.without_consent += [
            RejectedRecord(numbers[place], _truncate_cells(records[place]), reason)
            for place, reason in unread.items()
        ]

    def _fields(self, records: list[Record]) -> list[str]:
        return fields_as_json(records, self.mapping.fields, self.null_words_guessed, self.typed)


def _truncate_cells(record: Record) -> Record:
    return [cell[:MAX_REJECTED_CELL] for cell in record]


def column_cells(records: list[Record], place: int) -> list[str]:
    """The cells of a column; empty for rows that are too short."""
    try:
        return [record[place] for record in records]
    except IndexError:
        return [record[place] if place < len(record) else "" for record in records]


def fields_as_json(
    records: list[Record],
    names: dict[int, str],
    guessed: Guessed | None = None,
    typed: Mapping[int, TypedColumn] = NOTHING_TYPED,
) -> list[str]:
    """The merge tags of each record as compact JSON without empty values.

    For example `{"first_name":"Olena"}`. `names`: merge tags by column. `guessed`: as in
    encode_values. `typed`: the columns whose values get their normal form.
    """
    columns = [encode_values(column_cells(records, place), guessed) for place in names]
    if typed:
        columns = [
            typed[place].normalised(values) if place in typed else values
            for place, values in zip(names, columns, strict=True)
        ]
    if not columns:
        return ["{}"] * len(records)
    if any("" in values for values in columns):
        beginnings = [f'"{name}":"' for name in names.values()]
        return [_as_json_object(beginnings, values) for values in zip(*columns, strict=True)]
    pieces: list[Iterable[str]] = []  # alternating: the text before each value, the values
    for name, values in zip(names.values(), columns, strict=True):
        pieces += [repeat(f'","{name}":"' if pieces else f'{{"{name}":"'), values]
    return list(map("".join, zip(*pieces, repeat('"}'))))


def _as_json_object(beginnings: list[str], values: tuple[str, ...]) -> str:
    members = [
        f'{beginning}{value}"' for beginning, value in zip(beginnings, values, strict=True) if value
    ]
    return "{" + ",".join(members) + "}"
