"""Whether rates differ: Wilson intervals, and a test of two proportions.

docs/variants.md explains in plain words what is calculated here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import comb, erfc, exp, lgamma, sqrt

Z_95 = 1.959963984540054  # of the normal distribution: 95 per cent lie within
LEVEL = 0.05  # a lead is shown if chance alone gives such a one less often
EXPECTED_MIN = 5  # of each outcome; with fewer the exact test is used


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `total` recipients."""

    hits: int
    total: int

    @property
    def value(self) -> Fraction:
        """The rate, exact; 0 of nobody."""
        return Fraction(self.hits, self.total) if self.total else Fraction(0)

    def interval(self) -> tuple[float, float] | None:
        """The Wilson interval of 95 per cent; None of nobody."""
        if not self.total:
            return None
        share, square = self.hits / self.total, Z_95**2
        middle = share + square / (2 * self.total)
        spread = Z_95 * sqrt(
            share * (1 - share) / self.total + square / (4 * self.total * self.total)
        )
        scale = 1 + square / self.total
        return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The best of several rates against the next: their letters, and how often chance alone gives
    such a lead (`probability`, corrected for the number of pairs); 1.0 for none.
    """

    best: str
    next: str
    probability: float
    is_tie: bool

    @property
    def is_shown(self) -> bool:
        """Whether the difference is shown."""
        return not self.is_tie and self.probability < LEVEL


def compare(rates: Mapping[str, Rate]) -> Comparison:
    """Compare two rates or more. Of equal ones the first letter counts as the best.

    The pair is chosen after looking at the rates, so the probability is multiplied by the number of
    all pairs (Bonferroni).
    """
    best, following, *_others = sorted(rates, key=lambda letter: (-rates[letter].value, letter))
    first, second = rates[best], rates[following]
    pairs = comb(len(rates), 2)
    return Comparison(
        best,
        following,
        min(pairs * probability(first, second), 1.0),
        first.value == second.value,
    )


def probability(one: Rate, other: Rate) -> float:
    """How often two groups of this size differ at least so much by chance alone, both ways."""
    total, hits = one.total + other.total, one.hits + other.hits
    if not one.total or not other.total or hits in (0, total):
        return 1.0
    smallest = min(one.total, other.total) * min(hits, total - hits) / total
    if smallest < EXPECTED_MIN:
        return _exact(one, other)
    pooled = hits / total
    error = sqrt(pooled * (1 - pooled) * (1 / one.total + 1 / other.total))
    return erfc(abs(float(one.value - other.value)) / error / sqrt(2))


def _exact(one: Rate, other: Rate) -> float:
    """Fisher's exact test, of both sides: for small numbers, where the normal one is too sure."""
    hits, total = one.hits + other.hits, one.total + other.total
    lowest, highest = max(0, hits - other.total), min(hits, one.total)

    def chance(of_one: int) -> float:
        return exp(
            _log_comb(one.total, of_one)
            + _log_comb(other.total, hits - of_one)
            - _log_comb(total, hits)
        )

    seen = chance(one.hits) * (1 + 1e-9)  # what is as likely, but for rounding, counts too
    chances = (chance(of_one) for of_one in range(lowest, highest + 1))
    return min(sum(each for each in chances if each <= seen), 1.0)


def _log_comb(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)
