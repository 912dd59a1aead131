"""Tables as files: streamed row by row, exact, and harmless to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain

from django.http import StreamingHttpResponse
from django.utils import timezone

from campaigns.shared.money import exact
from campaigns.shared.xlsx_export import workbook

Cell = str | int | Decimal | datetime | None
AT_ONCE = 500  # rows in one piece of the answer
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# what a spreadsheet takes for the beginning of a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(text: str) -> str:
    """The text with an apostrophe before what looks like a formula; importing takes it off
    again.
    """
    return f"'{text}" if text.startswith(FORMULA) else text


def written(cell: Cell) -> str:
    """A cell of a CSV file: amounts with all their decimals, times with their offset, unknown as
    nothing.
    """
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return exact(cell)
    if isinstance(cell, datetime):
        return timezone.localtime(cell).isoformat(timespec="seconds")
    return safe(cell) if isinstance(cell, str) else str(cell)


class _Line:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """`rows` as CSV in UTF-8, with the mark by which spreadsheets recognise it."""
    writer = csv.writer(_Line())
    yield b"\xef\xbb\xbf"
    lines: list[str] = []
    for row in rows:
        lines.append(writer.writerow([written(cell) for cell in row]))
        if len(lines) == AT_ONCE:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def csv_answer(
    name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """A CSV file called `name` to download."""
    return _file(csv_lines(chain([head], rows)), f"{name}.csv", "text/csv; charset=utf-8")


def xlsx_answer(
    name: str, head: Sequence[str], rows: Iterable[Sequence[Cell]]
) -> StreamingHttpResponse:
    """An XLSX file called `name` to download."""
    return _file(workbook(chain([head], rows)), f"{name}.xlsx", XLSX)


def _file(pieces: Iterator[bytes], name: str, kind: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        pieces,
        content_type=kind,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


FILES = {"csv": csv_answer, "xlsx": xlsx_answer}
