"""What a workbook says about its rows and columns besides the cells: hidden rows, names of parts.

The library that reads cells does not tell. Only the parts of an XLSX file are looked at, by their
text, so that a sheet with a million rows takes no longer. Imports nothing of the site.
"""

import re
import zipfile
from collections.abc import Iterator
from html import unescape

CHUNK = 1 << 20
MAX_TAG = 1 << 16  # bytes: a longer one is not the tag of a row
HIDDEN_ROW = re.compile(rb"<(?:\w+:)?row\s[^>]*?\bhidden\s*=\s*[\"'](?:1|true)[\"']")
SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
RELATIONSHIP = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")
ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


def plain_name(name: str) -> str:
    """The name of a part as programs compare them: with slashes, without capitals."""
    return name.replace("\\", "/").lstrip("/").lower()


def count_hidden_rows(path: str, sheet: str) -> int:
    """How many rows of a sheet are hidden, also by a filter; 0 for other files than XLSX."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {plain_name(name): name for name in archive.namelist()}
            part = _part_of_sheet(archive, parts, sheet)
            return _count(archive, part) if part else 0
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
    count, remainder = 0, b""
    with archive.open(part) as sheet:
        while chunk := sheet.read(CHUNK):
            text = remainder + chunk
            end = text.rfind(b"<")  # a tag may go on in the next chunk
            if b"hidden" in text:
                count += len(HIDDEN_ROW.findall(text[:end]))
            remainder = text[end:] if end >= 0 and len(text) - end < MAX_TAG else b""
    return count
