"""Numbers as people type them: decimal comma or point, and thousands in groups."""

import re
from decimal import Decimal

from django.utils.formats import get_format

from campaigns.shared.text import trimmed

BLANKS = re.compile(r"[\s'’]")  # \s includes the no-break spaces
MINUS = re.compile("^[−–]")
NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?", re.ASCII)


def read_number(typed: str, *, whole: bool = False, point: str = "") -> Decimal | None:
    """The number in `typed`; None if it is none.

    Invisible signs around it do not count. Blanks and apostrophes separate thousands, as do commas
    or points before each group of three digits: 1,200 or 1.200,50; also lakhs, as 1,00,000. Any
    other comma or point begins the decimals. Where both are possible, as in 1.234, `point` decides,
    by default that of the reader's language, and for a number that has to be `whole` it is a
    thousand.
    """
    text = MINUS.sub("-", BLANKS.sub("", trimmed(typed)))
    for group, other in (",.", ".,"):
        if _is_grouped(text, group, other, whole=whole, point=point):
            text = text.replace(group, "")
            break
    text = text.replace(",", ".")
    return Decimal(text) if NUMBER.fullmatch(text) else None


def _is_grouped(text: str, group: str, other: str, *, whole: bool, point: str) -> bool:
    groups = rf"-?[1-9]\d{{0,2}}([{group}]\d{{3}})+|-?[1-9]\d?([{group}]\d\d)+[{group}]\d{{3}}"
    if not re.fullmatch(rf"({groups})([{other}]\d+)?", text, re.ASCII):
        return False
    is_ambiguous = text.count(group) == 1 and other not in text
    return whole or not is_ambiguous or (point or get_format("DECIMAL_SEPARATOR")) != group
