"""Only mobile phones are sent to: no landline, satellite phone, premium or service number, in
whatever form it is written and wherever the list is from.
"""

from collections.abc import Iterator

import phonenumbers
import pytest
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaigns.contacts.phones.parsing import Phone, Reason, Verdict, normalise
from campaigns.contacts.phones.prefix_rules import Normaliser

HOMES = ("UA", "PL", "US")
MOBILE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
KINDS = set(PhoneNumberType.values()) - MOBILE - {PhoneNumberType.UNKNOWN}


def verdicts(cell: str, home: str) -> Iterator[Verdict]:
    """Of both ways to parse it."""
    yield normalise(cell, home)
    yield from Normaliser(home).column([cell])


LANDLINES = [
    ("UA", "+380 44 123 45 67"), ("DE", "+49 30 123456"), ("FR", "+33 1 23 45 67 89"),
    ("GB", "+44 20 7946 0958"), ("PL", "+48 22 123 45 67"), ("RO", "+40 21 123 4567"),
    ("IT", "+39 06 12345678"), ("ES", "+34 912 34 56 78"), ("TR", "+90 212 123 45 67"),
    ("KZ", "+7 717 212 34 56"), ("BG", "+359 2 123 456"), ("GE", "+995 32 212 34 56"),
]  # fmt: skip
SERVICES = [
    ("UA", "+380 900 212345"), ("UA", "+380 800 123456"), ("GB", "+44 909 879 0000"),
    ("GB", "+44 800 123 4567"), ("GB", "+44 56 1234 5678"), ("GB", "+44 70 1234 5678"),
    ("GB", "+44 76 4012 3456"), ("GB", "+44 55 1234 5678"), ("US", "+1 900 234 5678"),
    ("US", "+1 800 234 5678"), ("DE", "+49 900 1234567"), ("DE", "+49 800 1234567890"),
    ("DE", "+49 180 12345"), ("PL", "+48 701 234 567"), ("FR", "+33 891 12 34 56"),
]  # fmt: skip
ABOVE_COUNTRIES = [
    "+870 301 234 567", "+881 612 345 678", "+882 16 12345678", "+883 510 012 345",
    "+800 1234 5678", "+808 1234 5678", "+979 123 456 789", "+878 10 1234567890",
    "+888 123 456 789 01",
]  # fmt: skip


@pytest.mark.parametrize(("country", "cell"), LANDLINES + SERVICES)
def test_other_phones_are_no_mobiles(country: str, cell: str) -> None:
    digits = cell.replace(" ", "").removeprefix("+")
    for home in (country, *HOMES):
        for form in (cell, f"00{digits}"):
            assert set(verdicts(form, home)) == {Reason.NOT_A_MOBILE}
    national = phonenumbers.format_number(phonenumbers.parse(cell), PhoneNumberFormat.NATIONAL)
    assert set(verdicts(national, country)) == {Reason.NOT_A_MOBILE}


@pytest.mark.parametrize("cell", ABOVE_COUNTRIES)
def test_satellite_phones_and_numbers_of_no_country_are_refused(cell: str) -> None:
    for home in HOMES:
        for form in (cell, cell.replace("+", "00"), cell.removeprefix("+")):
            assert not any(isinstance(verdict, Phone) for verdict in verdicts(form, home))


def other_examples() -> Iterator[tuple[str, str]]:
    """Home and E.164 form of an example of each kind in each country that is no mobile."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in sorted(KINDS):
            example = phonenumbers.example_number_for_type(region, kind)
            if example and phonenumbers.number_type(example) not in MOBILE:
                yield region, phonenumbers.format_number(example, PhoneNumberFormat.E164)


def test_no_other_example_of_any_country_is_a_mobile() -> None:
    examples = list(other_examples())
    assert len(examples) > 800
    for home, cell in examples:
        national = phonenumbers.format_number(phonenumbers.parse(cell), PhoneNumberFormat.NATIONAL)
        for region, form in ((home, cell), (home, national), ("UA", cell)):
            assert not any(isinstance(verdict, Phone) for verdict in verdicts(form, region)), form


@pytest.mark.parametrize(
    ("home", "digits", "abroad"),
    [
        ("UA", "376385243", "AD"), ("UA", "358403305", "FI"), ("PL", "436533365", "AT"),
        ("DE", "68252440", "CK"), ("GB", "3725000067", "EE"), ("US", "6584436421", "SG"),
        ("RO", "376606522", "AD"), ("FR", "508276305", "PM"),
    ],
)  # fmt: skip
def test_landline_at_home_is_no_mobile_of_another_country(
    home: str, digits: str, abroad: str
) -> None:
    """The same digits with a plus are one, of somebody who never asked for a message."""
    assert set(verdicts(f"+{digits}", home)) == {Phone(digits, abroad)}
    result = set(verdicts(digits, home))
    assert not any(isinstance(verdict, Phone) for verdict in result), result
    # where the digits are nobody's at home, the plus was forgotten
    assert set(verdicts("380972920283", home)) == {Phone("380972920283", "UA")}
