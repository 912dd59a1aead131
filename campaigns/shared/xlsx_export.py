"""A workbook of one sheet, written as a stream: memory does not grow with the rows (Office Open
XML, ECMA-376).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import IO, cast
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils import timezone

from campaigns.shared.money import exact

ROWS_MAX = 1_048_576  # what a sheet can hold
CELL_MAX = 32_767  # characters
AT_ONCE = 500  # rows
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"

PARTS = {
    "[Content_Types].xml": (
        f'{HEAD}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override'
        f' PartName="/xl/workbook.xml" ContentType="{SHEET}.sheet.main+xml"/><Override'
        f' PartName="/xl/worksheets/sheet1.xml" ContentType="{SHEET}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{HEAD}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{HEAD}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="ViberDash" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
}


class _Pipe:
    """What a ZipFile writes, to be taken away as it comes. Not seekable, so sizes stand behind the
    data.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def workbook(rows: Iterable[Sequence[str | int | Decimal | datetime | None]]) -> Iterator[bytes]:
    """An XLSX file with `rows` in its only sheet. Text is text, never a formula; amounts are exact
    numbers.
    """
    pipe = _Pipe()
    with ZipFile(cast(IO[bytes], pipe), "w", ZIP_DEFLATED) as archive:
        for name, content in PARTS.items():
            archive.writestr(name, content)
        sheet = ZipInfo("xl/worksheets/sheet1.xml", timezone.now().timetuple()[:6])
        sheet.compress_type = ZIP_DEFLATED
        with archive.open(sheet, "w", force_zip64=True) as part:
            for piece in _sheet(rows):
                part.write(piece.encode())
                if data := pipe.take():
                    yield data
    yield pipe.take()


def _sheet(rows: Iterable[Sequence[str | int | Decimal | datetime | None]]) -> Iterator[str]:
    yield (
        f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane'
        ' ySplit="1" topLeftCell="A2" activePane="bottomLeft"'
        ' state="frozen"/></sheetView></sheetViews><sheetData>'
    )
    lines: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number > ROWS_MAX:
            break
        lines.append("<row>" + "".join(map(_cell, row)) + "</row>")
        if len(lines) == AT_ONCE:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines) + "</sheetData></worksheet>"


def _cell(value: str | int | Decimal | datetime | None) -> str:
    if value is None or value == "":
        return "<c/>"
    if isinstance(value, Decimal):
        return f"<c><v>{exact(value)}</v></c>"
    if isinstance(value, int):
        return f"<c><v>{value}</v></c>"
    if isinstance(value, datetime):
        value = timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    text = escape(NOT_XML.sub("", value[:CELL_MAX]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
