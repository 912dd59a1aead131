"""What each error code calls for."""

import pytest

from campaigns.gateway.errors import MEANINGS, GatewayRefused, Reaction, error_meaning


@pytest.mark.parametrize(
    ("reaction", "codes"),
    [
        (Reaction.PAUSE_CAMPAIGN, {1, 2, 6, 8, 9, 10, 45, 48, 49}),
        (Reaction.SLOW_DOWN, {11}),
        (Reaction.RETRY_LATER, {5}),
        (Reaction.REFUSE_RECIPIENT, {41, 46, 51}),
        (Reaction.ACCEPTED_BEFORE, {43}),
        (Reaction.NOT_FOUND, {40}),
        (Reaction.DEFECT, {3, 4, 7, 12, 44, 47, *range(80, 88), *range(90, 94)}),
    ],
)
def test_each_reaction_has_its_codes(reaction: Reaction, codes: set[int]) -> None:
    assert {code for code, entry in MEANINGS.items() if entry.reaction is reaction} == codes


def test_meanings_are_sentences() -> None:
    assert str(error_meaning(8).sentence) == "BSG account is out of funds."
    assert str(error_meaning(8).next_step) == "Top up, then press Resume."
    assert all(str(entry.sentence).endswith(".") for entry in MEANINGS.values())
    assert all(
        str(entry.next_step)
        for entry in MEANINGS.values()
        if entry.reaction is Reaction.PAUSE_CAMPAIGN
    )


def test_an_undocumented_code_is_kept_and_counts_as_a_defect() -> None:
    unheard_of = error_meaning(777)
    assert (unheard_of.code, unheard_of.name, unheard_of.reaction) == (
        777,
        "Error 777",
        Reaction.DEFECT,
    )


def test_a_refusal_has_the_meaning_of_its_code() -> None:
    refused = GatewayRefused(6, "No such tariff", http_status=200, body="{}")
    assert str(refused) == "error 6: No such tariff"
    assert refused.meaning is MEANINGS[6]
