"""How typed values are written, and the one normal form that is stored of each.

A number is "1234.5": no exponent, no zeros at the end, at most 15 digits, which databases and
spreadsheets keep exactly. A date is "2026-11-30", a yes or no "yes" or "no". Whatever cannot be
read stays a text.
"""

import re
from datetime import date
from decimal import Decimal

from django.db.models import TextChoices
from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _

from campaigns.contacts.models import FieldType
from campaigns.shared.typed_numbers import BLANKS, read_number

YES, NO = "yes", "no"
WORDS_FOR_YES = """
    yes y true t 1 так да da истина істина вярно ναι tak ja wahr oui vrai si sí sì evet ano áno igen
"""
WORDS_FOR_NO = """
    no n false f 0 ні нет не nu ne ложь хибність невярно όχι οχι nie nein falsch non faux hayır nem
"""
YES_WORDS, NO_WORDS = frozenset(WORDS_FOR_YES.split()), frozenset(WORDS_FOR_NO.split())
NORMAL_NUMBER = re.compile(r"-?(?=[1-9]|0\.|0\Z)(?=(\d\.?){1,15}\Z)\d+(\.\d*[1-9])?", re.ASCII)
WHOLE_NUMBER = re.compile(r"-?[1-9]\d{0,14}", re.ASCII)
NORMAL_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# The sign begins decimals: no group of three digits follows it.
DECIMAL_NUMBER = re.compile(r"-?(0|[1-9]\d{0,8})[.,](\d\d?|\d{4,6})", re.ASCII)
CODE = re.compile(r"[-−–]?0\d", re.ASCII)  # zeros at the beginning belong to codes
IN_GROUPS = re.compile(r"[-−–]?[0-9]{1,3}([\s'’][0-9]{3})+([.,][0-9]+)?")
MIDNIGHT = r"([T ]00:00(:00(\.0+)?)?Z?)?"  # of a program that knows no dates without a time
YEAR_FIRST = re.compile(rf"(\d{{4}})([-./])(\d\d?)\2(\d\d?)\.?{MIDNIGHT}", re.ASCII)
YEAR_LAST = re.compile(rf"(\d\d?)([-./])(\d\d?)\2(\d{{4}})\.?{MIDNIGHT}", re.ASCII)


class ValueFormat(TextChoices):
    """How the values of a column are written, where that is open: a type, and how to read it."""

    TEXT = "text", _("Text")
    POINT = "point", _("Number, as in 1,234.5")
    COMMA = "comma", _("Number, as in 1.234,5")
    DAY_FIRST = "day_first", _("Date, day before month")
    MONTH_FIRST = "month_first", _("Date, month before day")
    YES_NO = "yes_no", _("Yes or no")

    @property
    def type(self) -> FieldType:
        return TYPES[self]


TYPES = {
    ValueFormat.TEXT: FieldType.TEXT,
    ValueFormat.POINT: FieldType.NUMBER,
    ValueFormat.COMMA: FieldType.NUMBER,
    ValueFormat.DAY_FIRST: FieldType.DATE,
    ValueFormat.MONTH_FIRST: FieldType.DATE,
    ValueFormat.YES_NO: FieldType.YES_NO,
}


def format_of_reader(field_type: FieldType) -> ValueFormat:
    """How the reader of the page writes values of this type."""
    if field_type == FieldType.NUMBER:
        comma = get_format("DECIMAL_SEPARATOR") == ","
        return ValueFormat.COMMA if comma else ValueFormat.POINT
    if field_type == FieldType.DATE:
        order = str(get_format("SHORT_DATE_FORMAT")).lower().replace("n", "m").replace("j", "d")
        month_first = order.find("m") < order.find("d") and not order.startswith("y")
        return ValueFormat.MONTH_FIRST if month_first else ValueFormat.DAY_FIRST
    return ValueFormat.YES_NO if field_type == FieldType.YES_NO else ValueFormat.TEXT


def read_value(text: str, value_format: ValueFormat) -> str | None:
    """The normal form of `text`; None if it cannot be read so. A text is its own normal form."""
    match value_format.type:
        case FieldType.NUMBER:
            return _read_number(text, "," if value_format == ValueFormat.COMMA else ".")
        case FieldType.DATE:
            return _read_date(text, month_first=value_format == ValueFormat.MONTH_FIRST)
        case FieldType.YES_NO:
            word = text.casefold()
            return YES if word in YES_WORDS else NO if word in NO_WORDS else None
    return text


def _read_number(text: str, point: str) -> str | None:
    if WHOLE_NUMBER.fullmatch(text):
        return text
    if DECIMAL_NUMBER.fullmatch(text):
        normal = text.replace(",", ".").rstrip("0").rstrip(".")
        return normal if normal != "-0" else "0"
    if CODE.match(text) or (BLANKS.search(text) and not IN_GROUPS.fullmatch(text)):
        return None
    number = read_number(text, point=point)
    return None if number is None else normal_number(number)


def normal_number(number: Decimal) -> str | None:
    """The normal form of `number`; None if it has too many digits."""
    if not number:
        return "0"
    normal = format(number.normalize(), "f")
    return normal if NORMAL_NUMBER.fullmatch(normal) else None


def _read_date(text: str, *, month_first: bool) -> str | None:
    if found := YEAR_FIRST.fullmatch(text):
        year, month, day = found[1], found[3], found[4]
    elif found := YEAR_LAST.fullmatch(text):
        year, month, day = found[4], found[3], found[1]
        if month_first:
            month, day = day, month
    else:
        return None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def as_number(value: str) -> Decimal | None:
    """The number whose normal form is `value`; None for any other text."""
    return Decimal(value) if NORMAL_NUMBER.fullmatch(value) else None


def as_date(value: str) -> date | None:
    """The date whose normal form is `value`; None for any other text."""
    if not NORMAL_DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None
