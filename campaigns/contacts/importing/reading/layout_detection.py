"""Detects how a text file is laid out: delimiter, quotes, and the row where the table begins.

A layout is judged by what it makes of the file: rows of the same width, a column of phones, and
names of columns that are known. The number of columns alone proves nothing.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.translation import gettext as _

from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.column_mapping import names_known_column, names_phone_column
from campaigns.contacts.importing.csv_reader import (
    MAX_COLUMNS,
    MAX_HEAD_ROWS,
    SAMPLE_CHARACTERS,
    Layout,
    Reader,
    Record,
    read_sample,
)
from campaigns.contacts.importing.encodings import EncodingGuess
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.phones import guesses
from campaigns.contacts.phones.parsing import Phone, Reason

DELIMITERS = (",", ";", "\t", "|")
QUOTE_COSTS = {'"': 0.0, "'": 0.05, "": 0.2}
QUOTES = tuple(QUOTE_COSTS)
# cells with several numbers prove nothing: with the wrong delimiter, a row is one
OLDER = frozenset({guesses.Guess.OLDER_FORM})
BACKSLASH = "\\"
SAMPLE_ROWS = 200
HEADER_ROWS = 20  # among which the names of the columns are looked for
SEPARATOR_LINE = re.compile(r"\s*\"?sep=(\\t|[^\r\n])\"?[\s,;|]*$", re.IGNORECASE)  # Excel's own
NUMBER_REASONS = frozenset(
    {
        Reason.TOO_SHORT,
        Reason.TOO_LONG,
        Reason.NOT_A_MOBILE,
        Reason.NO_SUCH_NUMBER,
        Reason.NO_SUCH_COUNTRY,
        Reason.SPREADSHEET_NUMBER,
        Reason.SEVERAL_NUMBERS,
    }
)


@dataclass(frozen=True, slots=True)
class KnownLayout:
    """What a user says of the layout; None and "" stand for what is to be detected.

    `header_row`: the row with the names of the columns, from 1; 0: there is none.
    """

    encoding: str = ""
    delimiter: str = ""
    quote: str | None = None
    header_row: int | None = None


NOTHING_KNOWN = KnownLayout()


def detect(path: Path, default_country: str, known: KnownLayout = NOTHING_KNOWN) -> Layout:
    """Detect the layout of a text file. Raises ContactsError for a file without a row."""
    return detect_with_encoding(path, default_country, known)[0]


def detect_with_encoding(
    path: Path, default_country: str, known: KnownLayout = NOTHING_KNOWN
) -> tuple[Layout, EncodingGuess]:
    """As `detect`, with how sure the encoding is."""
    if known.encoding:
        guess = EncodingGuess(known.encoding)
    else:
        guess = encodings.detect(path, default_country)
    base = Layout(guess.encoding, other_encoding=guess.other_encoding)
    return _detect_layout(path, base, default_country, known), guess


def _detect_layout(path: Path, base: Layout, default_country: str, known: KnownLayout) -> Layout:
    named = "" if known.delimiter else named_delimiter(path, base)
    delimiter = known.delimiter or named
    layouts = _layouts(
        base,
        (delimiter,) if delimiter else DELIMITERS,
        QUOTES if known.quote is None else (known.quote,),
    )
    scored = [
        (_table_score(_sample(path, layout), default_country) - cost, layout)
        for layout, cost in layouts
    ]
    best = max(scored, key=lambda pair: pair[0])[1]
    if known.header_row is not None:
        header = known.header_row > 0
        best = best.replaced(skip_rows=max(known.header_row - 1, 0), header=header)
    rows = read_sample(path, best)
    if not any(map(_is_filled, rows)):
        raise ContactsError(_("The file has no rows."))
    if known.header_row is not None:
        return best
    above = 1 if named else 0
    skipped, header = find_table(rows[above:], default_country)
    return best.replaced(skip_rows=above + skipped, header=header)


def named_delimiter(path: Path, layout: Layout) -> str:
    """The delimiter that the file names in its first line, as Excel does: "sep=;"; or nothing."""
    with path.open(encoding=layout.encoding, errors="replace", newline=None) as file:
        line = file.readline(40).lstrip("\ufeff")
    match = SEPARATOR_LINE.match(line)
    return match[1].replace("\\t", "\t") if match else ""


def _layouts(
    base: Layout, delimiters: Sequence[str], quotes: Sequence[str]
) -> Iterator[tuple[Layout, float]]:
    """The layouts to compare, each with what it costs: of two that read alike, the plainer wins."""
    for delimiter in delimiters:
        for quote in quotes:
            cost = QUOTE_COSTS[quote]
            yield base.replaced(delimiter=delimiter, quote=quote), cost
            if quote:
                escaped = base.replaced(delimiter=delimiter, quote=quote, escape=BACKSLASH)
                yield escaped, cost + 0.02


def _sample(path: Path, layout: Layout) -> list[Record]:
    """Rows to judge a layout by. Of a row with too many columns no more than allowed are judged."""
    try:
        rows = Reader(path, layout).take(SAMPLE_ROWS, SAMPLE_CHARACTERS)
    except ContactsError:
        return []
    return [row[: MAX_COLUMNS + 1] for row in rows]


def _is_filled(row: Record) -> bool:
    return any(cell.strip() for cell in row)


def _table_score(rows: list[Record], default_country: str) -> float:
    """How much the rows look like a table of contacts."""
    rows = [row for row in rows[find_table(rows, default_country)[0] :] if _is_filled(row)]
    if not rows:
        return -1.0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    column = _phone_column(rows, default_country)
    phones = _phone_share(rows, column, default_country) if column is not None else 0.0
    names = max(sum(map(names_known_column, row)) for row in rows[:HEADER_ROWS])
    evidence = 1.0 + 4.0 * phones + min(names, 5) + 0.02 * min(width, 20) + (width > 1)
    return count / len(rows) * evidence - _broken_quotes(rows) - _many_lines(rows)


def _broken_quotes(rows: list[Record]) -> float:
    """Quotes around whole cells, or before the end of one, that another reading takes away."""
    cells = [cell for row in rows for cell in row]
    broken = sum(
        cell[:1] == '"' or (cell[-1:] == '"' and '"' not in cell[:-1]) or '\\"' in cell
        for cell in cells
    ) + sum(len(cell) > 2 and cell[0] == cell[-1] == "'" for cell in cells)
    return 2.0 * broken / len(rows)


def _many_lines(rows: list[Record]) -> float:
    """Cells that swallowed whole rows: an opening quote that another reading does not see."""
    return float(sum(cell.count("\n") > 5 for row in rows for cell in row)) / len(rows)


def find_table(rows: Sequence[Record], default_country: str) -> tuple[int, bool]:
    """Where the table begins: the number of rows before it, and whether its first row is a header.

    Titles and empty rows may stand above it.
    """
    column = _phone_column(rows, default_country)
    first_data = _first_data_row(rows, column, default_country)
    head = range(min(HEADER_ROWS, first_data))
    names = {number: _count_names(rows[number], column) for number in head}
    best = max(names.values(), default=0)
    if best:  # of several such rows the last stands next to the table
        return max(number for number in head if names[number] == best), True
    above = [number for number in head if _is_filled(rows[number])]
    if first_data == len(rows):  # no phone at all
        first = next((number for number, row in enumerate(rows) if _is_filled(row)), 0)
        return first, bool(rows) and not any(map(_is_number, rows[first]))
    if above and _may_be_header(rows[above[-1]], rows[first_data]):
        return above[-1], True
    return (first_data if first_data <= MAX_HEAD_ROWS else 0), False


def _phone_column(rows: Sequence[Record], default_country: str) -> int | None:
    counts: Counter[int] = Counter()
    for row in rows[:SAMPLE_ROWS]:
        counts.update(
            column for column, cell in enumerate(row) if _looks_like_phone(cell, default_country)
        )
    return counts.most_common(1)[0][0] if counts else None


def _looks_like_phone(cell: str, default_country: str) -> bool:
    return any(map(str.isdigit, cell)) and isinstance(_verdict(cell, default_country), Phone)


@lru_cache(maxsize=50_000)  # each reading of the sample asks about the same cells
def _verdict(cell: str, default_country: str) -> Phone | Reason:
    return guesses.read(cell, default_country, OLDER)


def _phone_share(rows: Sequence[Record], column: int, default_country: str) -> float:
    cells = [row[column] if column < len(row) else "" for row in rows]
    return sum(_looks_like_phone(cell, default_country) for cell in cells) / len(cells)


def _first_data_row(rows: Sequence[Record], column: int | None, default_country: str) -> int:
    """The first row with a number in the column of phones, or their number if there is none."""
    if column is None:
        return len(rows)
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = min(
        count
        for row, count in zip(rows, filled, strict=True)
        if column < len(row) and _looks_like_phone(row[column], default_country)
    )
    for number, row in enumerate(rows):
        if column >= len(row):
            continue
        verdict = _verdict(row[column], default_country)
        if isinstance(verdict, Phone):
            return number
        if verdict in NUMBER_REASONS and filled[number] * 2 > usual and not _count_names(row, None):
            return number
    return len(rows)


def _count_names(row: Record, phone_column: int | None) -> int:
    """How many cells name a column that is known; 0 if the row cannot be a header.

    One such word may also stand in a title, unless it stands above the phones.
    """
    names = sum(map(names_known_column, row))
    above_phones = phone_column is not None and phone_column < len(row)
    if above_phones and names_phone_column(row[phone_column or 0]):
        return names
    filled = sum(bool(cell.strip()) for cell in row)
    return names if names > 1 or (names == filled and names) else 0


def _may_be_header(row: Record, data: Record) -> bool:
    """Whether the row above the first contact names its columns: enough texts, and no number."""
    filled = [cell for cell in row if cell.strip()]
    if any(map(_is_number, filled)):
        return False
    return len(filled) * 2 >= sum(bool(cell.strip()) for cell in data)


def _is_number(cell: str) -> bool:
    return bool(cell.strip()) and not any(map(str.isalpha, cell)) and any(map(str.isdigit, cell))
