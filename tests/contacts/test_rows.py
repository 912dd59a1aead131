import sys

import pytest
from phonenumbers import NumberParseException, PhoneNumber

from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.parsing import Phone, Reason, Verdict, format_phone, normalise
from campaigns.contacts.phones.prefix_rules import Normaliser


@pytest.mark.parametrize(
    "cell",
    [
        "380972920283",
        "+380972920283",
        "00380972920283",
        "0972920283",
        "972920283",
        "+380 (97) 292-02-83",
        "+380 97 292 02 83",
        "097.292.02.83",
        "’0972920283",
        "+３８０９７２９２０２８３",
        "\u200e+380 97\u202f292\u00ad0283\ufeff",
        "tel:+380972920283",
        "+380(0)972920283",
        "380972920283.0",
        "٣٨٠٩٧٢٩٢٠٢٨٣",
    ],
)
def test_normalise_forms_people_use(cell: str) -> None:
    assert normalise(cell, "UA") == Phone("380972920283", "UA")


@pytest.mark.parametrize(
    ("cell", "home", "expected"),
    [
        ("40721234567", "UA", Phone("40721234567", "RO")),
        ("0721234567", "RO", Phone("40721234567", "RO")),
        ("8 701 234 5678", "KZ", Phone("77012345678", "KZ")),
        ("(201) 555-0123", "US", Phone("12015550123", "US")),
        ("07400 123456", "GB", Phone("447400123456", "GB")),
        ("6912345678", "GR", Phone("306912345678", "GR")),
        ("0601234567", "RS", Phone("381601234567", "RS")),
    ],
)
def test_normalise_countries(cell: str, home: str, expected: Phone) -> None:
    assert normalise(cell, home) == expected


@pytest.mark.parametrize(
    ("cell", "home", "verdict"),
    [
        (
            "+1\ufe0d-201-555-0123",
            "US",
            Phone("12015550123", "US"),
        ),  # woocommerce/woocommerce#58000
        ("0972920283\u202c", "UA", Phone("380972920283", "UA")),  # microsoft/calculator#504
        ("\u061c+380 97 292\u180e0283", "UA", Phone("380972920283", "UA")),  # glific/glific#4973
        # an extension is no part of a mobile, and its digits never become some
        ("+380972920283;ext=77", "UA", Reason.LETTERS),  # giggsey/libphonenumber-for-php#631
        ("+380972920283 x136", "UA", Reason.LETTERS),  # daddyz/phonelib#367
        ("+5493516315733 ext.", "AR", Reason.LETTERS),  # giggsey/libphonenumber-for-php#67
        ("+380972920283 доб. 12", "UA", Reason.LETTERS),  # google/libphonenumber#2241
        ("0972920283#", "UA", Reason.NOT_A_NUMBER),  # google/libphonenumber#988
        ("0972920283#6", "UA", Reason.NOT_A_NUMBER),
    ],
)
def test_phones_as_they_are_pasted(cell: str, home: str, verdict: Verdict) -> None:
    assert normalise(cell, home) == verdict
    assert Normaliser(home).column([cell]) == [verdict]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", Reason.EMPTY),
        (" - ", Reason.EMPTY),
        ("n/a", Reason.EMPTY),
        ("38097292028A", Reason.LETTERS),
        ("12345", Reason.TOO_SHORT),
        ("+3809729202", Reason.TOO_SHORT),
        ("+38097292028300", Reason.TOO_LONG),
        ("9" * 60, Reason.TOO_LONG),
        ("+999123456789", Reason.NO_SUCH_COUNTRY),
        ("+999" + "1" * 16, Reason.NO_SUCH_COUNTRY),
        ("+999" + "1" * 17, Reason.TOO_LONG),  # no number, whatever its country
        ("+881612345678", Reason.NO_SUCH_COUNTRY),  # a satellite phone
        ("+870301234567", Reason.NO_SUCH_COUNTRY),
        ("0441234567", Reason.NOT_A_MOBILE),
        ("0123456789", Reason.NO_SUCH_NUMBER),
        ("3.80973E+11", Reason.SPREADSHEET_NUMBER),
        ("3,80973e+11", Reason.SPREADSHEET_NUMBER),
        ("0972920283, 0501234567", Reason.SEVERAL_NUMBERS),
        ("0972920283#5", Reason.NOT_A_NUMBER),
    ],
)
def test_normalise_refuses(cell: str, reason: Reason) -> None:
    assert normalise(cell, "UA") is reason


def test_signs_around_digits_are_removed_and_all_digits_are_read() -> None:
    signs = parsing.INVISIBLE + parsing.SPACES + parsing.HYPHENS + parsing.BRACKETS
    removed: dict[int, str | None] = dict.fromkeys(map(ord, f"{signs}{parsing.QUOTES}\0"))
    digits = {
        code: str(int(chr(code))) for code in range(0x80, sys.maxunicode) if chr(code).isdecimal()
    }
    assert len(digits) >= 640
    assert parsing._cleaning_table() == removed | digits | {ord("＋"): "+"}


@pytest.mark.parametrize(
    ("country_code", "national_number", "expected"),
    [
        (380, 9729, Reason.TOO_SHORT),
        (380, 97292, Phone("38097292", "UA")),
        (380, 972920283000, Phone("380972920283000", "UA")),
        (380, 9729202830000, Reason.TOO_LONG),
        (999, 972920283, Reason.NO_SUCH_COUNTRY),
    ],
)
def test_phone_has_eight_to_fifteen_digits(
    country_code: int, national_number: int, expected: Verdict
) -> None:
    assert parsing._phone(PhoneNumber(country_code, national_number)) == expected


def test_reason_of_the_library_is_kept() -> None:
    error = NumberParseException
    reasons = {
        error.INVALID_COUNTRY_CODE: Reason.NO_SUCH_COUNTRY,
        error.TOO_LONG: Reason.TOO_LONG,
        error.TOO_SHORT_NSN: Reason.TOO_SHORT,
        error.TOO_SHORT_AFTER_IDD: Reason.TOO_SHORT,
        error.NOT_A_NUMBER: Reason.TOO_SHORT,
    }
    assert {kind: parsing._unreadable_reason(kind) for kind in reasons} == reasons
    assert parsing._impossible_reason(PhoneNumber(999, 972920283)) is Reason.NO_SUCH_COUNTRY


def test_national_number_has_no_country_code() -> None:
    assert parsing.national_number("380972920283") == "972920283"
    assert parsing.national_number("12025550123") == "2025550123"
    assert parsing.national_number("12") == "12"


def test_shown() -> None:
    assert format_phone("380972920283") == "+380 97 292 0283"
    assert format_phone("12") == "+12"
