"""How phones look to those who must not know them."""

import pytest

from campaigns.contacts.phones.masking import mask_phone, mask_phones_in


@pytest.mark.parametrize(
    ("msisdn", "masked"),
    [
        ("380972920283", "3809•••83"),
        ("123456789012345", "1234•••45"),
        ("40721000001", "4072•••01"),
        ("29012345", "2•••45"),  # five digits are hidden
        ("12345", "•••45"),
    ],
)
def test_digits_in_the_middle_are_hidden(msisdn: str, masked: str) -> None:
    assert mask_phone(msisdn) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("call 380972920283!", "call 3809•••83!"),
        ("call +380 97 292-02-83 at ten", "call +3809•••83 at ten"),
        ("+380\u00a0(97)\u00a0292\u00a00283", "+3809•••83"),
        ("0972920283;0501112233", "097•••83;050•••33"),
        ("since 2026-03-31, 1,234.50 EUR, order 1234567", None),
        ("a1234567890b", None),  # a part of a longer word, such as a reference
        ("", None),
    ],
)
def test_phones_within_a_text_are_hidden(text: str, masked: str | None) -> None:
    assert mask_phones_in(text) == (text if masked is None else masked)
