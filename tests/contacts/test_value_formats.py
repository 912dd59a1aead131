"""Normal forms of typed values, and how they are shown."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils.translation import override

from campaigns.contacts.field_types.shown_values import as_cell, for_reader, in_message
from campaigns.contacts.field_types.value_formats import (
    ValueFormat,
    as_date,
    as_number,
    format_of_reader,
    read_value,
)
from campaigns.contacts.models import FieldType

V = ValueFormat


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("1234", "1234", "1234"),
        ("1,234.50", "1234.5", "1234.5"),
        ("1.234,50", "1234.5", "1234.5"),
        ("1.234", "1.234", "1234"),
        ("1,234", "1234", "1.234"),
        ("12,5", "12.5", "12.5"),
        ("1 234 567,8", "1234567.8", "1234567.8"),
        ("1\u00a0234", "1234", "1234"),
        ("1'234.5", "1234.5", "1234.5"),
        ("−7", "-7", "-7"),
        ("-0", "0", "0"),
        ("-0,00", "0", "0"),
        ("100.00", "100", "100"),
        ("0,125", "0.125", "0.125"),
        ("0.50", "0.5", "0.5"),
        ("12.00", "12", "12"),
        ("1,00,000", "100000", "100000"),
        ("100000000000000", "100000000000000", "100000000000000"),
        ("0.00000000000001", "0.00000000000001", "0.00000000000001"),
    ],
)
def test_numbers_get_their_normal_form(text: str, point: str, comma: str) -> None:
    assert (read_value(text, V.POINT), read_value(text, V.COMMA)) == (point, comma)


@pytest.mark.parametrize(
    "text",
    ["007", "-01", "00", "+380501234567", "12 34 56", "1e9", "1E+3", "12 UAH", "15%", "٣", "Kyiv",
     "1234567890123456", "123456789.1234567", "1,23,45", "0x10", "1..2", "--1", "½"],
)  # fmt: skip
def test_what_is_no_number_for_certain_is_not_read(text: str) -> None:
    assert (read_value(text, V.POINT), read_value(text, V.COMMA)) == (None, None)


@pytest.mark.parametrize(
    ("text", "day_first", "month_first"),
    [
        ("2026-11-30", "2026-11-30", "2026-11-30"),
        ("2026/1/2", "2026-01-02", "2026-01-02"),
        ("2026-11-30 00:00:00", "2026-11-30", "2026-11-30"),
        ("2026-11-30T00:00:00Z", "2026-11-30", "2026-11-30"),
        ("1.2.2026", "2026-02-01", "2026-01-02"),
        ("01.02.2026.", "2026-02-01", "2026-01-02"),
        ("01/02/2026", "2026-02-01", "2026-01-02"),
        ("31.12.1899", "1899-12-31", None),
        ("12/31/1990", None, "1990-12-31"),
        ("29.02.2024", "2024-02-29", None),
        ("29.02.2025", None, None),
        ("0000-00-00", None, None),
        ("2026-11-30 15:30", None, None),
        ("31.12.90", None, None),
        ("20261130", None, None),
        ("1-2.2026", None, None),
        ("45991", None, None),
    ],
)
def test_dates_get_their_normal_form(
    text: str, day_first: str | None, month_first: str | None
) -> None:
    read = (read_value(text, V.DAY_FIRST), read_value(text, V.MONTH_FIRST))
    assert read == (day_first, month_first)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("Yes", "yes"), ("ТАК", "yes"), ("да", "yes"), ("TRUE", "yes"), ("1", "yes"), ("Όχι", "no"),
     ("ні", "no"), ("false", "no"), ("0", "no"), ("maybe", None), ("2", None)],
)  # fmt: skip
def test_yes_and_no_are_read_in_many_languages(text: str, normal: str | None) -> None:
    assert read_value(text, V.YES_NO) == normal


def test_a_normal_form_is_read_as_itself_and_shown_as_it_was_read() -> None:
    normal = {V.POINT: "1234.5", V.DAY_FIRST: "2026-02-01", V.MONTH_FIRST: "2026-02-01"}
    assert {each: read_value(text, each) for each, text in normal.items()} == normal
    for language in ("en-gb", "en-us", "uk", "de", "hu", "lt"):
        with override(language):
            for kind, value in {
                FieldType.NUMBER: "-1234567.5",
                FieldType.DATE: "2026-02-01",
                FieldType.YES_NO: "no",
            }.items():
                assert read_value(for_reader(value, kind), format_of_reader(kind)) == value


def test_values_are_shown_in_the_language_of_the_reader_and_of_messages() -> None:
    with override("uk"):
        assert for_reader("2026-11-30", FieldType.DATE) == "30.11.2026"
        assert for_reader("12500.5", FieldType.NUMBER) == "12\u00a0500,5"
        assert in_message("2026-11-30", FieldType.DATE) == "30/11/2026"
        assert in_message("12500.5", FieldType.NUMBER) == "12,500.5"
    assert for_reader("2026", FieldType.NUMBER) == "2026"  # may be a year
    assert for_reader("yes", FieldType.YES_NO) == "yes"


def test_spaces_in_messages_are_plain(settings: pytest.FixtureRequest) -> None:
    settings.LANGUAGE_CODE = "uk"  # type: ignore[attr-defined]
    assert in_message("12500.5", FieldType.NUMBER) == "12 500,5"


@pytest.mark.parametrize("value", ["abc", "2026-02-30", "1.50", "007", "", "maybe"])
@pytest.mark.parametrize("kind", list(FieldType))
def test_a_value_that_is_not_of_the_type_stays_as_it_is(value: str, kind: FieldType) -> None:
    assert for_reader(value, kind) == in_message(value, kind) == as_cell(value, kind) == value


def test_cells_of_exports_are_numbers_and_dates() -> None:
    assert as_cell("1234.5", FieldType.NUMBER) == Decimal("1234.5") == as_number("1234.5")
    assert as_cell("2026-11-30", FieldType.DATE) == date(2026, 11, 30) == as_date("2026-11-30")
    assert as_cell("1234.5", FieldType.TEXT) == "1234.5"
