"""Tables as files: exact, harmless to open in a spreadsheet, of any length in little memory."""

import csv
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain

from django.conf import settings
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone

from campaigns.shared.money import exact
from campaigns.shared.table_columns import Cell, Column, Rows
from campaigns.shared.xlsx_export import workbook

AT_ONCE = 500  # rows in one piece of the answer
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a formula begins for a spreadsheet


def safe(text: str) -> str:
    """The text with an apostrophe before what looks like a formula; an import removes it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def written(cell: Cell) -> str:
    """A cell of a CSV file: amounts with all their decimals, times in the site's zone with their
    offset, unknown as nothing.
    """
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return exact(cell)
    if isinstance(cell, datetime):
        return timezone.localtime(cell, settings.SITE_ZONE).isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return safe(cell) if isinstance(cell, str) else str(cell)


class _Line:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """A head and `rows` as CSV in UTF-8, with the mark by which spreadsheets recognise it."""
    writer = csv.writer(_Line())
    yield b"\xef\xbb\xbf"
    lines: list[str] = []
    for row in chain([[column.name for column in columns]], rows):
        lines.append(writer.writerow([written(cell) for cell in row]))
        if len(lines) == AT_ONCE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def csv_answer(name: str, columns: Sequence[Column], rows: Rows) -> StreamingHttpResponse:
    """A CSV file called `name` to download, sent while its rows are read."""
    return StreamingHttpResponse(
        csv_lines(columns, rows),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}.csv"',
            "Cache-Control": "no-store",
        },
    )


def xlsx_answer(name: str, columns: Sequence[Column], rows: Rows) -> FileResponse:
    """An XLSX file called `name` to download, sent once all its rows are written."""
    return FileResponse(
        workbook(columns, rows),
        as_attachment=True,
        filename=f"{name}.xlsx",
        content_type=XLSX,
        headers={"Cache-Control": "no-store"},
    )


FILES = {"csv": csv_answer, "xlsx": xlsx_answer}
