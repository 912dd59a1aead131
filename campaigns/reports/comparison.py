"""Campaigns side by side: the same figures in the same rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.reports.outcomes import Outcome
from campaigns.reports.overview import Row

MOST = 6  # columns that can be read
FINE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one campaign, and what it is a share of (None: of nothing)."""

    number: int
    whole: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    label: str | Promise
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one campaign in one currency."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class MoneyLine:
    label: str | Promise
    costs: list[list[Money]]  # by campaign, one a currency


PEOPLE: tuple[tuple[str | Promise, Callable[[Outcome], Figure]], ...] = (
    (_("Audience"), lambda one: Figure(one.audience)),
    (_("Accepted"), lambda one: Figure(one.accepted, one.audience)),
    (_("Delivered"), lambda one: Figure(one.delivered, one.accepted)),
    (_("Read"), lambda one: Figure(one.read, one.delivered)),
    (_("By SMS"), lambda one: Figure(one.by_sms, one.accepted)),
    (_("Not delivered"), lambda one: Figure(one.not_delivered, one.accepted)),
    (_("Refused"), lambda one: Figure(one.refused, one.audience)),
    (_("Unresolved"), lambda one: Figure(one.unresolved, one.audience)),
)


def people_lines(rows: Sequence[Row]) -> list[Line]:
    """What became of the messages, a line a state."""
    return [Line(label, [figure(row.outcome) for row in rows]) for label, figure in PEOPLE]


def money_lines(rows: Sequence[Row]) -> list[MoneyLine]:
    """What it cost: by channel, altogether, for each person reached and for each reader."""
    return [
        MoneyLine(_("Viber"), [[Money(cost.viber, cost.currency) for cost in row.bill.costs] for row in rows]),
        MoneyLine(_("SMS"), [[Money(cost.sms, cost.currency) for cost in row.bill.costs] for row in rows]),
        MoneyLine(_("Total"), [[Money(cost.total, cost.currency) for cost in row.bill.costs] for row in rows]),
        MoneyLine(_("Per person reached"), [_each(row, row.outcome.reached) for row in rows]),
        MoneyLine(_("Per reader"), [_each(row, row.outcome.read) for row in rows]),
    ]


def _each(row: Row, people: int) -> list[Money]:
    if not people:
        return []
    return [Money((cost.total / people).quantize(FINE), cost.currency) for cost in row.bill.costs]


def read_ids(asked: Sequence[str]) -> list[int]:
    """The campaigns in a query string, in its order, each once; what is no number is left out."""
    numbers = [int(one) for one in asked if one.isdecimal() and one.isascii() and len(one) < 19]
    return list(dict.fromkeys(numbers))[:MOST]
