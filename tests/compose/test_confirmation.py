"""Confirming a launch: figures as users type them, and the form that checks them."""

from decimal import Decimal

import pytest

from campaigns.compose.launch.confirmation import parse_figure
from campaigns.compose.pages.launch_forms import LaunchConfirmationForm
from campaigns.compose.pricing.estimate import CostRange, Estimate


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1200", "1200"),
        ("1,200", "1200"),
        (" 1 200 ", "1200"),
        ("1\u00a0200", "1200"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("1'234’567", "1234567"),
        ("1,234,567.89", "1234567.89"),
        ("1.234.567,89", "1234567.89"),
        ("26.4", "26.4"),
        ("26,40", "26.40"),
        ("0,005", "0.005"),  # nothing is grouped behind a nought
        ("26,40 EUR", "26.40"),
        ("eur 26.40", "26.40"),
    ],
)
def test_figures_are_parsed_in_every_usual_notation(typed: str, expected: str) -> None:
    assert parse_figure(typed, "EUR") == Decimal(expected)


def test_point_before_three_digits_begins_the_decimals_of_an_amount_only() -> None:
    assert parse_figure("1.234", "EUR") == Decimal("1.234")
    assert parse_figure("1.234") == 1234


@pytest.mark.parametrize(
    "values", ["", "all", "-5", "1e3", "1,20,0", "1.2.3", "26 USD", "٣", "9" * 16, "1,200,00", "."]
)
def test_anything_else_is_not_a_figure(values: str) -> None:
    assert parse_figure(values, "EUR") is None


def confirm(**values: str) -> LaunchConfirmationForm:
    """What 1,200 people who cost 26.4049 EUR and 1.0051 USD at most are confirmed by."""
    totals = {
        "EUR": CostRange(Decimal(20), Decimal("26.4049")),
        "USD": CostRange(Decimal(1), Decimal("1.0051")),
    }
    return LaunchConfirmationForm(1200, Estimate(totals=totals, recipients=1200), values)


def test_each_currency_is_confirmed_to_the_cent() -> None:
    assert confirm(recipients="1,200", cost_EUR="26,40", cost_USD="1.01").is_valid()
    assert confirm(recipients="1200", cost_EUR="26.4049", cost_USD="1.0051 USD").is_valid()


def test_wrong_figures_are_reported_at_their_fields() -> None:
    assert confirm(recipients="1201", cost_EUR="20", cost_USD="").errors == {
        "recipients": ["The audience is now 1,200 recipients, not 1,201."],
        "cost_EUR": ["The maximum cost is now 26.40 EUR, not 20."],
        "cost_USD": ["Type the maximum cost to confirm."],
    }
