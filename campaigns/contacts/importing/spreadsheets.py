"""A spreadsheet -> a CSV file, by a process of its own:
`python -m campaigns.audience.flattening SOURCE TARGET SECONDS [SHEET]`

The library that reads spreadsheets keeps a whole sheet in memory and sets no limit to what an
archive unpacks to. Here the operating system does: a hostile file ends this process and nothing
else. Prints the name of the sheet and those of all that can be seen, as JSON. Imports nothing of
the site, so that it starts at once.
"""

import csv
import datetime as dt
import json
import resource
import sys
from typing import TextIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

MEMORY = 480 << 20  # bytes; a million rows of four columns need 350 MB
MAX_ROWS = 2_000_001
# cells of a sheet that are laid out at most; many more mean one lost cell far away
MAX_CELLS = 500 * 300_000


class Unreadable(Exception):  # noqa: N818 - a fact about a file
    """What is wrong, as one of the words that unpacking.py knows."""


def convert(source: str, target: TextIO, wanted: str = "") -> tuple[str, list[str]]:
    """Write the sheet `wanted`, or the first visible one that holds something, to `target`; its
    name, and all names.

    Rows and columns keep their places: empty ones before the first cell are written too.
    """
    with CalamineWorkbook.from_path(source) as book:
        names = [
            about.name
            for about in book.sheets_metadata
            if about.visible == SheetVisibleEnum.Visible
        ]
        if wanted and wanted not in names:
            raise Unreadable("sheet")
        for name in [wanted] if wanted else names:
            sheet = book.get_sheet_by_name(name)
            if sheet.start is None or sheet.end is None:
                continue
            _write(sheet, sheet.start[1], target)
            return name, names
    raise Unreadable("empty")


def _write(sheet: CalamineSheet, empty_columns: int, target: TextIO) -> None:
    """The library brings the empty rows before the first cell, but not the empty columns."""
    if sheet.height * sheet.width > MAX_CELLS:
        raise Unreadable("large")
    writer = csv.writer(target, lineterminator="\n")
    before = [""] * empty_columns
    for row in sheet.iter_rows():
        cells = [cell if cell.__class__ is str else cell_text(cell) for cell in row]
        if any(cells):
            writer.writerow(before + cells if before else cells)
        else:
            target.write("\n")


def cell_text(cell: object) -> str:
    """What a cell holds, with all its digits: 380972920283.0 -> "380972920283"."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() else cell.isoformat(" ")
    return str(cell)


def main(source: str, target: str, seconds: str, wanted: str = "") -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open(target, "w", encoding="utf-8", errors="replace", newline="") as file:
            print(json.dumps(convert(source, file, wanted)))  # noqa: T201 the answer to the process that asked
    except Unreadable as problem:
        print(problem, file=sys.stderr)  # noqa: T201
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
