"""What each error code calls for."""

import pytest

from campaigns.gateway.errors import MEANINGS, Call, GatewayRefused, meaning


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        (Call.PAUSE_CAMPAIGN, {1, 2, 6, 8, 9, 10, 45, 48, 49}),
        (Call.SLOW_DOWN, {11}),
        (Call.RETRY_LATER, {5}),
        (Call.REFUSE_RECIPIENT, {41, 46, 51}),
        (Call.ACCEPTED_BEFORE, {43}),
        (Call.NOT_FOUND, {40}),
        (Call.DEFECT, {3, 4, 7, 12, 44, 47}),
    ],
)
def test_each_call_has_its_codes(call: Call, codes: set[int]) -> None:
    assert {code for code, entry in MEANINGS.items() if entry.call is call} == codes


def test_meaning_says_it_in_sentences() -> None:
    assert str(meaning(8).sentence) == "BSG account is out of funds."
    assert str(meaning(8).next_step) == "Top up, then press Resume."
    assert all(str(entry.sentence).endswith(".") for entry in MEANINGS.values())
    assert all(
        str(entry.next_step) for entry in MEANINGS.values() if entry.call is Call.PAUSE_CAMPAIGN
    )


def test_meaning_of_an_undocumented_code_is_kept_and_is_a_defect() -> None:
    unheard_of = meaning(777)
    assert (unheard_of.code, unheard_of.name, unheard_of.call) == (777, "Error 777", Call.DEFECT)


def test_refused_carries_its_meaning() -> None:
    refused = GatewayRefused(6, "No such tariff", http_status=200, body="{}")
    assert str(refused) == "error 6: No such tariff"
    assert refused.meaning is MEANINGS[6]
