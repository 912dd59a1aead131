"""Ids and searches in query strings and forms."""

import pytest

from campaigns.shared.query_values import read_id, read_ids, read_search


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12),
        ("0", 0),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        ("-1", None),
        ("+1", None),
        (" 1", None),
        ("1.0", None),
        ("²", None),
        ("١٢", None),
    ],
)
def test_an_id_is_plain_digits_that_a_column_can_hold(text: str, number: int | None) -> None:
    assert read_id(text) == number


def test_ids_keep_their_order_without_invalid_values() -> None:
    assert read_ids(["3", "x", "0", "3", "9" * 30]) == [3, 0, 3]


@pytest.mark.parametrize(
    ("typed", "searched"),
    [
        ("\u200bОлена", "Олена"),  # JavLuv/JavLuv#156: copied with a space without width
        ("\u200eعلي\u200e", "علي"),  # DiscipleTools/disciple-tools-theme#627
        (" \u2068דוד\u2069 \u00a0", "דוד"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # a joiner is a part of the word
        ("\u200f", ""),
        ("\0", "\ufffd"),
    ],
)
def test_search_has_no_invisible_ends(typed: str, searched: str) -> None:
    assert read_search({"q": typed}) == searched
