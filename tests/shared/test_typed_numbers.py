"""Numbers as people type them."""

from decimal import Decimal

import pytest
from django import forms
from django.utils import translation

from campaigns.shared.money import AmountInput
from campaigns.shared.typed_numbers import read_number


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12,50", "12.50"),  # budgets of dannymcc/may 237, DumbWareio/DumbBudget 39
        ("1 234,50", "1234.50"),  # koalyptus/TableFilter 494
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234\u202f567,5", "1234567.5"),
        ("1,234.50", "1234.50"),  # thomasloven/lovelace-auto-entities 566
        ("1.234.567,89", "1234567.89"),
        ("1'234’567", "1234567"),
        ("1,00,000", "100000"),  # lakhs
        ("12,34,567.50", "1234567.50"),
        ("1,234", "1234"),
        ("1.234", "1.234"),  # not a thousand in English
        ("0,005", "0.005"),
        ("1,2345", "1.2345"),
        ("−5,5", "-5.5"),
        (" 7 ", "7"),
        ("1234\u202c", "1234"),  # microsoft/calculator#504, #1237: copied with a mark of direction
        ("\u200f\u22125", "-5"),  # PrairieLearn/PrairieLearn#135
        ("29\u2007000", "29000"),  # apache/ofbiz-framework#845
        ("1'234'567.89", "1234567.89"),  # thomasokken/free42#48
        ("1,000,100.01", "1000100.01"),  # globalizejs/globalize#148
        ("1.127,54", "1127.54"),  # ex-money/money#112
        ("1,23", "1.23"),  # ing-bank/lion#1731, daimo-eth/daimo#126
    ],
)
def test_number_is_read_as_it_is_written(typed: str, number: str) -> None:
    assert str(read_number(typed)) == number


@pytest.mark.parametrize(
    "typed",
    [
        *("", "all", "1e3", "1,20,0", "1.2.3", "12 EUR", "٣", "1,200,00", ".", "NaN", "Infinity"),
        "12.875.19",  # autoNumeric/autoNumeric#143
        "1000,100.01",  # globalizejs/globalize#148
        *("\u200e", "5\u200b5"),
    ],
)
def test_anything_else_is_no_number(typed: str) -> None:
    assert read_number(typed) is None


def test_language_decides_where_both_are_possible() -> None:
    assert read_number("1.234", whole=True) == 1234
    with translation.override("de"):
        assert read_number("1.234") == 1234
        assert read_number("1,234") == Decimal("1.234")


@pytest.mark.parametrize(
    ("typed", "value", "errors"),
    [
        ("12,50", Decimal("12.50"), []),
        ("1 000.50", Decimal("1000.50"), []),
        ("", None, []),
        ("a lot", None, ["Enter a number, such as 1,234.50."]),
        ("-1", None, ["Ensure this value is greater than or equal to 0."]),
        ("1,00000001", None, ["Ensure that there are no more than 7 decimal places."]),
    ],
)
def test_amount_of_a_form(typed: str, value: Decimal | None, errors: list[str]) -> None:
    class Form(forms.Form):
        amount = AmountInput(min_value=0, required=False)

    form = Form({"amount": typed})
    assert form.errors.get("amount", []) == errors
    assert form.cleaned_data.get("amount") == value
    assert 'type="text"' in str(form["amount"])
