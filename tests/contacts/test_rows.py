import pytest

from campaigns.contacts.phones.parsing import Phone, Reason, format_phone, normalise


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
    ("cell", "reason"),
    [
        ("", Reason.EMPTY),
        (" - ", Reason.EMPTY),
        ("n/a", Reason.LETTERS),
        ("38097292028A", Reason.LETTERS),
        ("12345", Reason.TOO_SHORT),
        ("+3809729202", Reason.TOO_SHORT),
        ("+38097292028300", Reason.TOO_LONG),
        ("9" * 60, Reason.TOO_LONG),
        ("+999123456789", Reason.NO_SUCH_COUNTRY),
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


def test_shown() -> None:
    assert format_phone("380972920283") == "+380 97 292 0283"
    assert format_phone("12") == "+12"
