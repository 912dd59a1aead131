"""The type of a column, from its values."""

import pytest
from django.utils.translation import override

from campaigns.contacts.field_types.proposals import propose_format
from campaigns.contacts.field_types.value_formats import ValueFormat
from campaigns.contacts.models import FieldType

V = ValueFormat


@pytest.mark.parametrize(
    ("values", "proposed"),
    [
        (["12", "7.5", "", "1300"], V.POINT),
        (["12", "7,5", "1300"], V.COMMA),
        (["1.234,50", "12"], V.COMMA),
        (["12.00", "7.00"], V.POINT),
        (["1.234.567", "5"], V.COMMA),
        (["31.12.1990", "01.02.1991"], V.DAY_FIRST),
        (["12/31/1990", "01/02/1991"], V.MONTH_FIRST),
        (["2026-11-30", "31/12/1990"], V.DAY_FIRST),
        (["так", "ні", "так"], V.YES_NO),
        (["TRUE", "FALSE"], V.YES_NO),
    ],
)
def test_values_decide_the_type_and_how_it_is_written(
    values: list[str], proposed: ValueFormat
) -> None:
    for language in ("en-gb", "en-us", "uk"):
        with override(language):
            assert propose_format(values) == proposed


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["12"],  # one alone
        ["01001", "65000", "12"],  # postcodes
        ["65000", "79005", "40001"],  # all of the same length
        ["1990", "2001", "1985"],  # years
        ["380501234567", "380671112233"],
        ["123456789", "5"],
        ["+12", "+15"],
        ["007", "12", "15"],
        ["yes", "yes"],  # one answer may be a name or a country
        ["SI", "SI", "UA", "NO"],
        ["Kyiv", "Lviv"],
        ["1", "2", "3", "4", "5", "6", "7", "8", "a", "b"],  # eight in ten
    ],
)
def test_what_may_be_codes_or_words_stays_text(values: list[str]) -> None:
    assert propose_format(values) == V.TEXT


@pytest.mark.parametrize("name", ["id", "client_id", "code", "nomer_karty", "postcode", "inn"])
def test_the_name_of_a_code_keeps_it_a_text(name: str) -> None:
    assert propose_format(["1", "25", "300"], name) == V.TEXT
    assert propose_format(["1", "25", "300"], "bonus") == V.POINT


def test_one_value_in_ten_may_be_something_else() -> None:
    assert propose_format([*map(str, range(9)), "many"]) == V.POINT
    assert propose_format([*map(str, range(8)), "many", "few"]) == V.TEXT


def test_the_language_of_the_reader_decides_only_what_is_open() -> None:
    dates, numbers = ["01/02/1990", "03/04/1991"], ["1.234", "5.678"]
    found = {}
    for language in ("en-gb", "en-us", "uk"):
        with override(language):
            found[language] = (propose_format(dates), propose_format(numbers))
    assert found == {
        "en-gb": (V.DAY_FIRST, V.POINT),
        "en-us": (V.MONTH_FIRST, V.POINT),
        "uk": (V.DAY_FIRST, V.COMMA),
    }


def test_numbers_of_a_workbook_have_a_point() -> None:
    with override("uk"):
        assert propose_format(["1.234", "5.678"], is_workbook=True) == V.POINT


def test_the_type_of_a_list_stays_and_the_values_say_how_it_is_written() -> None:
    assert propose_format(["x"], of_type=FieldType.TEXT) == V.TEXT
    assert propose_format(["2026-01-01"], of_type=FieldType.TEXT) == V.TEXT
    assert propose_format(["12/31/1990"], of_type=FieldType.DATE) == V.MONTH_FIRST
    assert propose_format([], of_type=FieldType.YES_NO) == V.YES_NO
