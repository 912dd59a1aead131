"""Shares in percent, rounded in one way for every page, export and answer of the API."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from django.utils.formats import number_format

ONE_PLACE = Decimal("0.1")
LEAST, MOST = Decimal("0.1"), Decimal("99.9")
Number = int | float | Decimal | Fraction


def rounded_percent(part: Number, whole: Number = 1) -> Decimal | None:
    """`part` in percent of `whole`, rounded half up to one decimal; None of nothing."""
    if not whole:
        return None
    share = _exact(part) * 100 / _exact(whole)
    return _rounded(share)


def percent_text(part: Number, whole: Number = 1) -> str:
    """`part` of `whole` as people read it: "12.5%". Only nothing is "0%" and only all is "100%":
    what is less than 0.1 is "<0.1%", what is more than 99.9 is ">99.9%". A dash of nothing.
    """
    if not whole:
        return "–"
    share = _exact(part) * 100 / _exact(whole)
    if share in (0, 100):
        return f"{_grouped(Decimal(int(share)), 0)}%"
    if 0 < share < Fraction(LEAST):
        return f"<{_grouped(LEAST, 1)}%"
    if Fraction(MOST) < share < 100:
        return f">{_grouped(MOST, 1)}%"
    return f"{_grouped(_rounded(share), 1)}%"


def points_text(points: float) -> str:
    """Percentage points, as in the margin of a rate: "1.5"."""
    return _grouped(_rounded(_exact(points)), 1)


def _exact(value: Number) -> Fraction:
    return Fraction(value)


def _rounded(share: Fraction) -> Decimal:
    tenths = Decimal(share.numerator * 10) / Decimal(share.denominator)
    return tenths.quantize(Decimal(1), ROUND_HALF_UP) / 10


def _grouped(value: Decimal, places: int) -> str:
    return number_format(value, decimal_pos=places, use_l10n=True, force_grouping=True)
