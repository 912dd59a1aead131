"""Shares in percent: one rounding for all pages, exports and the API."""

from decimal import Decimal
from fractions import Fraction

import pytest

from campaigns.shared.figures.percentages import percent_text, points_text, rounded_percent


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (2, 3, "66.7%"),
        (1, 3, "33.3%"),
        (1, 8, "12.5%"),
        (65, 83, "78.3%"),
        (65, 102, "63.7%"),
        (1, 16, "6.3%"),  # 6.25: half up
        (5, 80, "6.3%"),
        (0, 8, "0%"),
        (8, 8, "100%"),
        (1, 1000, "0.1%"),
        (1, 1001, "<0.1%"),
        (999, 1000, "99.9%"),
        (9991, 10_000, ">99.9%"),
        (9, 8, "112.5%"),
        (1, 0, "–"),
        (Decimal("0.8136"), Decimal(1), "81.4%"),
        (Decimal("0.1864"), Decimal(1), "18.6%"),
    ],
)
def test_percent_text(part: Decimal, whole: Decimal, text: str) -> None:
    assert percent_text(part, whole) == text


def test_share_alone_is_of_one() -> None:
    assert (percent_text(Fraction(2, 3)), percent_text(0.34149), percent_text(1.0)) == (
        "66.7%", "34.1%", "100%",
    )  # fmt: skip


def test_shares_of_a_whole_add_up_to_it() -> None:
    parts = [rounded_percent(each, 10_000) or Decimal(0) for each in (8136, 1864)]
    assert (parts, sum(parts)) == ([Decimal("81.4"), Decimal("18.6")], 100)


def test_rounded_percent_and_points() -> None:
    assert (rounded_percent(1, 3), rounded_percent(1, 0)) == (Decimal("33.3"), None)
    assert (points_text(1.45), points_text(1.5500001), points_text(0.0)) == ("1.4", "1.6", "0.0")
