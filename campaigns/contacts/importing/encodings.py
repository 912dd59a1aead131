"""Detects the encoding of a text file: by byte order mark, as valid UTF-8, or by likely words.

charset-normalizer was compared: a table of contacts has too few words for it, and it does not know
where the phones are from.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from campaigns.contacts.phones.parsing import country_code

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
    "cp1257",
    "cp1255",
    "cp1256",
    "cp874",
    "cp1258",
    "cp932",
    "gb18030",
    "cp949",
    "big5",
)
# Those that nothing in a few names tells from one above; they can be chosen.
OTHER_CHOICES = (
    "iso8859_1",
    "iso8859_3",
    "iso8859_4",
    "iso8859_6",
    "iso8859_8",
    "iso8859_9",
    "iso8859_10",
    "iso8859_13",
    "iso8859_14",
    "iso8859_15",
    "iso8859_16",
    "koi8_r",
    "koi8_t",
    "kz1048",
    "ptcp154",
    "euc_jp",
    "euc_kr",
    "cp437",
    "cp850",
    "cp852",
    "cp1125",
    "mac_roman",
    "mac_latin2",
    "mac_cyrillic",
    "mac_greek",
    "mac_turkish",
)
CHOICES = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    *EIGHT_BIT,
    *OTHER_CHOICES,
)
HOME_ENCODINGS = {
    **dict.fromkeys(("UA", "RU", "BY", "KZ", "BG", "RS", "MK", "KG", "MD"), "cp1251"),
    **dict.fromkeys(("GR", "CY"), "cp1253"),
    **dict.fromkeys(("RO", "PL", "CZ", "SK", "HU", "HR", "SI", "BA", "ME", "AL"), "cp1250"),
    **dict.fromkeys(("EE", "LV", "LT"), "cp1257"),
    **dict.fromkeys(
        [
            "IQ",
            "SA",
            "AE",
            "EG",
            "JO",
            "LB",
            "KW",
            "QA",
            "BH",
            "OM",
            "YE",
            "SY",
            "LY",
            "DZ",
            "MA",
            "TN",
            "SD",
            "PS",
            "IR",
            "PK",
        ],
        "cp1256",
    ),
    "TR": "cp1254",
    "IL": "cp1255",
    "TH": "cp874",
    "VN": "cp1258",
    "JP": "cp932",
    "CN": "gb18030",
    "TW": "big5",
    "HK": "big5",
    "KR": "cp949",
}
SAME_LETTERS = {  # other encodings of the languages of an encoding above
    "cp1251": ("koi8_u", "cp866", "iso8859_5"),
    "cp1253": ("iso8859_7",),
    "cp1250": ("iso8859_2",),
}
PHONE_DIGITS = re.compile(rb"(?<![\d.])(?:\+\s?|00)?([1-9]\d{9,14})(?!\d)")
HOME_FACTOR = 1.02  # for the encoding of the default country
PHONES_FACTOR = 1.25  # for the encoding of the country that most phones of the file belong to
CLOSE = 0.93  # of the best score: the other reading is nearly as likely
MAX_OTHER_SHARE = 1 / 3  # of the lines beyond ASCII, which another program may have added
LETTER_WEIGHTS = {
    2.0: "оаеинтсрвлкмдпуяіьбзг" + "αοιεστνηυρπκμλςά",
    1.5: "éèêëàâäáçñíîïóôöúûüßøåæ" + "čćšžđąęłńśźżěřůășțşţőűğı",
    1.0: "ыйчхжшюцщєїґэфёъћђљњџјѓќў" + "ωθδγχφβξζψέήίόύώϊϋΐΰ" + "ìòùãõœÿýďťň",
    1.35: "āēīūģķļņėįų",
}
WEIGHT = {letter: weight for weight, letters in LETTER_WEIGHTS.items() for letter in letters}
WEIGHT["İ".lower()] = 1.5  # two characters
NEUTRAL_SIGNS = frozenset("«»„“”‘’–—…№€°\u00a0、。・（）")
# Scripts without capitals: first and last letter, weight of a letter. A character of two bytes
# weighs as much as two letters.
SCRIPTS = (
    ("\u05d0", "\u05ea", 1.5),  # Hebrew
    ("\u0620", "\u064a", 1.5),  # Arabic
    ("\u0671", "\u06d3", 0.9),  # Persian, Urdu
    ("\u0e01", "\u0e4e", 1.5),  # Thai
    ("\u3041", "\u30fe", 3.4),  # kana
    ("\u4e00", "\u9fa5", 2.6),  # Han
    ("\uac00", "\ud7a3", 3.2),  # Hangul
    ("\uff66", "\uff9f", 0.3),  # half-width kana: nearly any byte is one
)
HEBREW_FINALS = frozenset("ךםןףץ")
WORD = re.compile(r"[^\W\d_]+")


class EncodingGuess(NamedTuple):
    """The encoding of a file, by Python's name.

    `other_encoding`, `other_lines`: of the lines that cannot be read in it. `close`: encodings that
    are nearly as likely and read the file differently.
    """

    encoding: str
    other_encoding: str = ""
    other_lines: int = 0
    close: tuple[str, ...] = ()


class LineCounts(NamedTuple):
    """Lines beyond ASCII: those in UTF-8, those that are not, and a sample of the latter."""

    utf8: int
    other: int
    sample: bytes


def detect(path: Path, default_country: str) -> EncodingGuess:
    """Guess the encoding; that of the phones' country, or else of this one, is preferred."""
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            if name == "utf-8-sig":
                return _with_other_lines(name, count_lines(path), path, default_country)
            return EncodingGuess(name)
    if utf16 := _detect_utf16(head):
        return EncodingGuess(utf16)
    non_ascii = sample_beyond_ascii(path)
    if not non_ascii:
        return EncodingGuess("utf-8")
    counts = count_lines(path)
    if counts.other <= (counts.utf8 + counts.other) * MAX_OTHER_SHARE:
        return _with_other_lines("utf-8", counts, path, default_country)
    return choose_likeliest(EIGHT_BIT, non_ascii, _home(path, default_country))


def _with_other_lines(
    encoding: str, counts: LineCounts, path: Path, default_country: str
) -> EncodingGuess:
    if not counts.other:
        return EncodingGuess(encoding)
    home = _home(path, default_country)
    other = choose_likeliest(EIGHT_BIT, counts.sample, home)
    return EncodingGuess(encoding, other.encoding, counts.other, other.close)


def count_lines(path: Path) -> LineCounts:
    """Count the lines of a file that are UTF-8 and those that are not; ASCII counts as neither."""
    utf8 = other = 0
    sample: list[bytes] = []
    with path.open("rb") as file:
        for block in blocks_of_lines(file, CHUNK):
            if block.isascii():
                continue
            for line in block.splitlines():
                if line.isascii():
                    continue
                if is_other_line(line):
                    other += 1
                    sample += [line] if len(sample) < 500 else []
                else:
                    utf8 += 1
    return LineCounts(utf8, other, b"".join(sample)[:SAMPLE_BYTES])


def blocks_of_lines(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Yield a file in blocks of whole lines; a line that is longer than a block comes in pieces."""
    remainder = b""
    while chunk := file.read(size):
        block = remainder + chunk
        end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1 or len(block)
        yield block[:end]
        remainder = block[end:]
    if remainder:
        yield remainder


def is_other_line(line: bytes) -> bool:
    """Whether a line is in another encoding than UTF-8, rather than UTF-8 with some damage."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
        damaged = text.count("\ufffd")
        return sum(not sign.isascii() for sign in text) < 2 * damaged + 1
    return False


def decode_lines(block: bytes, encoding: str, other_encoding: str) -> str:
    """Whole lines as text: those that `encoding`, UTF-8, cannot read are in the other one."""
    try:
        return block.decode(encoding)
    except UnicodeDecodeError:
        return "".join(
            line.decode(other_encoding if is_other_line(line) else encoding, "replace")
            for line in block.splitlines(keepends=True)
        )


def _home(path: Path, default_country: str) -> tuple[str, float]:
    """The encoding of the country that most phones belong to, and how much it is preferred."""
    with path.open("rb") as file:
        phones = PHONE_DIGITS.findall(file.read(SAMPLE_BYTES).replace(b"-", b"").replace(b" ", b""))
    codes = _encodings_by_code()
    counts = Counter(
        next((codes[phone[:n].decode()] for n in (3, 2, 1) if phone[:n].decode() in codes), "")
        for phone in phones
    )
    encoding, count = counts.most_common(1)[0] if counts else ("", 0)
    if encoding and count * 2 > len(phones):
        return encoding, PHONES_FACTOR
    return HOME_ENCODINGS.get(default_country, "cp1252"), HOME_FACTOR


@cache
def _encodings_by_code() -> dict[str, str]:
    others = {str(code): "cp1252" for code in COUNTRY_CODE_TO_REGION_CODE}
    return others | {str(country_code(country)): name for country, name in HOME_ENCODINGS.items()}


def _detect_utf16(head: bytes) -> str:
    """UTF-16 without byte order mark: every second byte of ASCII characters is zero."""
    pairs = max(len(head) // 2, 1)
    even, odd = head[0::2].count(0) / pairs, head[1::2].count(0) / pairs
    if max(even, odd) < 0.4 or min(even, odd) > 0.1:
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"


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


def choose_likeliest(names: Iterable[str], sample: bytes, home: tuple[str, float]) -> EncodingGuess:
    """The encoding that reads `sample` as the likeliest words.

    `home`: an encoding, and the factor by which it is preferred.
    """
    texts = {name: sample.decode(name, "replace") for name in names}
    factors = dict.fromkeys(SAME_LETTERS.get(home[0], ()), home[1] / HOME_FACTOR)
    factors[home[0]] = home[1]
    scores = {name: likelihood(text) * factors.get(name, 1.0) for name, text in texts.items()}
    best = max(scores, key=lambda name: scores[name])
    close = tuple(
        name
        for name, score in scores.items()
        if score > CLOSE * scores[best] > 0 and texts[name] != texts[best]
    )
    return EncodingGuess(best, close=close)


def likelihood(text: str) -> float:
    """How much `text` looks like words; comparable only between readings of the same bytes."""
    score = sum(_sign_weight(sign) for sign in text if not sign.isascii())
    return score + sum(_word_weight(word) for word in WORD.findall(text) if not word.isascii())


def _sign_weight(sign: str) -> float:
    weight = WEIGHT.get(sign.lower())
    if weight is not None:
        return weight
    for first, last, script_weight in SCRIPTS:
        if first <= sign <= last:
            return script_weight
    if sign in NEUTRAL_SIGNS:
        return 0.0
    if sign.isalpha():
        return -1.0
    return -3.0 if sign.isprintable() else -10.0


def _word_weight(word: str) -> float:
    scripts = {_script(sign) for sign in word}
    mixed = 4.0 * (len(scripts) - 1)
    jumps = sum(
        2.0 for letter, next_letter in pairwise(word) if letter.islower() and next_letter.isupper()
    )
    finals = sum(2.0 for letter in word[:-1] if letter in HEBREW_FINALS)
    capital = 0.5 if word[:1].isupper() and word[1:].islower() else 0.0
    return (1.0 if word.endswith("ić") else 0.0) + capital - mixed - jumps - finals


def _script(sign: str) -> str:
    if sign >= "\u3041":
        return "eastern"
    for name, end in (("latin", 0x250), ("greek", 0x400), ("cyrillic", 0x590), ("hebrew", 0x600)):
        if ord(sign) < end:
            return name
    return "arabic" if sign < "\u0e00" else "thai"
