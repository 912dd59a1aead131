"""Tables as files: exact, harmless to open in a spreadsheet, of any length in little memory."""

import csv
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.http import FileResponse, StreamingHttpResponse
from django.utils import timezone

from campaigns.shared.money import exact
from campaigns.shared.table_columns import Cell, Column, Kind, Rows
from campaigns.shared.xlsx_export import workbook

AT_ONCE = 500  # rows in one piece of the answer
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How a formula begins for a spreadsheet, full-width signs too: at the start of a cell, or after
# whatever it may take for the end of one.
FORMULA = re.compile("""(?:^|(?<=[,;|\t\r\n])|(?<=[,;|\t\r\n]["']))(?=[=+\\-@\t\r\n＝＋－＠])""")
LAST, MIDDLE = -4, -7  # where a phone is divided


def safe(text: str) -> str:
    """The text with an apostrophe before all that looks like a formula; an import removes it."""
    return FORMULA.sub("'", text)


def grouped_phone(phone: str) -> str:
    """A phone in groups that no spreadsheet takes for a number: "38050 123 4567"."""
    if not phone.isascii() or not phone.isdigit() or len(phone) <= -MIDDLE:
        return safe(phone)
    return f"{phone[:MIDDLE]} {phone[MIDDLE:LAST]} {phone[LAST:]}"


def written(cell: Cell, kind: Kind = Kind.TEXT) -> str:
    """A cell of a CSV file: phones in groups, amounts and numbers with all their decimals, times in
    the site's zone with their offset, unknown as nothing.
    """
    if cell is None:
        return ""
    if kind is Kind.PHONE:
        return grouped_phone(str(cell))
    if isinstance(cell, Decimal):
        return format(cell, "f") if kind is Kind.DECIMAL else exact(cell)
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
    kinds = [column.kind for column in columns]
    lines.append(writer.writerow([safe(column.name) for column in columns]))
    for row in rows:
        lines.append(writer.writerow(list(map(written, row, kinds))))
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
