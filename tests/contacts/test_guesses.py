"""Older and domestic forms of numbers, and several numbers in one cell.

The inputs are made after reports of what other programs met; each names its report.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat

from campaigns.contacts.phones import guesses
from campaigns.contacts.phones.guesses import Guess
from campaigns.contacts.phones.parsing import Phone, Reason, normalise
from campaigns.contacts.phones.prefix_rules import Normaliser
from tests.contacts.test_phone_kinds import other_examples

FILES = Path(__file__).parent / "files"


def _cells(name: str) -> list[str]:
    with (FILES / name).open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)][1:]


def test_cases_of_older_forms() -> None:
    normaliser = Normaliser("UA", guesses.ALL)
    phones = ["525512345678", "380671110091", "380671110092", "380671110093", "375291234567"]
    assert normaliser.columns(_cells("old-forms.csv"))[0] == phones
    assert normaliser.guessed.counts == {Guess.OLDER_FORM: 5}
    assert normaliser.guessed.examples[Guess.OLDER_FORM][1] == ("80671110091", "380671110091")
    assert all(Normaliser("UA").columns(_cells("mixed.csv"))[1])


@pytest.mark.parametrize(
    ("cell", "home", "msisdn"),
    [
        ("+5215512345678", "UA", "525512345678"),  # chatwoot/chatwoot#14048
        ("044 55 1234 5678", "MX", "525512345678"),
        ("8 (067) 111 00 93", "UA", "380671110093"),  # cakephp/localized#194
        ("+8 916 123 45 67", "RU", "79161234567"),  # floere/phony#240
        ("8 (903) 123-45-67", "UA", "79031234567"),  # rmaddy/RMPhoneFormat#3
        ("810 380 67 111 0091", "UA", "380671110091"),
        ("+0671110091", "UA", "380671110091"),
        ("+48 0 501 234 567", "UA", "48501234567"),  # hbb20/CountryCodePickerProject#149
        ("+30 (0) 691 234 5678", "UA", "306912345678"),  # stripe jquery.mobilePhoneNumber#16
        ("0 601 123 456", "CZ", "420601123456"),
        ("+7 0 701 234 5678", "UA", "77012345678"),
    ],
)
def test_older_and_domestic_forms(cell: str, home: str, msisdn: str) -> None:
    assert not isinstance(normalise(cell, home), Phone)
    read = guesses.read(cell, home)
    assert isinstance(read, Phone)
    assert (read.msisdn, read.guess) == (msisdn, Guess.OLDER_FORM)
    assert guesses.read(cell, home, guesses.NONE) == normalise(cell, home)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("8 044 123 45 67", Reason.TOO_LONG),  # Kyiv's landline, or a mobile of Belarus
        ("8 0671 11 00 91 2", Reason.TOO_LONG),
        ("0441234567", Reason.NOT_A_MOBILE),
        ("806711100", Reason.NO_SUCH_NUMBER),
        ("+38067111009", Reason.TOO_SHORT),
        ("44 0 0 7400", Reason.NO_SUCH_NUMBER),
    ],
)
def test_what_is_not_clear_stays_rejected(cell: str, reason: Reason) -> None:
    assert not isinstance(guesses.read(cell, "UA"), Phone)
    assert guesses.read(cell, "UA") in {reason, Reason.TOO_SHORT}


@pytest.mark.parametrize(
    ("cell", "msisdn"),
    [
        ("0671110091 ::: 0501234567", "380671110091"),  # owncloud-archive/contacts#818
        ("0671110091, 0501234567", "380671110091"),  # owncloud-archive/contacts#574
        ("0671110091/92", "380671110091"),
        ("044 123 45 67; 067 111 00 91", "380671110091"),  # the landline is none
        ("+380 67 111 00 91\n+380 50 123 45 67", "380671110091"),  # instedd/verboice#682
        ("067 111 00 91  050 123 45 67", "380671110091"),
        ("+380671110091 +380501234567", "380671110091"),
        ("12, 0671110091", "380671110091"),
    ],
)
def test_first_valid_of_several(cell: str, msisdn: str) -> None:
    read = guesses.read(cell, "UA")
    assert isinstance(read, Phone)
    assert (read.msisdn, read.guess) == (msisdn, Guess.FIRST_OF_SEVERAL)
    assert not isinstance(normalise(cell, "UA"), Phone)


@pytest.mark.parametrize(
    ("cell", "verdict"),
    [
        ("3.80671110091E+11", Phone("380671110091", "UA")),
        ("3,80671110091e11", Phone("380671110091", "UA")),
        ("3.8067111009100E+11", Phone("380671110091", "UA")),
        ("3.8067111009E+11", Reason.SPREADSHEET_NUMBER),  # a zero, or a digit that was lost
        ("3.806711100915E+11", Reason.SPREADSHEET_NUMBER),  # no whole number
        ("1E+400", Reason.SPREADSHEET_NUMBER),
        ("380671110091E+0", Phone("380671110091", "UA")),
    ],
)
def test_scientific_notation_with_all_digits(cell: str, verdict: Phone | Reason) -> None:
    assert normalise(cell, "UA") == verdict


def test_texts_in_formulas() -> None:
    assert all(Normaliser("UA").columns(_cells("text-formula.csv"))[1])


def _written_otherwise() -> Iterator[tuple[str, str]]:
    for home, cell in other_examples():
        national = phonenumbers.format_number(phonenumbers.parse(cell), PhoneNumberFormat.NATIONAL)
        digits = cell.removeprefix("+")
        for form in (cell, digits, national, f"0{digits}", f"8{national}"):
            yield form, home
        yield cell, "UA"


def test_no_guess_makes_a_landline_a_mobile() -> None:
    wrong = {
        (cell, home): read.msisdn
        for cell, home in _written_otherwise()
        if normalise(cell, home) is Reason.NOT_A_MOBILE
        and isinstance(read := guesses.read(cell, home), Phone)
    }
    assert wrong == {}


def test_fast_and_slow_way_guess_alike() -> None:
    for home in ("UA", "BY", "MX"):
        cells = [form for form, _home in _written_otherwise()][::7] + _cells("old-forms.csv")
        expected = [guesses.read.__wrapped__(cell, home) for cell in cells]
        assert Normaliser(home, guesses.ALL).column(cells) == expected
