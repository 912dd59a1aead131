"""Detects the encoding of a text file: by byte order mark, as valid UTF-8, or by likely words."""

import codecs
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

SAMPLE_BYTES = 64 * 1024  # of lines with bytes beyond ASCII
CHUNK = 1 << 20
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# In order of preference when they read equally well.
EIGHT_BIT = (
    "cp1252",
    "cp1251",
    "cp1253",
    "cp1250",
    "iso8859_7",
    "iso8859_2",
    "cp1254",
    "koi8_u",
    "cp866",
    "iso8859_5",
)
CHOICES = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    *EIGHT_BIT,
    "iso8859_1",
    "cp1257",
    "mac_cyrillic",
)
HOME_ENCODINGS = {
    **dict.fromkeys(("UA", "RU", "BY", "KZ", "BG", "RS", "MK", "KG", "MD"), "cp1251"),
    **dict.fromkeys(("GR", "CY"), "cp1253"),
    **dict.fromkeys(("RO", "PL", "CZ", "SK", "HU", "HR", "SI", "BA", "ME"), "cp1250"),
    "TR": "cp1254",
}
LETTER_WEIGHTS = {
    2.0: "оаеинтсрвлкмдпуяіьбзг" + "αοιεστνηυρπκμλςά",
    1.5: "éèêëàâäáçñíîïóôöúûüßøåæ" + "čćšžđąęłńśźżěřůășțşţőűğı",
    1.0: "ыйчхжшюцщєїґэфёъћђљњџјѓќў" + "ωθδγχφβξζψέήίόύώϊϋΐΰ" + "ìòùãõœÿýďťň",
}
WEIGHT = {letter: weight for weight, letters in LETTER_WEIGHTS.items() for letter in letters}
NEUTRAL_SIGNS = frozenset("«»„“”‘’–—…№€°\u00a0")
WORD = re.compile(r"[^\W\d_]+")


def detect(path: Path, default_country: str) -> str:
    """Python's name of the encoding of a text file; that country's encoding is preferred."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name
    if utf16 := _detect_utf16(head):
        return utf16
    non_ascii = sample_beyond_ascii(path)
    if not non_ascii or _is_utf8(path):
        return "utf-8"
    return choose_likeliest(EIGHT_BIT, non_ascii, default_country)


def _detect_utf16(head: bytes) -> str:
    """UTF-16 without byte order mark: every second byte of ASCII characters is zero."""
    pairs = max(len(head) // 2, 1)
    even, odd = head[0::2].count(0) / pairs, head[1::2].count(0) / pairs
    if max(even, odd) < 0.4 or min(even, odd) > 0.1:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


def _is_utf8(path: Path) -> bool:
    """Whether the file is UTF-8, with at most one damaged character in a thousand."""
    decoder, damaged, non_ascii = codecs.getincrementaldecoder("utf-8")(errors="replace"), 0, 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            text = decoder.decode(chunk)
            if not text.isascii():
                damaged += text.count("\ufffd")
                non_ascii += len(text) - len(text.encode("ascii", "ignore"))
    damaged += bool(decoder.decode(b"", final=True))
    return damaged * 1000 <= non_ascii


def sample_beyond_ascii(path: Path) -> bytes:
    """The first lines with bytes beyond ASCII, up to SAMPLE_BYTES."""
    lines, size = [], 0
    with path.open("rb") as file:
        while size < SAMPLE_BYTES and (chunk := file.read(CHUNK)):
            if chunk.isascii():
                continue
            for line in chunk.splitlines():
                if not line.isascii():
                    lines.append(line[:SAMPLE_BYTES])
                    size += len(line)
                    if size >= SAMPLE_BYTES:
                        break
    return b"\n".join(lines)[:SAMPLE_BYTES]


def choose_likeliest(names: Iterable[str], sample: bytes, default_country: str) -> str:
    """The encoding that reads `sample` as the likeliest words."""
    home_encoding = HOME_ENCODINGS.get(default_country, "cp1252")
    scores = {
        name: likelihood(sample.decode(name, "replace")) * (1.02 if name == home_encoding else 1)
        for name in names
    }
    return max(scores, key=lambda name: scores[name])


def likelihood(text: str) -> float:
    """How much `text` looks like words; comparable only between readings of the same bytes."""
    score = sum(_sign_weight(sign) for sign in text if not sign.isascii())
    return score + sum(_word_weight(word) for word in WORD.findall(text) if not word.isascii())


def _sign_weight(sign: str) -> float:
    if sign.isalpha():
        return WEIGHT.get(sign.lower(), -1.0)
    if sign in NEUTRAL_SIGNS:
        return 0.0
    return -3.0 if sign.isprintable() else -10.0


def _word_weight(word: str) -> float:
    scripts = {
        "latin" if sign < "\u0250" else "greek" if sign < "\u0400" else "cyrillic" for sign in word
    }
    mixed = 4.0 * (len(scripts) - 1)
    jumps = sum(
        2.0 for letter, next_letter in pairwise(word) if letter.islower() and next_letter.isupper()
    )
    return (1.0 if word.endswith("ić") else 0.0) - mixed - jumps
