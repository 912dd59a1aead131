"""Rules give the same results as the library: on examples of all countries and random numbers."""

import os
import random
from collections.abc import Iterator

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.parsing import Phone, Reason, Verdict
from campaigns.contacts.phones.prefix_rules import Normaliser, PrefixRule, prove_rule

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
HOMES = ("UA", "RO", "KZ", "US", "GB", "BY", "AR", "BR", "IT", "MX")
# `make bench-import` compares a million; here enough of them to notice any change of the library's
# rules.
RANDOM = int(os.environ.get("RANDOM_PHONES", "10000"))


def _library(cell: str, home: str) -> Verdict:
    return parsing.normalise.__wrapped__(cell, home)


def _examples() -> Iterator[tuple[str, str]]:
    for region in REGIONS:
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if not number:
                continue
            international = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            national = phonenumbers.national_significant_number(number)
            yield region, phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            for form in (
                international,
                international[1:],
                "00" + international[1:],
                national,
                "0" + national,
                "8" + national,
            ):
                yield region, form


EXAMPLES = list(_examples())


def _same(cells: list[str], home: str) -> None:
    result = Normaliser(home).column(cells)
    different = [
        (cell, fast)
        for cell, fast in zip(cells, result, strict=True)
        if fast != _library(cell, home)
    ]
    assert not different, f"{home}: {different[:5]}"


def test_examples_of_each_country_at_home() -> None:
    for region in REGIONS:
        _same([cell for home, cell in EXAMPLES if home == region], region)


@pytest.mark.parametrize("home", HOMES)
def test_examples_of_all_countries_abroad(home: str) -> None:
    _same([cell for _home, cell in EXAMPLES[::4]], home)


def _random_cells(count: int) -> Iterator[tuple[str, str]]:
    """Examples with other last digits, digits at random, and numbers that look Ukrainian."""
    chance = random.Random(20261123)
    for number in range(count):
        home, example = chance.choice(EXAMPLES)
        kind = number % 4
        if kind < 2:
            keep = chance.randint(1, 7)
            cleaned = parsing.strip_formatting(example)
            cell = cleaned[:-keep] + "".join(chance.choices("0123456789", k=keep))
        elif kind == 2:
            cell = chance.choice(["+", "", "00"]) + str(chance.randint(10**6, 10**14))
        else:
            cell = chance.choice(["0", "380", "+380", "8", ""]) + str(
                chance.randint(10**8, 10**9 - 1)
            )
        yield (home if chance.random() < 0.5 else "UA"), cell


def test_random_numbers() -> None:
    cells: dict[str, list[str]] = {}
    for home, cell in _random_cells(RANDOM):
        cells.setdefault(home, []).append(cell)
    for home, of_home in cells.items():
        _same(of_home, home)


def test_ordinary_numbers_never_ask_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(cell: str, home: str) -> Verdict:
        raise AssertionError(cell)

    monkeypatch.setattr(parsing, "normalise", asked)
    cells = [
        "380972920283",
        "+380501234567",
        "0671112233",
        "501234567",
        "40721234567",
        "+48512345678",
        "+447400123456",
    ]
    assert Normaliser("UA").column(cells) == [
        Phone("380972920283", "UA"),
        Phone("380501234567", "UA"),
        Phone("380671112233", "UA"),
        Phone("380501234567", "UA"),
        Phone("40721234567", "RO"),
        Phone("48512345678", "PL"),
        Phone("447400123456", "GB"),
    ]


def test_prove_rule_says_how_to_rewrite_numbers() -> None:
    assert prove_rule("380501", 6, "UA") == PrefixRule(0, "", "UA")
    assert prove_rule("+380501", 6, "UA") == PrefixRule(1, "", "UA")
    assert prove_rule("0501", 6, "UA") == PrefixRule(0, "38", "UA")
    assert prove_rule("501", 6, "UA") == PrefixRule(0, "380", "UA")
    assert prove_rule("38044", 7, "UA") is None


def test_columns_keep_the_order_and_the_reasons() -> None:
    cells = ["0501234567", "abc", "050\n1234567", "3.8E+11", ""]
    assert Normaliser("UA").columns(cells) == (
        ["380501234567", Reason.LETTERS, "380501234567", Reason.SPREADSHEET_NUMBER, Reason.EMPTY],
        ["UA", "", "UA", "", ""],
    )
