"""Turns an uploaded file into a text file, or refuses it. Its content decides, not its name."""

import json
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.archive_directory import count_entries
from campaigns.contacts.importing.reading.workbook_parts import plain_name

MAX_BYTES = 500 << 20
MAX_UNPACKED = 2 << 30
MAX_RATIO = 200  # of unpacked to packed size; spreadsheets have 5 to 30
MAX_SAFE_UNPACKED = (
    20 << 20
)  # an archive that unpacks to this little is harmless, whatever the ratio
CHUNK = 1 << 20
MAX_MEMBERS = 10_000
HEAD_BYTES = 8192  # that decide the kind of a file
ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")
# The first bytes of files that are not tables, and the name of their format.
OTHER_FORMATS = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"RIFF", "RIFF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"MZ", "EXE"),
    (b"\x7fELF", "ELF"),
    (b"SQLite format 3", "SQLite"),
    (b"{\\rtf", "RTF"),
    (b"<?xml", "XML"),
)
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Programs save these under names such as report.xls, which Excel opens all the same.
WEB_PAGE = re.compile(
    rb"(?:<\?xml[^>]*\?>|<!--.*?-->|\s)*<(?:!doctype html|html|head|meta|style|body|div|table)\b",
    re.IGNORECASE | re.DOTALL,
)
XML_SPREADSHEET = re.compile(rb"<\?mso-application|<(?:ss:)?Workbook\b")


class Unpacked(NamedTuple):
    """The text file, the kind of the upload ("csv", "xlsx", "ods", "xls"), its sheet and sheets.

    `hidden_rows`: how many rows the sheet does not show, though they are read like the others.
    `formatted`: how many numbers it shows as shares or money, though they are read as plain ones.
    """

    path: Path
    kind: str
    sheet: str = ""
    sheets: Sequence[str] = ()
    hidden_rows: int = 0
    formatted: int = 0


def unpack(upload: Path, sheet: str = "") -> Unpacked:
    """The text of the file at `upload`: itself, or a new file beside it. Raises ContactsError.

    `sheet`: the sheet of a workbook; empty: the first visible one that is not empty.
    """
    size = upload.stat().st_size
    if not size:
        raise ContactsError(_("The file is empty."))
    if size > MAX_BYTES:
        raise ContactsError(_("The file is larger than %(limit)d MB.") % {"limit": MAX_BYTES >> 20})
    kind = detect_kind(upload)
    if kind == "zip":
        return _from_zip(upload, sheet)
    return _to_text(upload, kind, sheet)


def _to_text(path: Path, kind: str, sheet: str) -> Unpacked:
    if kind == "csv":
        if sheet:
            raise ContactsError(_("This file has no sheets."))
        return Unpacked(path, kind)
    target = path.with_name(path.name + ".text")
    return Unpacked(target, kind, *_convert_spreadsheet(path, kind, target, sheet))


def detect_kind(path: Path) -> str:
    """The kind by content: "csv" (any text), "xlsx", "ods", "xls", "xlsb" or "zip".

    Raises ContactsError for anything else.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return _archive_kind(path) if head.startswith(ARCHIVES) else _kind_of_head(head)


def _kind_of_head(head: bytes) -> str:
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        return "xls"
    if is_web_page(head):
        raise ContactsError(
            _("This is a web page (HTML), even if it is named .xls. Save it as CSV or XLSX.")
        )
    if XML_SPREADSHEET.search(head[:1000]):
        raise ContactsError(_("This is an XML spreadsheet. Save it as CSV or XLSX and try again."))
    for signature, name in OTHER_FORMATS:
        if head.lstrip()[: len(signature)].lower() == signature.lower() and (
            len(signature) > 2 or not _looks_like_text(head)
        ):
            raise ContactsError(
                _("This is a %(kind)s file, not a table. Save it as CSV or XLSX and try again.")
                % {"kind": name}
            )
    if not _looks_like_text(head):
        raise ContactsError(
            _(
                "This is not a table. Upload a CSV, TSV, TXT, XLSX, XLS or ODS file, or a ZIP with"
                " one of them."
            )
        )
    return "csv"


def is_web_page(head: bytes) -> bool:
    """Whether a file that begins with `head` is HTML."""
    return bool(WEB_PAGE.match(head.removeprefix(BYTE_ORDER_MARK)))


def _looks_like_text(head: bytes) -> bool:
    """Whether the bytes may be text: few control characters, or UTF-16."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    control = sum(head.count(code) for code in range(32) if code not in (0, 9, 10, 12, 13, 26))
    zeros = head.count(0)
    utf16 = (
        min(head[0::2].count(0), head[1::2].count(0)) * 10 < zeros and zeros * 10 > len(head) * 3
    )
    return control * 100 <= len(head) and (utf16 or zeros * 10 <= len(head))


def _archive_kind(path: Path) -> str:
    with _open_archive(path) as archive:
        names = {plain_name(name) for name in archive.namelist()}
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return "xlsx" if "xl/workbook.xml" in names else "xlsb"
    if "content.xml" in names and "mimetype" in names:
        return "ods"
    if any(name.endswith(".iwa") or name == "index.zip" for name in names):
        raise ContactsError(
            _("This is an Apple Numbers file. Export it as CSV or Excel and upload that.")
        )
    if "[content_types].xml" in names:
        raise ContactsError(
            _(
                "This is an Office document without a table. Save the table as CSV or XLSX and"
                " try again."
            )
        )
    return "zip"


def _open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive; refuse it if it has too many entries or unpacks to an unreasonable size."""
    try:
        if count_entries(path, MAX_MEMBERS) > MAX_MEMBERS:
            raise ContactsError(_unpacked_too_large_text())
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ContactsError(_damaged_text()) from error
    members = archive.infolist()
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED or (
        unpacked > MAX_SAFE_UNPACKED and unpacked > MAX_RATIO * path.stat().st_size
    ):
        archive.close()
        raise ContactsError(_unpacked_too_large_text())
    return archive


def _unpacked_too_large_text() -> str:
    return _("The file is too large when unpacked. Save the contacts as CSV and upload that.")


def _damaged_text() -> str:
    return _("The file is damaged and cannot be opened. Save it again and upload it.")


def _from_zip(path: Path, sheet: str) -> Unpacked:
    with _open_archive(path) as archive:
        files = [
            member
            for member in archive.infolist()
            if not member.is_dir() and not _is_hidden(member.filename)
        ]
        if len(files) != 1:
            raise ContactsError(
                _("The ZIP contains %(count)d files. It must contain exactly one table.")
                % {"count": len(files)}
            )
        if files[0].flag_bits & 1:
            raise ContactsError(
                _("The ZIP is protected by a password. Remove the password and upload it again.")
            )
        target = path.with_name(path.name + ".member")
        try:
            with archive.open(files[0]) as source, target.open("wb") as copy:
                head = source.read(HEAD_BYTES)
                if not head.startswith(ARCHIVES):
                    _kind_of_head(head)  # refuse it before it is unpacked
                copy.write(head)
                _copy(source, copy)
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise ContactsError(_damaged_text()) from error
    kind = detect_kind(target)
    if kind == "zip":
        raise ContactsError(_("The ZIP contains another ZIP. It must contain the table itself."))
    return _to_text(target, kind, sheet)


def _is_hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or name.rsplit("/", 1)[-1].startswith(".")


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    size = 0
    for chunk in _chunks(source):
        size += len(chunk)
        if size > MAX_BYTES * 2:
            raise ContactsError(
                _("The file in the ZIP is larger than %(limit)d MB.")
                % {"limit": MAX_BYTES * 2 >> 20}
            )
        target.write(chunk)


def _chunks(source: IO[bytes]) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _convert_spreadsheet(
    source: Path, kind: str, target: Path, sheet: str
) -> tuple[str, list[str], int, int]:
    """Convert a sheet in a limited process (spreadsheets.py): name, all sheets, hidden rows,
    numbers with a format.

    If that fails, a previous file at `target` stays.
    """
    new_target = target.with_name(target.name + ".new")
    link = source.with_name(f"{source.name}.{kind}")  # the library needs the extension
    link.unlink(missing_ok=True)  # of a worker that was killed
    link.hardlink_to(source)
    seconds = 10 + _unpacked_size(source, kind) // (20 << 20)
    try:
        process = subprocess.run(  # noqa: S603 - only our own arguments
            [
                sys.executable,
                "-m",
                "campaigns.contacts.importing.spreadsheets",
                str(link),
                str(new_target),
                str(seconds),
                sheet,
            ],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=seconds * 4,
            check=False,
        )
    except subprocess.TimeoutExpired as timeout:
        raise ContactsError(_too_large_text()) from timeout
    finally:
        link.unlink(missing_ok=True)
    if process.returncode:
        new_target.unlink(missing_ok=True)
        raise ContactsError(_failure_text(process.returncode, process.stderr.strip(), sheet))
    new_target.replace(target)
    result: tuple[str, list[str], int, int] = json.loads(process.stdout)
    return result


def _unpacked_size(source: Path, kind: str) -> int:
    if kind == "xls":
        return source.stat().st_size
    with _open_archive(source) as archive:
        return sum(member.file_size for member in archive.infolist())


def _failure_text(code: int, error: str, sheet: str) -> str:
    if error == "sheet":
        return _("The file has no visible sheet “%(name)s”.") % {"name": sheet}
    if error == "empty" and sheet:
        return _("The sheet “%(name)s” is empty.") % {"name": sheet}
    if error == "empty":
        return _("The file is empty.")
    if error == "password":
        return _("The file is protected by a password. Remove the password and upload it again.")
    if error == "large" or code in (
        -signal.SIGABRT,
        -signal.SIGKILL,
        -signal.SIGXCPU,
        -signal.SIGSEGV,
    ):
        return _too_large_text()
    return _damaged_text()


def _too_large_text() -> str:
    return _("The spreadsheet is too large to open. Save it as CSV and upload that.")
