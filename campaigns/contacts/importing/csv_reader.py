"""Reads the records of a text file by its layout (encoding, delimiter, quotes, first row)."""

import contextlib
import csv
import io
import re
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from campaigns.contacts.importing import encodings
from campaigns.contacts.importing.errors import ContactsError

MAX_COLUMNS = 500
MAX_CELL = 131_072  # characters; the csv module's own limit
MAX_LINE = 4 * MAX_CELL
BLOCK = 1 << 18  # characters read at a time
ROWS_AT_ONCE = 1_000  # rows
MAX_CHARACTERS_AT_ONCE = 32 << 20  # more in so many rows cannot be contacts
SAMPLE_CHARACTERS = 4 << 20  # read to detect the layout
MAX_HEAD_ROWS = 100  # above the table, such as titles
NULL_OF_DUMPS = re.compile(r"(?<!\\)\\N")
Record = list[str]

csv.field_size_limit(MAX_CELL)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is read.

    `header`: the first row names the columns. `skip_rows`: rows above it, such as a title.
    `escape`: the sign before a quotation mark that belongs to the text, in dumps of databases.
    `other_encoding`: that of the lines which `encoding` cannot read; empty: none.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    skip_rows: int = 0
    escape: str = ""
    other_encoding: str = ""

    @property
    def body_start(self) -> int:
        """The position of the first record with a contact."""
        return self.skip_rows + self.header

    def replaced(self, **changes: Any) -> "Layout":
        return replace(self, **changes)

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
            escapechar=layout.escape or None,
            skipinitialspace=True,  # or a quotation mark behind a space would not open a cell
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
        with contextlib.closing(self._texts()) as texts:
            for text in texts:
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
                yield self._lines(text[:end])
        yield self._lines(remainder)

    def _texts(self) -> Generator[str, None, None]:
        """Yield the file as text, in blocks; lines in another encoding by themselves."""
        encoding, other_encoding = self.layout.encoding, self.layout.other_encoding
        if not other_encoding:
            try:
                with self.path.open(encoding=encoding, errors="replace", newline="") as file:
                    while text := file.read(BLOCK):
                        yield text
            except UnicodeError as error:  # UTF-16 without the mark that it begins with
                raise ContactsError(
                    _("The file is not in %(encoding)s. Choose another encoding.")
                    % {"encoding": encoding.upper()}
                ) from error
            return
        with self.path.open("rb") as raw:
            for block in encodings.blocks_of_lines(raw, BLOCK):
                yield encodings.decode_lines(block, encoding, other_encoding)
                encoding = "utf-8"  # a byte order mark stands in the first line alone

    def _lines(self, text: str) -> io.StringIO:
        if self.layout.escape and "\\N" in text:
            text = NULL_OF_DUMPS.sub(r"\\\\N", text)  # or the escape would leave an N
        return io.StringIO(text, newline="")


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
    """The first `rows` records of the table. Raises ContactsError if there are too many columns."""
    records = Reader(path, layout).take(rows + layout.skip_rows, SAMPLE_CHARACTERS)
    del records[: layout.skip_rows]
    width = max(map(len, records), default=0)
    if width > MAX_COLUMNS:
        text = _("The file has %(columns)d columns. The maximum is %(limit)d.")
        raise ContactsError(text % {"columns": width, "limit": MAX_COLUMNS})
    return records
