"""How an SMS travels: its encoding, its units, its parts (3GPP TS 23.038, TS 23.040).

GSM-7: 160 septets in one part, 153 in each of several; ten characters take two septets and never
straddle parts. UCS-2: 70 units of UTF-16, or 67; a surrogate pair (an emoji) is two units and never
straddles parts. The browser counts with the same rules (static/js/sms.js); one table of test
vectors runs through both.
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

# What typists and word processors put in, and what says the same in GSM-7.
REPLACEMENTS = {
    "‘": "'", "’": "'", "‚": ",", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
    "‹": "'", "›": "'", "`": "'", "´": "'", "ʼ": "'", "′": "'", "″": '"', "–": "-", "—": "-",
    "‒": "-", "―": "-", "−": "-", "‐": "-", "‑": "-", "…": "...", "•": "*", "·": ".", "×": "x",
    "№": "No.", "™": "(TM)", "©": "(C)", "®": "(R)", "\t": " ", "\u00a0": " ", "\u202f": " ",
    "\u2009": " ", "\u2003": " ", "\u2002": " ", "\u200b": "", "\u200c": "", "\u200d": "",
    "\ufeff": "", "\u00ad": "",
}  # fmt: skip
_REPLACING = str.maketrans(REPLACEMENTS)


@dataclass(frozen=True, slots=True)
class SmsLength:
    """What a text takes. `units` are septets or UTF-16 units; `culprits` are the characters that
    force UCS-2.
    """

    encoding: str
    units: int
    parts: int
    culprits: tuple[str, ...] = ()


def measure_sms(text: str) -> SmsLength:
    """What `text` takes as an SMS; an empty text has no part."""
    if _OUTSIDE.search(text):
        wide = len(_ASTRAL.findall(text))
        units = len(text) + wide
        parts = _count(text, units, wide, UCS_SINGLE, UCS_PART, _ASTRAL)
        return SmsLength(UCS_2, units, parts, tuple(dict.fromkeys(_OUTSIDE.findall(text))))
    wide = len(_EXTENDED.findall(text))
    units = len(text) + wide
    return SmsLength(GSM_7, units, _count(text, units, wide, GSM_SINGLE, GSM_PART, _EXTENDED))


def _count(
    text: str, units: int, wide: int, single: int, part: int, doubled: re.Pattern[str]
) -> int:
    if units <= single:
        return 1 if units else 0
    if not wide:
        return -(-units // part)
    return len(_cut(text, part, doubled))


def _cut(text: str, size: int, doubled: re.Pattern[str]) -> list[str]:
    """`text` in pieces of at most `size` units, no character torn in two."""
    pieces: list[str] = []
    start = used = 0
    for position, character in enumerate(text):
        units = 2 if doubled.match(character) else 1
        if used + units > size:
            pieces.append(text[start:position])
            start, used = position, 0
        used += units
    pieces.append(text[start:])
    return pieces


def split_parts(text: str) -> list[str]:
    """The parts of `text` as they travel."""
    taken = measure_sms(text)
    if taken.parts <= 1:
        return [text] if text else []
    if taken.encoding == UCS_2:
        return _cut(text, UCS_PART, _ASTRAL)
    return _cut(text, GSM_PART, _EXTENDED)


def replace_typography(text: str) -> str:
    """`text` with typographic characters replaced by those of GSM-7 that say the same."""
    return text.translate(_REPLACING)
