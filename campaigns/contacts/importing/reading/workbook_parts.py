"""What a workbook says about its rows and columns besides the cells: hidden rows, formats of
numbers, names of parts.

The library that reads cells does not tell. Only the parts of an XLSX or ODS file are looked at, by
their text, so that a sheet with a million rows takes no longer. Imports nothing of the site.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from html import unescape

CHUNK = 1 << 20
MAX_TAG = 1 << 16  # bytes: a longer one is not the tag of a row
HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\bhidden\s*=\s*[\"'](?:1|true)[\"']")
CELL = re.compile(rb"<(?:\w+:)?c\s[^>]*[^/>]>")
STYLE, TYPE = re.compile(rb"\bs=[\"'](\d+)"), re.compile(rb"\bt=[\"'](?!n[\"'])")
CELL_STYLES = re.compile(r"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.DOTALL)
CELL_STYLE = re.compile(r"<(?:\w+:)?xf\s[^>]*>")
NUMBER_FORMAT = re.compile(r"<(?:\w+:)?numFmt\s[^>]*>")
# Formats without a code in the file: shares, and amounts of money. Codes of others name them by
# a sign, a currency in brackets or a word in quotation marks.
SHARES_AND_MONEY = frozenset(["5", "6", "7", "8", "9", "10", "42", "44"])
SHARE_OR_MONEY = re.compile(r"%|\[\$[^\]-]|[\u20a0-\u20bf£¥]|(?<!\[)\$|\"[^\"]*\w[^\"]*\"")
# of an ODS file: where tables and rows begin, and the texts of cells
TABLE_OR_ROW = re.compile(
    rb"<table:table\s[^>]*>|</table:table>|<table:table-row(?:\s[^>]*)?>|<text:p\b"
    rb"|\boffice:value-type=[\"'](?:percentage|currency)[\"']"
)
ODS_HIDDEN = re.compile(rb"\btable:visibility\s*=\s*[\"'](?:collapse|filter)[\"']")
ODS_REPEATED = re.compile(rb"\btable:number-rows-repeated\s*=\s*[\"'](\d+)[\"']")
ODS_TABLE = re.compile(r"<table:table\s[^>]*>")
SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
RELATIONSHIP = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")
ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def plain_name(name: str) -> str:
    """The name of a part as programs compare them: with slashes, without capitals."""
    return name.replace("\\", "/").lstrip("/").lower()


def count_hidden_rows(path: str, sheet: str) -> int:
    """How many rows of a sheet are hidden, also by a filter; 0 unless it is of XLSX or ODS."""

    def count_xlsx(archive: zipfile.ZipFile, parts: dict[str, str]) -> int:
        part = _part_of_sheet(archive, parts, sheet)
        return _count(archive, part) if part else 0

    return _count_in(path, sheet, _count_ods, count_xlsx)


def _count_in(
    path: str,
    sheet: str,
    count_ods: Callable[[zipfile.ZipFile, str, str], int],
    count_xlsx: Callable[[zipfile.ZipFile, dict[str, str]], int],
) -> int:
    """What one of the two counts in a file that it can read; 0 for any other."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {plain_name(name): name for name in archive.namelist()}
            if content := parts.get("content.xml"):
                return count_ods(archive, content, sheet)
            return count_xlsx(archive, parts)
    except (zipfile.BadZipFile, OSError, KeyError, EOFError, NotImplementedError, RuntimeError):
        return 0


def _part_of_sheet(archive: zipfile.ZipFile, parts: dict[str, str], sheet: str) -> str:
    workbook = parts.get("xl/workbook.xml")
    links = parts.get("xl/_rels/workbook.xml.rels")
    if not workbook or not links:
        return ""
    ids = {
        tag.get("name", ""): tag.get("r:id") or next((v for k, v in tag.items() if ":id" in k), "")
        for tag in _tags(SHEET, archive.read(workbook))
    }
    targets = {
        tag.get("Id", ""): tag.get("Target", "") for tag in _tags(RELATIONSHIP, archive.read(links))
    }
    target = targets.get(ids.get(sheet, ""), "").replace("\\", "/")
    name = target if target.startswith("/") else f"xl/{target}"
    return parts.get(plain_name(name), "") if target else ""


def _tags(pattern: re.Pattern[str], text: bytes) -> Iterator[dict[str, str]]:
    for tag in pattern.findall(text.decode("utf-8", "replace")):
        yield {name: unescape(double or single) for name, double, single in ATTRIBUTE.findall(tag)}


def _count(archive: zipfile.ZipFile, part: str) -> int:
    texts = _texts(archive, part)
    return sum(len(HIDDEN_ROW.findall(text)) for text in texts if b"hidden" in text)


def _count_ods(archive: zipfile.ZipFile, part: str, sheet: str) -> int:
    """The hidden rows of a sheet with a text in them: sheets end in thousands of empty rows."""
    count, repeated, here = 0, 0, False
    for tag in _ods_tags(archive, part):
        if tag.startswith(b"office:"):
            continue
        if tag == b"<text:p":
            count, repeated = count + repeated, 0
        elif tag.startswith(b"<table:table-row"):
            times = ODS_REPEATED.search(tag)
            hidden = here and ODS_HIDDEN.search(tag)
            repeated = int(times[1] if times else 1) if hidden else 0
        else:
            names = [row.get("table:name") for row in _tags(ODS_TABLE, tag)]
            here, repeated = sheet in names, 0
    return count


def _ods_tags(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    for text in _texts(archive, part):
        yield from TABLE_OR_ROW.findall(text)


def _texts(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The text of a part in pieces that no tag spans."""
    remainder = b""
    with archive.open(part) as file:
        while chunk := file.read(CHUNK):
            text = remainder + chunk
            end = max(text.rfind(b"<"), 0)
            yield text[:end]
            remainder = text[end:] if len(text) - end < MAX_TAG else b""
    yield remainder


def count_formatted(path: str, sheet: str) -> int:
    """How many numbers of a sheet are shown as shares or money, such as 15% or 1,234.50 €; 0 for
    files other than XLSX and ODS.
    """

    def count_xlsx(archive: zipfile.ZipFile, parts: dict[str, str]) -> int:
        part = _part_of_sheet(archive, parts, sheet)
        styles = _share_and_money_styles(archive, parts.get("xl/styles.xml", ""))
        return _count_cells(archive, part, styles) if part and styles else 0

    return _count_in(path, sheet, _count_formatted_ods, count_xlsx)


def _share_and_money_styles(archive: zipfile.ZipFile, part: str) -> frozenset[bytes]:
    """The numbers by which cells name the styles that show a share or an amount of money."""
    if not part:
        return frozenset()
    text = archive.read(part)
    ids = SHARES_AND_MONEY | {
        tag.get("numFmtId", "")
        for tag in _tags(NUMBER_FORMAT, text)
        if SHARE_OR_MONEY.search(tag.get("formatCode", ""))
    }
    section = CELL_STYLES.search(text.decode("utf-8", "replace"))
    styles = _tags(CELL_STYLE, section[0].encode()) if section else iter(())
    return frozenset(
        str(place).encode() for place, tag in enumerate(styles) if tag.get("numFmtId") in ids
    )


def _count_cells(archive: zipfile.ZipFile, part: str, styles: frozenset[bytes]) -> int:
    """The cells with a number in one of the styles."""
    count = 0
    for text in _texts(archive, part):
        for tag in CELL.findall(text):
            style = STYLE.search(tag)
            count += bool(style and style[1] in styles and not TYPE.search(tag))
    return count


def _count_formatted_ods(archive: zipfile.ZipFile, part: str, sheet: str) -> int:
    count, here = 0, False
    for tag in _ods_tags(archive, part):
        if tag.startswith((b"<table:table ", b"</table:table>")):
            here = sheet in [row.get("table:name") for row in _tags(ODS_TABLE, tag)]
        count += here and tag.startswith(b"office:")
    return count
