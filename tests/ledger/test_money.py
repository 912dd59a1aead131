"""Amounts stay exact from the gateway to the page."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from campaigns.shared.money import AmountField, InexactAmountError, exact, from_units, to_units


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        ("0", 0),
        ("0.0000001", 1),
        ("0.2300000", 2_300_000),
        ("-0.2800005", -2_800_005),
        ("123456789.1234567", 1234567891234567),
    ],
)
def test_amounts_survive_the_conversion_to_units(amount: str, units: int) -> None:
    assert to_units(Decimal(amount)) == units
    assert from_units(units) == Decimal(amount)


def test_eight_decimals_are_refused() -> None:
    with pytest.raises(InexactAmountError):
        to_units(Decimal("0.00000001"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.2300000", "0.23"),
        ("460", "460.00"),
        ("0.0125", "0.0125"),
        ("-3.5", "-3.50"),
        ("0.0000001", "0.0000001"),
        ("0", "0.00"),
    ],
)
def test_exact_shows_all_significant_decimals(amount: str, text: str) -> None:
    assert exact(Decimal(amount)) == text


def test_field_rejects_what_is_not_an_amount() -> None:
    field = AmountField()
    assert field.to_python("0.0125") == Decimal("0.0125")
    for invalid in ("a lot", "0.123456789"):
        with pytest.raises(ValidationError):
            field.to_python(invalid)
