"""Tables as XLSX files, written by way of the disk: memory does not grow with the rows."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, NamedTuple

from django.conf import settings
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range
from xlsxwriter.worksheet import Worksheet

from campaigns.shared.money import exact
from campaigns.shared.table_columns import Cell, Column, Kind, Rows

ROWS_MAX = 1_048_576  # what a sheet can hold, its head included
DIGITS_MAX = 15  # significant digits that a spreadsheet keeps of a number
FIRST_DAY = date(1900, 1, 1)  # of spreadsheets
SAMPLE = 100  # rows by which columns of text get their width
WIDTH_MAX = 50  # characters
FILTER_BUTTON = 2  # characters that it covers in the head
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
CARRIAGE_RETURN = re.compile("\r\n?")
Write = Callable[[Worksheet, int, int, Any, Format], object]  # of a value into a row and column


class Style(NamedTuple):
    """How the cells of a kind are written and shown. Widths are in characters; text has its own."""

    write: Write
    number_format: str
    width: int = 0


def workbook(columns: Sequence[Column], rows: Rows, rows_max: int = ROWS_MAX) -> IO[bytes]:
    """An XLSX file, open at its beginning. It has no name: once closed, it is gone from the disk.

    Text is never a formula or a link. Amounts are numbers, or text where they have more digits than
    a spreadsheet keeps; days before 1900, which it does not know, are text. Times are dates in the
    site's zone, which the head names. A sheet holds `rows_max` rows with its head; the table
    continues on another sheet under the same head.
    """
    file = TemporaryFile()  # noqa: SIM115 - the caller closes it
    try:
        with TemporaryDirectory(prefix="xlsx-") as folder:
            options = {"constant_memory": True, "tmpdir": folder, "use_zip64": True}
            with Workbook(file, options) as book:
                _write_sheets(book, columns, rows, rows_max)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _write_sheets(book: Workbook, columns: Sequence[Column], rows: Rows, rows_max: int) -> None:
    rows = iter(rows)
    sample = list(islice(rows, SAMPLE))
    rows = chain(sample, rows)
    widths = [_width(column, [row[col] for row in sample]) for col, column in enumerate(columns)]
    head = list(zip(map(_title, columns), widths, strict=True))
    bold = book.add_format({"bold": True, "num_format": STYLES[Kind.TEXT].number_format})
    formats = {kind: book.add_format({"num_format": STYLES[kind].number_format}) for kind in Kind}
    cells = [(STYLES[column.kind].write, formats[column.kind]) for column in columns]
    while True:
        sheet = _add_sheet(book, head, bold)
        last = _write_rows(sheet, cells, islice(rows, rows_max - 1))
        sheet.autofilter(0, 0, last, len(columns) - 1)
        following = list(islice(rows, 1))
        if not following:
            return
        rows = chain(following, rows)


def _title(column: Column) -> str:
    """The name in the head, with the zone of times: in a spreadsheet they have no offset."""
    return f"{column.name} ({settings.TIME_ZONE})" if column.kind == Kind.TIME else column.name


def _width(column: Column, sample: Sequence[Cell]) -> int:
    """In characters: by the head and the kind; of text, by the longest in the sample."""
    longest = STYLES[column.kind].width
    if column.kind == Kind.TEXT:
        longest = max(len(str(cell or "")) for cell in ["", *sample])
    return min(max(longest + 1, len(_title(column)) + FILTER_BUTTON), WIDTH_MAX)


def _add_sheet(book: Workbook, head: Sequence[tuple[str, int]], bold: Format) -> Worksheet:
    """Another sheet with its head, of titles and widths. The rows can follow."""
    number = len(book.worksheets()) + 1
    sheet = book.add_worksheet("ViberDash" if number == 1 else f"ViberDash {number}")
    sheet.freeze_panes(1, 0)
    everywhere = xl_range(0, 0, ROWS_MAX - 1, len(head) - 1)
    sheet.ignore_errors({"number_stored_as_text": everywhere})  # else a warning on each phone
    for col, (title, width) in enumerate(head):
        sheet.set_column(col, col, width)
        _write_text(sheet, 0, col, title, bold)
    return sheet


def _write_rows(sheet: Worksheet, cells: Sequence[tuple[Write, Format]], rows: Rows) -> int:
    """The number of rows that were written under the head."""
    number = 0
    for number, row in enumerate(rows, start=1):
        for col, (value, (write, cell_format)) in enumerate(zip(row, cells, strict=True)):
            if value is not None and value != "":
                write(sheet, number, col, value, cell_format)
    return number


def _write_text(sheet: Worksheet, row: int, col: int, text: str, text_format: Format) -> None:
    if not text.isprintable():
        text = CARRIAGE_RETURN.sub("\n", NOT_XML.sub("", text))
    if text.startswith("<r>") and text.endswith("</r>"):
        # The package would take the text for XML of its own; in parts it escapes it.
        sheet.write_rich_string(row, col, "<", "r", text[2:], text_format)
    else:
        sheet.write_string(row, col, text, text_format)


def _write_decimal(
    sheet: Worksheet, row: int, col: int, number: Decimal | str, number_format: Format
) -> None:
    """A number with as many digits as a spreadsheet keeps, or text."""
    if isinstance(number, str):
        _write_text(sheet, row, col, number, number_format)
    else:
        sheet.write_number(row, col, number, number_format)


def _write_day(sheet: Worksheet, row: int, col: int, day: date | str, day_format: Format) -> None:
    if isinstance(day, date) and day >= FIRST_DAY:
        sheet.write_datetime(row, col, day, day_format)
    else:
        _write_text(sheet, row, col, str(day), day_format)


def _write_money(sheet: Worksheet, row: int, col: int, amount: Decimal, money: Format) -> None:
    text = exact(amount)
    if len(text.strip("-0.").replace(".", "")) > DIGITS_MAX:
        sheet.write_string(row, col, text, money)
    else:
        sheet.write_number(row, col, Decimal(text), money)


def _write_time(sheet: Worksheet, row: int, col: int, moment: datetime, time: Format) -> None:
    local = moment.astimezone(settings.SITE_ZONE)
    sheet.write_datetime(row, col, local.replace(microsecond=0, tzinfo=None), time)


STYLES = {
    # "=1+1" and "0501234567" stay text even when somebody edits the cell.
    Kind.TEXT: Style(_write_text, "@"),
    Kind.PHONE: Style(_write_text, "@", 15),
    Kind.NUMBER: Style(Worksheet.write_number, "0", 8),
    Kind.DECIMAL: Style(_write_decimal, "General", 10),
    Kind.MONEY: Style(_write_money, "#,##0.00#####", 14),  # the decimals that `exact` writes
    Kind.TIME: Style(_write_time, "yyyy-mm-dd hh:mm:ss", 19),
    Kind.DAY: Style(_write_day, "yyyy-mm-dd", 10),
}
