"""Reads numbers that are not valid as written: older and domestic forms, several in one cell.

A guess never makes a number valid silently: whoever allows one is told how often it was made, and
can do without. It is taken only if exactly one valid mobile number results, and no other reading
is a phone that no message may go to.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import phonenumbers
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from phonenumbers import PhoneMetadata

from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.parsing import Phone, Reason, Verdict


class Guess(TextChoices):
    """How a number was read that is not valid as it is written."""

    OLDER_FORM = "older_form", _("Numbers in an older or domestic form")
    FIRST_OF_SEVERAL = "first_of_several", _("Cells with several numbers")


ALL = frozenset(Guess)
NONE: frozenset[Guess] = frozenset()
# Reasons that another form of the number may explain. A landline is one in any form.
UNCLEAR = frozenset(
    {Reason.TOO_SHORT, Reason.TOO_LONG, Reason.NO_SUCH_NUMBER, Reason.NO_SUCH_COUNTRY}
)
# Countries where 8 was dialled before the area code: 8 (067) in Ukraine, 8 029 in Belarus
EIGHT_HOMES = frozenset({"UA", "BY", "RU", "KZ"})
BETWEEN_NUMBERS = re.compile(r":::|[,;/|\n\r\\]|\s{2,}|\s(?=\+)")
MIN_DIGITS = 7  # of each of several numbers


def read_cell(raw: str, default_country: str, allowed: frozenset[Guess] = ALL) -> Verdict:
    """As parsing.normalise, but with the allowed guesses; Phone.guess says which one was made."""
    verdict = parsing.normalise(raw, default_country)
    if isinstance(verdict, Phone):
        return verdict
    if Guess.FIRST_OF_SEVERAL in allowed and (first := _first_of_several(raw, default_country)):
        return first
    if Guess.OLDER_FORM in allowed and (newer := _newer_form(raw, verdict, default_country)):
        return newer
    return verdict


read = lru_cache(maxsize=8192)(read_cell)  # the same invalid cells often repeat in a file


def _first_of_several(raw: str, default_country: str) -> Phone | None:
    parts = [part for part in BETWEEN_NUMBERS.split(raw) if part.strip()]
    if len(parts) < 2:
        return None
    for part in parts:
        if sum(map(str.isdigit, part)) < MIN_DIGITS:
            continue
        verdict = parsing.normalise(part, default_country)
        if isinstance(verdict, Phone):
            return replace(verdict, guess=Guess.FIRST_OF_SEVERAL)
    return None


def _newer_form(raw: str, verdict: Reason, default_country: str) -> Phone | None:
    if verdict not in UNCLEAR:
        return None
    digits = re.sub(r"[./]", "", parsing.strip_formatting(raw)).removeprefix("tel:")
    international = digits.startswith(("+", "00"))
    digits = digits.removeprefix("+")
    digits = digits.removeprefix("00") if international else digits
    if not digits.isascii() or not digits.isdecimal():
        return None
    readings = [
        parsing.parse_international(form)
        for form in dict.fromkeys(_newer_forms(digits, default_country, international))
    ]
    phones = {reading for reading in readings if isinstance(reading, Phone)}
    if len(phones) != 1 or Reason.NOT_A_MOBILE in readings:
        return None
    return replace(phones.pop(), guess=Guess.OLDER_FORM)


def _newer_forms(digits: str, default_country: str, international: bool) -> Iterator[str]:
    """International digits that the number may stand for today."""
    home = str(parsing.country_code(default_country))
    if re.fullmatch(r"521\d{10}", digits):  # until 2019 mobiles of Mexico had a 1 before them
        yield "52" + digits[3:]
    if default_country == "MX" and (old := re.fullmatch(r"(?:1|04[45])(\d{10})", digits)):
        yield "52" + old[1]
    if default_country in EIGHT_HOMES and digits.startswith("8"):
        yield from _after_eight(digits)
    for length in (1, 2, 3) if international else (len(home),):
        code, national = digits[:length], digits[length:]
        if (international or code == home) and int(
            code
        ) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
            for trunk in _trunk_prefixes(int(code)):
                if national.startswith(trunk):
                    yield code + national.removeprefix(trunk)
    if digits.startswith("0"):  # where no zero is dialled, or one is after a plus
        yield home + digits[1:]


def _after_eight(digits: str) -> Iterator[str]:
    if digits.startswith("810"):  # 8, then 10 for other countries
        yield digits[3:]
    if len(digits) != 11:
        return
    if digits.startswith("80"):
        yield f"3{digits}"  # Ukraine: 8 0XX
        yield f"375{digits[2:]}"  # Belarus: 8 0XX
    yield f"7{digits[1:]}"  # Russia and Kazakhstan: 8 XXX


def _trunk_prefixes(code: int) -> list[str]:
    """What is dialled before a number within the countries of a code, and a zero."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]
    metadata = PhoneMetadata.metadata_for_region(regions[0], None)
    prefix = (metadata and metadata.national_prefix) or "0"
    return list(dict.fromkeys((prefix, "0", f"{prefix}0")))
