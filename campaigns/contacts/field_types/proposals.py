"""Proposes how the values of a column are to be read, from the values themselves.

A type needs nine values in ten. Where codes and numbers look alike, the column stays text: that
changes nothing, and the user can choose otherwise.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from campaigns.contacts.field_types.value_formats import (
    CODE,
    NO,
    YES,
    ValueFormat,
    format_of_reader,
    read_value,
)
from campaigns.contacts.models import FieldType

MIN_SHARE = 0.9  # of the values, for a type
MIN_NUMBERS = 2  # one alone may be anything
CODE_DIGITS = 9  # as many are a phone, an account or a card
EQUAL_DIGITS = 4  # if all have the same number of digits, they are postcodes, years or codes
WORDS_FOR_CODES = """
    id ids uid uuid guid code kod cod kodas nr no num number nomer numer broj phone tel telefon
    mobile mob zip zipcode postcode postal postkod index indeks poshtovyi card karta kartka inn ipn
    rnokpp edrpou tax vat nip cui iban account rakhunok schet passport pasport order zamovlennia
    zakaz contract dohovir dogovor sku article artykul artikul barcode shtrykhkod pin password login
"""
CODE_WORDS = frozenset(WORDS_FOR_CODES.split())


def propose_format(
    values: Sequence[str],
    name: str = "",
    *,
    of_type: FieldType | None = None,
    is_workbook: bool = False,
) -> ValueFormat:
    """The format of a column with these `values`; empty ones do not count.

    `name`: its merge tag. `of_type`: the type that the field has already. Where the values do not
    say in which order day and month are, or what a comma is, the reader's language decides; a
    workbook's numbers have a point. TEXT for everything that is not certainly of another type.
    """
    filled = [value for value in values if value]
    if of_type is not None:
        return _format_of_type(of_type, filled, is_workbook)
    for field_type in (FieldType.DATE, FieldType.YES_NO, FieldType.NUMBER):
        proposed = _format_of_type(field_type, filled, is_workbook)
        read = [read_value(value, proposed) for value in filled]
        enough = filled and len(read) - read.count(None) >= MIN_SHARE * len(read)
        if enough and IS_SURE[field_type](filled, read, name):
            return proposed
    return ValueFormat.TEXT


def _format_of_type(field_type: FieldType, filled: Sequence[str], is_workbook: bool) -> ValueFormat:
    reader = format_of_reader(field_type)
    if field_type == FieldType.NUMBER:
        if is_workbook:
            reader = ValueFormat.POINT
        return _decided(filled, ValueFormat.POINT, ValueFormat.COMMA, reader)
    if field_type == FieldType.DATE:
        return _decided(filled, ValueFormat.DAY_FIRST, ValueFormat.MONTH_FIRST, reader)
    return reader


def _decided(
    filled: Sequence[str], first: ValueFormat, second: ValueFormat, reader: ValueFormat
) -> ValueFormat:
    """`first` or `second`, whichever the values speak for; `reader` if for none."""
    votes = Counter(_vote(value, first, second) for value in filled)
    if votes[first] == votes[second]:
        return reader
    return first if votes[first] > votes[second] else second


def _vote(value: str, first: ValueFormat, second: ValueFormat) -> ValueFormat | None:
    one, other = read_value(value, first), read_value(value, second)
    if one != other:  # only one of them is possible, or both
        return first if other is None else second if one is None else None
    if one is None or first != ValueFormat.POINT:
        return None
    marks = [sign for sign in value if sign in ".,"]
    if not marks:
        return None
    begins_decimals = marks.count(marks[-1]) == 1
    return first if (marks[-1] == ".") == begins_decimals else second


def _are_dates(filled: Sequence[str], read: Sequence[str | None], name: str) -> bool:
    return True


def _are_answers(filled: Sequence[str], read: Sequence[str | None], name: str) -> bool:
    """Whether there are both answers, and words: 1 and 0 alone are numbers."""
    has_words = not all(value.isdigit() for value in filled)
    return has_words and YES in read and NO in read


def _are_numbers(filled: Sequence[str], read: Sequence[str | None], name: str) -> bool:
    """Whether they are amounts, and no phones, postcodes or codes."""
    if len(filled) < MIN_NUMBERS or not CODE_WORDS.isdisjoint(name.lower().split("_")):
        return False
    if any(CODE.match(value) or value.startswith("+") for value in filled):
        return False
    whole = [value for value in filled if value.isascii() and value.isdigit()]
    lengths = {len(value) for value in whole}
    if max(lengths, default=0) >= CODE_DIGITS:
        return False
    are_alike = len(whole) == len(filled) and len(lengths) == 1
    return not (are_alike and lengths.pop() >= EQUAL_DIGITS)


IsSure = Callable[[Sequence[str], Sequence[str | None], str], bool]
IS_SURE: dict[FieldType, IsSure] = {
    FieldType.DATE: _are_dates,
    FieldType.YES_NO: _are_answers,
    FieldType.NUMBER: _are_numbers,
}
