"""Read single values of the gateway's JSON: numbers, amounts, times and texts.

Except for `load`, nothing here raises: a value that cannot be read is None or "".
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any

ID_MAX, STATUS_MAX, DESCRIPTION_MAX = 40, 30, 255  # characters; a longer id is rejected
MSISDN_MAX = 20  # characters; more than a phone has, so that a longer one equals none
CODE_MAX = 32_767
PLACES = 7  # decimal places of every amount that the gateway documents
_UNIT = Decimal(1).scaleb(-PLACES)
_EXACT = Context(prec=17, traps=[Inexact, InvalidOperation])  # ten digits before the point
_ROUNDING = Context(prec=17, traps=[InvalidOperation])
_NOISE = Decimal("1e-9")  # a number this near to one with seven places is that one
_NOISE_PLACES = 40  # decimal places at most; the text of a binary float near zero has so many
_MANY_PLACES = re.compile(r"\.[0-9]{8}")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_CODE = re.compile(r"[0-9]{1,5}")
_AMOUNT = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")


class NotJson(ValueError):  # noqa: N818
    """The text is not JSON."""


def load(text: str) -> Any:
    """The JSON of `text`, with exact decimals. Raises NotJson."""
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise NotJson("not JSON") from error


@lru_cache(maxsize=1_000)  # an answer names only one or two different prices
def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _reject_constant(_constant: str) -> None:
    """Read NaN and Infinity, which are not JSON, as null."""


def code(value: Any) -> int | None:
    """An error code, from a number or a string of digits; None for anything else."""
    if value == "0" or (isinstance(value, str) and _CODE.fullmatch(value.strip())):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= CODE_MAX else None


def amount(value: Any) -> Decimal | None:
    """An exact amount with seven decimal places, from a number or a string.

    The noise of binary floats (0.06899999999999999) is rounded away. None for anything else, also
    for an amount with more places: it is not documented and could not be kept without rounding.
    """
    number = value if isinstance(value, Decimal) else _decimal_of(value)
    return None if number is None else _to_seven_places(number)


def is_rounded(value: Any) -> bool:
    """Whether `amount` rounds the noise of a binary float away from `value`."""
    number = _decimal_of(value)
    return number is not None and _to_seven_places(number) not in (None, number)


def has_rounded_number(text: str) -> bool:
    """Whether the JSON `text` has a number that `amount` rounds."""
    if not (_MANY_PLACES.search(text) or "e-" in text):  # nearly always
        return False
    return any(is_rounded(number) for number in _NUMBER.findall(text))


def _decimal_of(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value.strip()) if _AMOUNT.fullmatch(value.strip()) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value if isinstance(value, Decimal) else None


@lru_cache(maxsize=1_000)
def _to_seven_places(value: Decimal) -> Decimal | None:
    try:
        return value.quantize(_UNIT, context=_EXACT)
    except InvalidOperation:
        return None
    except Inexact:
        return _without_noise(value)


def _without_noise(value: Decimal) -> Decimal | None:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_NOISE_PLACES:
        return None
    try:
        rounded = value.quantize(_UNIT, context=_ROUNDING)
    except InvalidOperation:
        return None
    return rounded + 0 if abs(value - rounded) <= _NOISE else None  # + 0: not minus zero


def price(
    entry: Mapping[str, Any], currency_of_all: str = "", key: str = "price"
) -> tuple[Decimal | None, str]:
    """The price of `entry` (None: not known) and its currency (or `currency_of_all`).

    A price that is negative or has no currency counts as not known.
    """
    currency_named = currency(entry.get("currency")) or currency_of_all
    named = amount(entry.get(key))
    return (named if named is not None and named >= 0 and currency_named else None), currency_named


def currency(value: Any) -> str:
    """A currency as three capital letters; "" for anything else."""
    return _currency(value) if isinstance(value, str) else ""


@lru_cache(maxsize=256)
def _currency(value: str) -> str:
    code = value.strip().upper()
    return code if _CURRENCY.fullmatch(code) else ""


def text(value: Any, longest: int = DESCRIPTION_MAX) -> str:
    """A string or an integer as text of at most `longest` characters; "" for anything else."""
    if not isinstance(value, str):
        return (
            str(value)[:longest] if isinstance(value, int) and not isinstance(value, bool) else ""
        )
    if value.isalnum() and value.isascii():
        return value[:longest]
    return printable(value).strip()[:longest]


def printable(value: str) -> str:
    """`value` without what a text column refuses: NUL and halves of surrogate pairs."""
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def identifier(value: Any) -> str:
    """The gateway's id of a message; "" if there is none or it is too long."""
    gateway_id = text(value, ID_MAX + 1)
    return gateway_id if len(gateway_id) <= ID_MAX else ""


def msisdn(value: Any) -> str:
    """A phone without its plus; "" if there is none."""
    return text(value, MSISDN_MAX).removeprefix("+")


def reference(value: Any) -> str | None:
    """The reference that an entry names; None if it names none."""
    return text(value, 64) or None


def moment(value: Any) -> datetime | None:
    """An aware time from `YYYY-MM-DD hh:mm:ss` in UTC; None if it is missing or unreadable."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value.strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def seconds(value: str | None) -> float | None:
    """Retry-After in seconds; None if it is missing, unreadable or a date (clocks differ)."""
    if value is None or not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value.strip()):
        return None
    return float(value)
