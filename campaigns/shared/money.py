"""Amounts of money: exact decimals with the gateway's seven places, stored as integers.

SQLite stores a DecimalField as a float; ten-millionths in a 64-bit integer are exact on every
engine.
"""

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from campaigns.shared.typed_numbers import read_number

PLACES = 7
ZERO = Decimal(0)
CENT = Decimal("0.01")
TABLE_PLACES = 4
TABLE_UNIT = Decimal(1).scaleb(-TABLE_PLACES)


class InexactAmountError(ValueError):
    """An amount with more than seven decimal places. The gateway names none; rounding would lose
    money.
    """


@lru_cache(maxsize=10_000)  # prices repeat: a price list has a few hundred
def to_units(amount: Decimal) -> int:
    """`amount` in ten-millionths. Raises InexactAmountError if that is not a whole number."""
    units = amount.scaleb(PLACES)
    whole = int(units)
    if whole != units:
        raise InexactAmountError(f"{amount} has more than {PLACES} decimal places")
    return whole


def from_units(units: int) -> Decimal:
    """The amount of `units` ten-millionths."""
    return Decimal(units).scaleb(-PLACES)


def exact(amount: Decimal) -> str:
    """All significant decimals, at least two: 0.2300000 -> "0.23", 0.0125 -> "0.0125"."""
    text = f"{amount:.{PLACES}f}".rstrip("0")
    whole, _point, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(2, '0')}"


def on_card(amount: Decimal) -> Decimal:
    """`amount` as cards show it: two decimals, half a cent rounded up; less than a cent is kept."""
    return amount if 0 < abs(amount) < CENT else amount.quantize(CENT, ROUND_HALF_UP)


def in_table(amount: Decimal) -> Decimal:
    """`amount` as tables show it: rounded to four decimals, half of the last one up."""
    return amount.quantize(TABLE_UNIT, ROUND_HALF_UP)


class AmountInput(forms.DecimalField):
    """A form's field for an amount of money, with the gateway's decimal places."""

    def __init__(self, **options: Any) -> None:
        widget = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(
            **{"max_digits": 18, "decimal_places": PLACES, "widget": widget, **options}
        )

    def to_python(self, value: Any) -> Decimal | None:  # type: ignore[override]
        if value in self.empty_values or not isinstance(value, str):
            return super().to_python(value)
        number = read_number(value)
        if number is None and value.strip():
            example = number_format(Decimal("1234.50"), force_grouping=True)
            raise ValidationError(
                _("Enter a number, such as %(example)s.") % {"example": example}, code="invalid"
            )
        return number


if TYPE_CHECKING:
    IntegerColumn = models.BigIntegerField[Decimal | int | None, Any]
else:
    IntegerColumn = models.BigIntegerField


class AmountField(IntegerColumn):
    """A Decimal in Python, an integer of ten-millionths in the database. NULL: not yet known."""

    def from_db_value(self, value: int | None, *args: Any) -> Decimal | None:
        return None if value is None else from_units(int(value))

    def get_prep_value(self, value: Any) -> int | None:
        return None if value is None else to_units(Decimal(value))

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        try:
            amount = Decimal(str(value))
            to_units(amount)
        except ArithmeticError as error:
            raise ValidationError(_("Enter an amount, such as 0.0125.")) from error
        except InexactAmountError as error:
            raise ValidationError(_("Enter at most seven decimal places.")) from error
        return amount

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, **kwargs: Any) -> Any:
        return AmountInput(required=not self.blank, label=kwargs.get("label", self.verbose_name))
