"""The id of a phone in addresses: stable, opaque, and not to be made up."""

import pytest
from pytest_django import Settings

from campaigns.contacts.people.person_ids import id_of, msisdn_of

PHONE = "380972920283"


@pytest.mark.parametrize("msisdn", ["12345", "00000", "012345678901234", PHONE, "9" * 15])
def test_id_leads_back_to_its_phone(msisdn: str) -> None:
    assert msisdn_of(id_of(msisdn)) == msisdn
    assert id_of(msisdn) == id_of(msisdn)
    assert len(id_of(msisdn)) == 22


def test_neighbouring_phones_have_unlike_ids() -> None:
    ids = {id_of(f"3809729202{number:02d}") for number in range(100)}
    assert len(ids) == len({each[:4] for each in ids}) == len({each[-6:] for each in ids}) == 100


def test_every_other_id_is_refused() -> None:
    right = id_of(PHONE)
    signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = [
        right[:place] + sign + right[place + 1 :]
        for place in range(22)
        for sign in signs
        if sign != right[place]
    ]
    assert len(changed) == 22 * 63
    for wrong in [*changed, "", PHONE, right[:-1], f"{right}A", f"{right}\n"]:
        with pytest.raises(ValueError, match="not an id"):
            msisdn_of(wrong)


@pytest.mark.parametrize("text", ["", "1234", "1" * 16, "erased-380972920283", "٣٨٠٩٧٢٩٢٠"])
def test_what_is_no_phone_has_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="not a phone"):
        id_of(text)


def test_key_decides_and_an_earlier_key_still_reads(settings: Settings) -> None:
    before = id_of(PHONE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another key", [settings.SECRET_KEY]
    assert id_of(PHONE) != before
    assert msisdn_of(before) == msisdn_of(id_of(PHONE)) == PHONE
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(ValueError, match="not an id"):
        msisdn_of(before)
