"""Values that nobody expects: texts, and files."""

import struct
import zlib
from dataclasses import dataclass
from functools import cache

from hypothesis import strategies as st

NESTED = 200
TIME_KINDS = {"date", "datetime-local", "month", "time"}
TIMES = (
    # the ends of time, and hours that a clock skips or has twice
    "0001-01-01", "9999-12-31", "10000-01-01", "0000-00-00", "2026-02-30", "0001-01", "9999-12",
    "0001-01-01T00:00", "9999-12-31T23:59", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00",
    "2026-03-29T03:30", "2026-10-25T03:30", "2026-10-25T03:30+03:00", "24:00", "25:61", "00:00",
)  # fmt: skip
TEXTS = (
    # nothing, blanks, what no database takes everywhere
    "", " ", "\0", "a\0b", "\ud800", "a\udfffb", "\ufeff", "\u2028", "a\r\nb", "\x85\x1b\x07",
    # digits that are no number, numbers that no column holds
    "²", "٣", "１２", "9" * 30, "9" * 5000, "-1", "0", str(2**31), str(2**63 - 1), str(2**63),
    str(-(2**63) - 1), "-" + "9" * 30, "1e400", "1E+5", "-0", "NaN", "-Infinity", "0x1F", "1_000",
    "1,2,3", "0.00000001", "79228162514264337593543950336", "999999999999999.9999999",
    *TIMES,
    # pages by key, conditions, outcomes
    "a0001-01-01.1", "b9999-12-31T23:59:59.5", "b\0.1", "aNaN.1", f"a1.{'9' * 18}", "a.",
    "c0:field",
    "c999:messages", "c1:", "77:read", f"{'9' * 30}:read", "77:nothing",
    # depth and length
    "{" * NESTED + "a" + "}" * NESTED, "{a|" * NESTED + "}" * NESTED, "[" * 3000, '{"a":' * 3000,
    "x" * 70_000, "я" * 3000, "e\u0301" * 500, "a.b@" * 300, "{city}" * 400, "((((" * 500,
    # what letters do
    "\u202eabc\u202c", "שלום abc", "é", "e\u0301", "İıſßẞΣς", "👩\u200d👩\u200d👧", "🇺🇦",
    "\U0010ffff",
    "\u0345" * 40, "क्\u200dया",
    # text in the language of somebody else
    "../../../etc/passwd", "..", "/", "\\", "%00", "%", "%s%n", "'\"`", "<script>", "=1+1", "None",
    "True", "[]", "{}", "{{x}}", "{", "}", "{|}", "*|X|*", "(?:", "*", "?", "_", "[a-", ";",
    "http://[", "https://[::1", "https://x:99999999/", "https://é@я.укр/?{city}", "//x",
    "javascript:",
    "https://" + "a" * 300 + ".com", "https://x.com/a.png#{a|b}", "https://xn--a.com/",
    "http://0x7f.1",
    "a@b@c", '"a b"@x', "Europe/../Kyiv", "a" * 300, "é" * 101, "and", "--", "id", "pk", "-",
)  # fmt: skip


@cache
def texts(kind: str = "") -> st.SearchStrategy[str]:
    """A text of the list above, or any other one; for an input of the HTML type `kind`."""
    if kind in TIME_KINDS:
        return st.one_of(st.sampled_from(TIMES), texts())
    made = (
        st.text(max_size=20),
        st.integers(-(2**70), 2**70).map(str),
        st.floats().map(str),
        st.datetimes().map(lambda moment: moment.isoformat(timespec="minutes")),
        st.dates().map(str),
        st.times().map(lambda clock: clock.isoformat(timespec="minutes")),
    )
    return st.one_of(st.sampled_from(TEXTS), *made)


@dataclass(frozen=True)
class Upload:
    """A file of a form: its name, the type that the browser says, and its bytes."""

    name: str
    type: str
    content: bytes


def png(width: int = 40, height: int = 40) -> bytes:
    """A grey picture; the size may be a lie."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" + b"\x80" * 40) if width > 40 else zlib.compress(b"\0" * 41 * 40)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


CONTENTS = (
    b"", b"\0", b"phone,name\n0972920283,Olena\n",
    "телефон;ім'я\n0501234567;Їжак\n".encode("cp1251"),
    png(), png()[:60], png(60_000, 60_000), png(1, 1), b"GIF89a\x01\0\x01\0\0\0\0;",
    b"\xff\xd8\xff\xe0",
    b"RIFF\0\0\0\0WEBPVP8 ", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7",
    b"PK\x03\x04",
    b"PK\x05\x06" + b"\0" * 18, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
    b"\xff\xfe", b"\x1f\x8b",
    "phone\0".encode("utf-16"), b"sep=\n", b'"' * 5000, b"," * 70_000, b"\n" * 5000,
    b"\xed\xa0\x80;\xff\n",
    b"phone\n" + b"9" * 70_000, b'phone\n"\0"\n',
)  # fmt: skip
NAMES = (
    "people.csv", "a.png", "a.xlsx", "a.ods", "a.xls", "a.zip", "a.jpg", "a.svg", "", ".",
    "..", "a",
    "a\0.png", "../../x.csv", "x" * 300 + ".csv", "я" * 300 + ".png", "\ud800.png",
    "\u2028.csv", 'a"b.csv',
    "a\u202egnp.csv", "CON", "e\u0301.png",
)  # fmt: skip
TYPES = ("text/csv", "image/png", "", "multipart/mixed", "text/plain; charset=nothing")


@cache
def uploads() -> st.SearchStrategy[Upload]:
    """A file, mostly not of the type that is wanted."""
    return st.builds(
        Upload, st.sampled_from(NAMES), st.sampled_from(TYPES), st.sampled_from(CONTENTS)
    )
