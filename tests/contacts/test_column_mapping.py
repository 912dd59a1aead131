"""Columns are recognised by their names in eight languages, and by their contents."""

import pytest

from campaigns.contacts.importing.column_mapping import (
    ColumnMapping,
    column_letter,
    merge_tag_name,
    merge_tag_names,
    propose,
)
from campaigns.contacts.importing.csv_reader import Layout

PHONE = "0972920283"


@pytest.mark.parametrize(
    "name",
    [
        "phone", "Phone number", "Mobile", "MSISDN", "Tel.", "Телефон", "Мобільний",
        "Номер телефону", "Мобильный", "Telefon", "Mobil", "Număr de telefon", "Мобилен",
        "Τηλέφωνο", "Κινητό", "Broj telefona", "Мобилни", "Viber",
    ],
)  # fmt: skip
def test_propose_by_name(name: str) -> None:
    rows = [["id", name, "city"], ["1", "12", "Kyiv"], ["2", "", "Lviv"]]
    assert propose(rows, Layout(), "UA").phones == [1]


def test_propose_by_content() -> None:
    rows = [["a", "b"], ["Olena", PHONE], ["Ivan", "+40721234567"], ["Petro", "0501234567"]]
    assert propose(rows, Layout(), "UA") == ColumnMapping([1], {0: "a"})


def test_propose_several_phones_the_mobile_first() -> None:
    rows = [
        ["phone", "mobile", "order number"],
        [PHONE, "0501234567", "7"],
        ["", "0671234567", "8"],
    ]
    assert propose(rows, Layout(), "UA") == ColumnMapping([1, 0], {2: "order_number"})


def test_propose_by_name_alone_only_without_better_columns() -> None:
    rows = [["phone model", "contact"], ["Galaxy", PHONE]]
    assert propose(rows, Layout(), "UA") == ColumnMapping([1], {0: "phone_model"})


def test_propose_nothing_without_phones() -> None:
    assert propose([["name", "city"], ["Olena", "Kyiv"]], Layout(), "UA").phones == []


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("first_name", "first_name"),
        ("Name", "name"),
        ("First Name", "first_name"),
        ("Ім'я", "first_name"),
        ("Имя", "first_name"),
        ("Prenume", "prenume"),
        ("Όνομα", "first_name"),
        ("Прізвище", "last_name"),
        ("Місто", "city"),
        ("E-mail", "email"),
        ("Бонусна картка №", "bonusna_kartka"),
        ("Град", "city"),
        ("1st order", "c_1st_order"),
        ("Straße", "strasse"),
        ("!!!", ""),
        ("a" * 80, "a" * 40),
    ],
)
def test_merge_tag_name(name: str, tag: str) -> None:
    assert merge_tag_name(name) == tag


def test_merge_tag_names_are_unique() -> None:
    assert merge_tag_names(["City", "місто", "!!!", "city", "viberdash_reason"]) == {
        0: "city", 1: "city_2", 2: "column_c", 3: "city_3",
    }  # fmt: skip


def test_column_letter() -> None:
    assert [column_letter(place) for place in (0, 25, 26, 701, 702)] == [
        "A",
        "Z",
        "AA",
        "ZZ",
        "AAA",
    ]
