"""Parses a cell into the E.164 digits of a mobile phone, or a reason why it is not one.

The rules are those of the library phonenumbers; prefix_rules.py applies them faster.
"""

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

import phonenumbers
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType, ValidationResult

from campaigns.contacts.phones.cell_texts import NULL_WORDS, unwrap_formula

MSISDN_MIN, MSISDN_MAX = 8, 15
MOBILE_TYPES = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


class Reason(TextChoices):
    """Why a row was rejected."""

    EMPTY = "empty", _("No phone in this row")
    TOO_SHORT = "too_short", _("Too few digits")
    TOO_LONG = "too_long", _("Too many digits")
    NO_SUCH_COUNTRY = "no_such_country", _("Unknown country code")
    NOT_A_MOBILE = "not_a_mobile", _("Not a mobile number")
    NO_SUCH_NUMBER = "no_such_number", _("This number does not exist")
    LETTERS = "letters", _("Letters in the number")
    SPREADSHEET_NUMBER = (
        "spreadsheet_number",
        _("Shortened by a spreadsheet, such as 3.80973E+11"),
    )
    SEVERAL_NUMBERS = "several_numbers", _("Several numbers in one cell")
    NOT_A_NUMBER = "not_a_number", _("Characters that no phone number has")
    # of rows whose contact is imported, and only their consent is not
    CONSENT = "consent", _("Consent is neither yes nor no; the contact is imported without it")
    CONSENT_DAY = (
        "consent_day",
        _("No valid day of consent; the contact is imported without its consent"),
    )


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid mobile phone: E.164 digits without the plus, and its country code (two letters).

    `guess`: how it was read if it is not valid as written (guesses.py); empty as a rule.
    """

    msisdn: str
    country: str
    guess: str = field(default="", compare=False)


Verdict = Phone | Reason

INVISIBLE = (
    "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2066\u2067\u2068\u2069\ufeff\u034f\u061c\u180e"
    "\ufe00\ufe01\ufe02\ufe03\ufe04\ufe05\ufe06\ufe07"  # selectors of variants, from PDF files
    "\ufe08\ufe09\ufe0a\ufe0b\ufe0c\ufe0d\ufe0e\ufe0f"
)
SPACES = (
    " \t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006"
    "\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
BRACKETS = "()[]\uff08\uff09"
QUOTES = "'\"`\u2018\u2019\u201c\u201d"  # Excel marks text by an apostrophe


def _cleaning_table() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        ord(sign): None for sign in INVISIBLE + SPACES + HYPHENS + BRACKETS + QUOTES + "\0"
    }
    table[ord("\uff0b")] = "+"
    for code in range(0x80, 0x1FBFA):  # full-width, Arabic and all other decimal digits
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table


CLEANING = _cleaning_table()
SCIENTIFIC_NOTATION = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE][+-]?\d+")
# numbers as some programs export them; no digit is lost
WHOLE_FLOAT = re.compile(r"(\+?\d{7,})[.,]0+")
DIGITS = re.compile(r"\+?[0-9]+")
LETTER = re.compile(r"[^\W\d_]")


def strip_formatting(raw: str) -> str:
    """The cell without spaces, hyphens, brackets, quotation marks and invisible characters."""
    return raw.translate(CLEANING)


def parse_cell(raw: str, default_country: str) -> Verdict:
    """Parse a cell; `default_country` is that of numbers without a country code.

    International (`+`, `00`) and national forms are parsed by the library. Digits that are invalid
    in the default country are parsed again with a plus, which lists often omit.
    """
    cell = unwrap_formula(raw).strip()
    if cell in NULL_WORDS:
        return Reason.EMPTY
    if SCIENTIFIC_NOTATION.fullmatch(cell):
        if not (digits := _all_digits(cell)):
            return Reason.SPREADSHEET_NUMBER
        cell = digits
    if whole := WHOLE_FLOAT.fullmatch(cell):
        cell = whole[1]
    cleaned = strip_formatting(cell).removeprefix("tel:")
    if DIGITS.fullmatch(cleaned):
        return parse_digits(cleaned, default_country)
    if LETTER.search(cleaned):
        return Reason.LETTERS
    if not any(sign.isdigit() for sign in cleaned):
        return Reason.EMPTY
    if len([part for part in re.split(r"[,;/|\n]", cleaned) if len(part) >= 7]) > 1:
        return Reason.SEVERAL_NUMBERS
    return parse_digits(re.sub(r"[./\n]", "", cleaned), default_country)


normalise = lru_cache(maxsize=8192)(parse_cell)  # the same invalid cells often repeat in a file


def _all_digits(cell: str) -> str:
    """The whole number that scientific notation stands for; empty if it has lost digits.

    3.80671110091E+11 -> 380671110091, 3.80671E+11 -> ""
    """
    mantissa, exponent = re.split("[eE]", cell)
    whole, _point, decimals = mantissa.lstrip("+").replace(",", ".").partition(".")
    places = int(exponent) if len(exponent) < 4 else -1
    if not whole.isdecimal() or not 0 <= places <= len(decimals) or decimals[places:].strip("0"):
        return ""
    digits = whole + decimals[:places]
    return digits if len(digits) >= MSISDN_MIN else ""


def parse_international(digits: str) -> Verdict:
    """Parse the digits of a number with its country code, without the plus."""
    return _parse(f"+{digits}", "") if DIGITS.fullmatch(digits) else Reason.NOT_A_NUMBER


def parse_digits(cleaned: str, default_country: str) -> Verdict:
    """Parse digits, with or without a plus, by the library."""
    if not DIGITS.fullmatch(cleaned):
        return Reason.NOT_A_NUMBER
    if cleaned.startswith("00"):
        cleaned = "+" + cleaned.lstrip("0")
    if len(cleaned) > 20:
        return Reason.TOO_LONG
    verdict = _parse(cleaned, default_country)
    if isinstance(verdict, Phone) or verdict is Reason.NOT_A_MOBILE or cleaned.startswith("+"):
        return verdict
    abroad = _parse("+" + cleaned, default_country)
    return abroad if isinstance(abroad, Phone) else verdict


def _parse(text: str, default_country: str) -> Verdict:
    try:
        number = phonenumbers.parse(text, default_country)
    except NumberParseException as unreadable:
        return _unreadable_reason(unreadable.error_type)
    # the library calls a number valid if its type is known
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        return _impossible_reason(number)
    return _phone(number) if kind in MOBILE_TYPES else Reason.NOT_A_MOBILE


def _phone(number: PhoneNumber) -> Verdict:
    msisdn = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
    if len(msisdn) < MSISDN_MIN:
        return Reason.TOO_SHORT
    if len(msisdn) > MSISDN_MAX:
        return Reason.TOO_LONG
    country = phonenumbers.region_code_for_number(number)
    # satellite phones have no price and no local time
    if not country or country == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY:
        return Reason.NO_SUCH_COUNTRY
    return Phone(msisdn, country)


def _unreadable_reason(error: int) -> Reason:
    if error == NumberParseException.INVALID_COUNTRY_CODE:
        return Reason.NO_SUCH_COUNTRY
    return Reason.TOO_LONG if error == NumberParseException.TOO_LONG else Reason.TOO_SHORT


def _impossible_reason(number: PhoneNumber) -> Reason:
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible == ValidationResult.TOO_LONG:
        return Reason.TOO_LONG
    if possible in (ValidationResult.TOO_SHORT, ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        return Reason.TOO_SHORT
    return (
        Reason.NO_SUCH_COUNTRY
        if possible == ValidationResult.INVALID_COUNTRY_CODE
        else Reason.NO_SUCH_NUMBER
    )


def country_code(country: str) -> int:
    """The code that international numbers of a country begin with: UA -> 380."""
    return phonenumbers.country_code_for_region(country)


def national_number(msisdn: str) -> str:
    """The number without its country code, which all forms contain: 380972920283 -> 972920283."""
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse("+" + msisdn))
    except NumberParseException:
        return msisdn


@lru_cache(maxsize=4096)
def format_phone(msisdn: str) -> str:
    """The phone as shown on pages: 380972920283 -> +380 97 292 0283."""
    try:
        number = phonenumbers.parse("+" + msisdn)
    except NumberParseException:
        return "+" + msisdn
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def searched_digits(phone: str) -> str:
    """The digits of a part of a phone, without the 00 that is dialled before a country code."""
    digits = "".join(sign for sign in strip_formatting(phone) if sign.isdecimal())
    only_zeros = not digits.strip("0")
    return digits if only_zeros else digits.removeprefix("00")


def first_digits(phone: str, default_country: str) -> str:
    """The first digits of a phone as stored: a 0 that is dialled stands for the country's code."""
    if not phone.startswith("0"):
        return phone
    return f"{country_code(default_country)}{phone.lstrip('0')}"
