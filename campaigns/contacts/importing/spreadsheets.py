"""Converts a sheet of a spreadsheet to CSV, in a process of its own with limits.

`python -m campaigns.contacts.importing.spreadsheets SOURCE TARGET SECONDS [SHEET]`

The library keeps a whole sheet in memory and does not limit what an archive unpacks to. So the
operating system limits memory and time: a hostile file ends this process and nothing else. Prints
the name of the sheet, of all visible sheets, the number of hidden rows, and that of shares and
amounts of money as JSON. Imports nothing of the site that needs Django, to start fast.
"""

import csv
import datetime as dt
import json
import resource
import sys
from decimal import Decimal
from typing import TextIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from campaigns.contacts.importing.reading.workbook_parts import count_formatted, count_hidden_rows

MEMORY = 480 << 20  # bytes; a million rows of four columns need 350 MB
MAX_ROWS = 2_000_001
# more mean that a single cell far away makes the sheet huge
MAX_CELLS = 500 * 300_000


class Unreadable(Exception):  # noqa: N818 - a fact about a file
    """The reason as one of the keys that file_types.py knows: sheet, empty or large."""


def convert(source: str, target: TextIO, wanted_sheet: str = "") -> tuple[str, list[str]]:
    """Write a sheet to `target`; returns its name and all names.

    `wanted_sheet`: its name; empty: the first visible sheet that is not empty. Empty rows and
    columns before the first cell are written too, so that positions stay.
    """
    with CalamineWorkbook.from_path(source) as workbook:
        names = [
            metadata.name
            for metadata in workbook.sheets_metadata
            if metadata.visible == SheetVisibleEnum.Visible
        ]
        if wanted_sheet and wanted_sheet not in names:
            raise Unreadable("sheet")
        for name in [wanted_sheet] if wanted_sheet else names:
            sheet = workbook.get_sheet_by_name(name)
            if sheet.start is None or sheet.end is None:
                continue
            _write(sheet, sheet.start[1], target)
            return name, names
    raise Unreadable("empty")


def _write(sheet: CalamineSheet, empty_columns: int, target: TextIO) -> None:
    """Write all rows; the library omits empty columns before the first cell, so add them."""
    if sheet.height * sheet.width > MAX_CELLS:
        raise Unreadable("large")
    writer = csv.writer(target, lineterminator="\n")
    padding = [""] * empty_columns
    for row in sheet.iter_rows():
        cells = [cell if cell.__class__ is str else cell_text(cell) for cell in row]
        if any(cells):
            writer.writerow(padding + cells if padding else cells)
        else:
            target.write("\n")


def cell_text(cell: object) -> str:
    """The content of a cell, numbers with all digits: 380972920283.0 -> "380972920283"."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else _shown_float(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):
        return _shown_duration(cell)
    return str(cell)


def _shown_float(number: float) -> str:
    """With 15 digits, as spreadsheets show it: 0.30000000000000004 -> "0.3"."""
    text = format(number, ".15g")
    return text if "e" not in text else format(Decimal(text), "f")


def _shown_duration(duration: dt.timedelta) -> str:
    """Hours, minutes and seconds: 1 day and 2 hours -> "26:00:00"."""
    seconds = round(abs(duration.total_seconds()))
    sign = "-" if duration < dt.timedelta() else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def main(source: str, target: str, seconds: str, wanted_sheet: str = "") -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open(target, "w", encoding="utf-8", errors="replace", newline="") as file:
            sheet, sheets = convert(source, file, wanted_sheet)
        facts = [count_hidden_rows(source, sheet), count_formatted(source, sheet)]
        print(json.dumps([sheet, sheets, *facts]))  # noqa: T201 - for file_types.py
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)  # noqa: T201
        return 3
    except MemoryError:
        print("large", file=sys.stderr)  # noqa: T201
        return 3
    except CalamineError as error:
        print("password" if "assword" in repr(error) else "broken", file=sys.stderr)  # noqa: T201
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
