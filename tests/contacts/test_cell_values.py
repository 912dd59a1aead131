"""Cells as their authors saw them: texts in formulas, words for nothing, decomposed letters.

The inputs are made after reports of what other programs met; each names its report.
"""

import json
import unicodedata

import pytest

from campaigns.contacts.importing.column_mapping import ColumnMapping, merge_tag_name
from campaigns.contacts.importing.csv_reader import Layout
from campaigns.contacts.importing.reading.cell_values import (
    AS_WRITTEN,
    LOWER_NULL_PARTS,
    NULL_SIGNS,
    UPPER_NULL_PARTS,
    CellRules,
    encode_values,
)
from campaigns.contacts.importing.rows import RowParser
from campaigns.contacts.phones.cell_texts import NULL_WORDS, clean_value
from campaigns.contacts.phones.prefix_rules import Guessed


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('="000123"', "000123"),  # JoshClose/CsvHelper#758
        ('="+380671110032"', "+380671110032"),  # instedd/surveda#1099
        ('= "0012"', "0012"),
        ('="a ""b"" c"', 'a "b" c'),  # Automattic/camptix#40
        ('=""', ""),
        ("=1+2", "=1+2"),  # a calculation is no text
        ('="a"&"b"', '="a"&"b"'),
        ("'=1", "=1"),
        ("  Олена\u00a0", "Олена"),
        ("Каи\u0306ра", "Ка\u0439ра"),  # decomposed, as file systems of Apple write it
        ("Zoe\u0308", "Zoë"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),  # joiners stay
    ],
)
def test_clean_value(cell: str, value: str) -> None:
    assert clean_value(cell) == value
    assert json.loads(f'"{encode_values([cell, "x"])[0]}"') == value


@pytest.mark.parametrize(
    "word",
    [
        "NULL",  # sequelpro/sequelpro#566
        "\\N",  # apache/doris#12510
        "#N/A",  # digitalfabrik/entitlementcard#152
        "null",  # dbeaver/dbeaver#4223
        "nan",
        "N/A",
        "-",
        "—",
        "None",
        "<NA>",
        "#ССЫЛКА!",
        " NULL ",
    ],
)
def test_words_for_nothing_are_no_value(word: str) -> None:
    guessed = Guessed()
    assert encode_values(["Олена", word, "Іван"], guessed) == ["Олена", "", "Іван"]
    assert guessed.as_json() == {"no_value": {"count": 1, "examples": [(word.strip(), "")]}}
    assert json.loads(f'"{encode_values(["Олена", word])[1]}"') == word.strip()


@pytest.mark.parametrize("name", ["Null", "Nan", "Ніна", "None of us", "NULLA", "a-b", "Nil", "0"])
def test_names_stay(name: str) -> None:
    assert encode_values([name, "x"], Guessed()) == [name, "x"]


def test_every_word_for_nothing_is_looked_for() -> None:
    parts = (*NULL_SIGNS, *UPPER_NULL_PARTS, *LOWER_NULL_PARTS)
    assert [word for word in NULL_WORDS if not any(part in word for part in parts)] == []


def _fields(row: list[str], rules: CellRules) -> str:
    parser = RowParser(Layout(header=False), ColumnMapping([0], {1: "name"}), "UA", rules)
    return parser.parse([row], 0).contacts.fields[0]


def test_rules_can_be_switched_off() -> None:
    assert _fields(["0671110001", "NULL"], CellRules()) == "{}"
    assert _fields(["0671110001", "NULL"], AS_WRITTEN) == '{"name":"NULL"}'
    for cell in ("80671110091", "0671110091, 0501234567"):
        for rules, count in ((CellRules(), 1), (AS_WRITTEN, 0)):
            parser = RowParser(Layout(header=False), ColumnMapping([0]), "UA", rules)
            assert len(parser.parse([[cell]], 0).contacts) == count
            assert sum(parser.guessed.counts.values()) == count


def test_decomposed_names_of_columns_are_known() -> None:
    name = unicodedata.normalize("NFD", "Телефон їй")
    assert merge_tag_name(name) == merge_tag_name("Телефон їй")
