"""Encoding, length and parts of an SMS (3GPP TS 23.038 and TS 23.040).

GSM-7: 160 septets in one part, 153 in each of several; ten characters take two septets. UCS-2: 70
units of UTF-16, or 67; an emoji (a surrogate pair) takes two units. No character is split between
parts. Accents that stand apart from their letters are composed first, as they are for sending. The
browser follows the same rules (static/js/sms.js); the tests run both with
tests/compose/vectors/sms.json.
"""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.shared.text import composed

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
    "№": "No.", "™": "(TM)", "©": "(C)", "®": "(R)",
    **dict.fromkeys("\t\u00a0\u1680\u202f\u205f\u3000", " "),
    **dict.fromkeys(map(chr, range(0x2000, 0x200B)), " "),
    **dict.fromkeys("\v\u0085\u2028\u2029", "\n"),
}  # fmt: skip
# Invisible, and of no use where nothing is written from right to left.
DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
SUPERFLUOUS = "\u00ad\u200b\u2060-\u2064\ufeff"
# They join emoji and the letters of many scripts: superfluous only between characters of GSM-7.
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
_REPLACEMENT_TABLE = str.maketrans(REPLACEMENTS)
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff"
                            "\U0001e800-\U0001efff]")  # fmt: skip
_GSM = re.escape(GSM_BASIC + GSM_EXTENDED)
_LOOSE_JOINERS = re.compile(f"(?<![^{_GSM}])[{JOINERS}]+(?![^{_GSM}])")

INVISIBLE_NAMES: dict[str, str | Promise] = {
    "\t": _("tab"),
    "\v": _("line tab"),
    "\u0085": _("next line"),
    "\u00a0": _("no-break space"),
    "\u00ad": _("soft hyphen"),
    "\u061c": _("Arabic letter mark"),
    "\u2002": _("en space"),
    "\u2003": _("em space"),
    "\u2007": _("figure space"),
    "\u2009": _("thin space"),
    "\u200a": _("hair space"),
    "\u200b": _("zero width space"),
    "\u200c": _("zero width non-joiner"),
    "\u200d": _("zero width joiner"),
    "\u200e": _("left-to-right mark"),
    "\u200f": _("right-to-left mark"),
    "\u2028": _("line separator"),
    "\u2029": _("paragraph separator"),
    "\u202a": _("left-to-right embedding"),
    "\u202b": _("right-to-left embedding"),
    "\u202c": _("end of embedding"),
    "\u202d": _("left-to-right override"),
    "\u202e": _("right-to-left override"),
    "\u202f": _("narrow no-break space"),
    "\u2060": _("word joiner"),
    "\u2066": _("left-to-right isolate"),
    "\u2067": _("right-to-left isolate"),
    "\u2068": _("first strong isolate"),
    "\u2069": _("end of isolate"),
    "\u3000": _("ideographic space"),
    "\ufe0e": _("text variation selector"),
    "\ufe0f": _("emoji variation selector"),
    "\ufeff": _("byte order mark"),
}


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
    text = composed(text)
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
    text = composed(text)
    length = measure_sms(text)
    if length.parts <= 1:
        return [text] if text else []
    if length.encoding == UCS_2:
        return _split(text, UCS_PART, _ASTRAL)
    return _split(text, GSM_PART, _EXTENDED)


def replace_typography(text: str) -> str:
    """Replace what forces UCS-2 in `text`; the text itself if that wins nothing.

    Typographic characters and those that can't be seen get their equivalents in GSM-7. If the text
    needs UCS-2 anyway, only what can't be seen is taken out. Nothing is taken from emoji or from
    scripts that need it.
    """
    text = composed(text)
    before = measure_sms(text)
    plain = _without_invisible(text.translate(_REPLACEMENT_TABLE))
    after = measure_sms(plain)
    if after.encoding == GSM_7:
        return plain if before.encoding == UCS_2 and after.parts <= before.parts else text
    visible = _without_invisible(text)
    return visible if len(visible) < len(text) else text


def _without_invisible(text: str) -> str:
    taken = SUPERFLUOUS + ("" if _RIGHT_TO_LEFT.search(text) else DIRECTIONS)
    return composed(_LOOSE_JOINERS.sub("", re.sub(f"[{taken}]", "", text)))


def has_other_script(size: SmsLength) -> bool:
    """Whether letters of another script force UCS-2, so that no single character is to blame."""
    return any(
        character.isalpha() and "LATIN" not in unicodedata.name(character, "")
        for character in size.culprits
    )


def shown_character(character: str) -> str:
    """`character` as people can read it: by its name or number if it can't be seen."""
    if character in INVISIBLE_NAMES:
        return str(INVISIBLE_NAMES[character])
    kind = unicodedata.category(character)
    if kind[0] in "CZ":
        return f"U+{ord(character):04X}"
    return f"◌{character}" if kind[0] == "M" else character
