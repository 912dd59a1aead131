"""Reads the records of a text file, and detects its layout (encoding, delimiter, quotes)."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.phones.parsing import Phone, Reason, normalise

MAX_COLUMNS = 500
MAX_CELL = 131_072  # characters; the csv module's own limit
MAX_LINE = 4 * MAX_CELL
BLOCK = 1 << 18  # characters read at a time
ROWS_AT_ONCE = 1_000  # rows
MAX_CHARACTERS_AT_ONCE = 32 << 20  # more in so many rows cannot be contacts
SAMPLE_CHARACTERS = 4 << 20  # read to detect the layout
DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', "'", "")
Record = list[str]

csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is read. `header`: the first row names the columns."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Layout":
        return cls(**{name: data[name] for name in cls.__slots__ if name in data})


class Reader:
    """The records of a text file, with the header; an empty line is an empty list.

    NUL characters are dropped. Reading raises ContactsError for a cell or a line that is too long.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path = path
        self.layout = layout
        self.characters = 0  # read from the file so far
        self._character_limit = MAX_CHARACTERS_AT_ONCE
        self._reader = csv.reader(
            chain.from_iterable(self._blocks()),
            delimiter=layout.delimiter,
            quotechar=layout.quote or None,
            quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
        )

    def take(self, rows: int, characters: int) -> list[Record]:
        """Read the next `rows` records; fewer after `characters`, none at the end of the file."""
        records: list[Record] = []
        max_characters = self.characters + characters
        try:
            while len(records) < rows and self.characters <= max_characters:
                self._character_limit = self.characters + MAX_CHARACTERS_AT_ONCE
                batch = list(islice(self._reader, min(ROWS_AT_ONCE, rows - len(records))))
                if not batch:
                    break
                records += batch
        except csv.Error as error:
            raise ContactsError(_error_text(self._reader.line_num, str(error))) from error
        return records

    def _blocks(self) -> Iterator[io.StringIO]:
        """Yield the file in blocks of whole lines, so that no line can fill the memory."""
        remainder = ""
        with self.path.open(encoding=self.layout.encoding, errors="replace", newline="") as file:
            while text := file.read(BLOCK):
                self.characters += len(text)
                if self.characters > self._character_limit:
                    raise ContactsError(
                        _("The rows near line %(line)d are too long. Check the quotation marks.")
                        % {"line": self._reader.line_num}
                    )
                if "\0" in text:
                    text = text.replace("\0", "")
                text = remainder + text
                end = text.rfind("\n") + 1 or text.rfind("\r", 0, -1) + 1
                if not end and len(text) > MAX_LINE:
                    raise ContactsError(
                        _(
                            "A line is longer than %(limit)d characters. Save the table as CSV or"
                            " XLSX and try again."
                        )
                        % {"limit": MAX_LINE}
                    )
                remainder = text[end:]
                yield io.StringIO(text[:end], newline="")
        yield io.StringIO(remainder, newline="")


def _error_text(line: int, error: str) -> str:
    if "field larger" in error:
        return _(
            "Near line %(line)d, a cell is longer than %(limit)d characters. Choose other quotation"
            " marks, or close an open quotation mark in the file."
        ) % {"line": line, "limit": MAX_CELL}
    return _("Line %(line)d cannot be read (%(error)s). Correct it and upload the file again.") % {
        "line": line,
        "error": error,
    }


def read_sample(path: Path, layout: Layout, rows: int = 200) -> list[Record]:
    """The first `rows` records. Raises ContactsError if there are too many columns."""
    records = Reader(path, layout).take(rows, SAMPLE_CHARACTERS)
    width = max(map(len, records), default=0)
    if width > MAX_COLUMNS:
        text = _("The file has %(columns)d columns. The maximum is %(limit)d.")
        raise ContactsError(text % {"columns": width, "limit": MAX_COLUMNS})
    return records


def detect(path: Path, default_country: str, encoding: str = "") -> Layout:
    """Detect the layout of a text file. Raises ContactsError for a file without a row."""
    encoding = encoding or encodings.detect(path, default_country)
    best = max(_layouts(path, encoding), key=lambda scored: scored[0])[1]
    rows = [row for row in read_sample(path, best) if any(cell.strip() for cell in row)]
    if not rows:
        raise ContactsError(_("The file is empty."))
    return Layout(encoding, best.delimiter, best.quote, has_header(rows, default_country))


def _layouts(path: Path, encoding: str) -> Iterator[tuple[float, Layout]]:
    for delimiter in DELIMITERS:
        for quote in ('"', "'"):
            layout = Layout(encoding, delimiter, quote)
            try:
                rows = [row for row in Reader(path, layout).take(200, SAMPLE_CHARACTERS) if row]
            except ContactsError:
                continue
            yield _table_score(rows, quote), layout
    yield 0.0, Layout(encoding, quote="")


def _table_score(rows: list[Record], quote: str) -> float:
    """How much the rows look like a table: most have the same number of columns, at least two."""
    widths = Counter(map(len, rows))
    if not widths:
        return 0.1
    width, count = widths.most_common(1)[0]
    share = count / len(rows)
    quoted = sum(cell[:1] == '"' for row in rows for cell in row) if quote != '"' else 0
    return (share**2 * min(width, 20) if width > 1 else 0.5) - 0.01 * (quote != '"') - quoted


def has_header(rows: list[Record], default_country: str) -> bool:
    """Whether the first row names the columns: it has some text, but no phone and no number."""
    header = rows[0]
    for cell in header:
        parsed = normalise(cell, default_country)
        if isinstance(parsed, Phone) or parsed in NUMBER_REASONS:
            return False
    return any(cell.strip() for cell in header)


NUMBER_REASONS = frozenset(
    {
        Reason.TOO_SHORT,
        Reason.TOO_LONG,
        Reason.NOT_A_MOBILE,
        Reason.NO_SUCH_NUMBER,
        Reason.NO_SUCH_COUNTRY,
        Reason.SPREADSHEET_NUMBER,
    }
)
