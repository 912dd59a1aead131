"""Phones as users see them who must not know them."""

import re

MASK = "•••"
_FIRST, _LAST, _HIDDEN = 4, 2, 5  # digits that are shown at most, and hidden at least
_CELL_DIGITS = 5  # of a cell that may hold a phone, such as one without its area code
# a run of digits that may be a phone, or one that begins with a plus and is grouped for reading
_PHONE = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9]{8,15}|\+[0-9](?:[ \u00a0().-]{0,2}[0-9]){6,14})(?![0-9A-Za-z])"
)


def mask_phone(msisdn: str) -> str:
    """E.164 digits without those in the middle: 380972920283 -> "3809•••83"; of a short phone,
    fewer are shown.
    """
    first = max(0, min(_FIRST, len(msisdn) - _LAST - _HIDDEN))
    return f"{msisdn[:first]}{MASK}{msisdn[-_LAST:]}"


def mask_phones_in(text: str) -> str:
    """`text` without the middle of whatever in it may be a phone."""
    return _PHONE.sub(_masked, text)


def mask_cell(text: str) -> str:
    """A cell of a file, without its digits if it may hold a phone in any spelling."""
    digits = sum(sign.isdecimal() for sign in text)
    if digits < _CELL_DIGITS:
        return text
    return "".join("•" if sign.isdecimal() else sign for sign in text)


def _masked(match: re.Match[str]) -> str:
    plus = "+" if match[0].startswith("+") else ""
    return plus + mask_phone("".join(sign for sign in match[0] if sign.isdecimal()))
