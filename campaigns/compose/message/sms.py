"""Encoding, length and parts of an SMS (3GPP TS 23.038 and TS 23.040).

GSM-7: 160 septets in one part, 153 in each of several; ten characters take two septets. UCS-2: 70
units of UTF-16, or 67; an emoji (a surrogate pair) takes two units. No character is split between
parts. The browser counts by the same rules (static/js/sms.js); the tests run both with
tests/compose/vectors/sms.json.
"""

import re
from dataclasses import dataclass

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENDED = "^{}\\[~]|€\f"
GSM_SINGLE, GSM_PART = 160, 153
UCS_SINGLE, UCS_PART = 70, 67
GSM_7, UCS_2 = "GSM-7", "UCS-2"

_OUTSIDE = re.compile(f"[^{re.escape(GSM_BASIC + GSM_EXTENDED)}]")
_EXTENDED = re.compile(f"[{re.escape(GSM_EXTENDED)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")

# Typographic characters, and what replaces them in GSM-7.
REPLACEMENTS = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‹": "'", "›": "'", "`": "'", "´": "'", "ʼ": "'", "′": "'", "″": '"', "–": "-", "—": "-",
    "‒": "-", "―": "-", "−": "-", "‐": "-", "‑": "-", "…": "...", "•": "*", "·": ".", "×": "x",
    "№": "No.", "™": "(TM)", "©": "(C)", "®": "(R)", "\t": " ", "\u00a0": " ", "\u202f": " ",
    "\u2009": " ", "\u2003": " ", "\u2002": " ", "\u200b": "", "\u200c": "", "\u200d": "",
    "\ufeff": "", "\u00ad": "",
}  # fmt: skip
_REPLACEMENT_TABLE = str.maketrans(REPLACEMENTS)


@dataclass(frozen=True, slots=True)
class SmsLength:
    """The length of a text as an SMS. `units` are septets or, in UCS-2, UTF-16 units.

    `culprits` are the characters that force UCS-2, each once.
    """

    encoding: str
    units: int
    parts: int
    culprits: tuple[str, ...] = ()


def measure_sms(text: str) -> SmsLength:
    """Measure `text` as an SMS; an empty text has no parts."""
    if _OUTSIDE.search(text):
        doubled = len(_ASTRAL.findall(text))
        units = len(text) + doubled
        parts = _count_parts(text, units, UCS_SINGLE, UCS_PART, _ASTRAL if doubled else None)
        return SmsLength(UCS_2, units, parts, tuple(dict.fromkeys(_OUTSIDE.findall(text))))
    doubled = len(_EXTENDED.findall(text))
    units = len(text) + doubled
    parts = _count_parts(text, units, GSM_SINGLE, GSM_PART, _EXTENDED if doubled else None)
    return SmsLength(GSM_7, units, parts)


def _count_parts(
    text: str, units: int, single: int, part: int, two_units: re.Pattern[str] | None
) -> int:
    """`two_units` matches the characters of two units; None if `text` has none."""
    if units <= single:
        return 1 if units else 0
    if not two_units:
        return -(-units // part)
    return len(_split(text, part, two_units))


def _split(text: str, size: int, two_units: re.Pattern[str]) -> list[str]:
    """Split `text` into pieces of at most `size` units, no character split in two."""
    pieces: list[str] = []
    start = used = 0
    for position, character in enumerate(text):
        units = 2 if two_units.match(character) else 1
        if used + units > size:
            pieces.append(text[start:position])
            start, used = position, 0
        used += units
    pieces.append(text[start:])
    return pieces


def split_parts(text: str) -> list[str]:
    """Split `text` into the parts in which it is sent."""
    length = measure_sms(text)
    if length.parts <= 1:
        return [text] if text else []
    if length.encoding == UCS_2:
        return _split(text, UCS_PART, _ASTRAL)
    return _split(text, GSM_PART, _EXTENDED)


def replace_typography(text: str) -> str:
    """Replace typographic characters in `text` by their equivalents in GSM-7."""
    return text.translate(_REPLACEMENT_TABLE)
