"""Campaigns side by side: the same figures in the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.reports.campaigns.overview import Row
from campaigns.reports.spend.entries import address

MOST = 6  # columns that can be read
FINE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one campaign, and what it is a share of (None: of nothing)."""

    number: int
    whole: int | None = None
    url: str = ""  # of these people


@dataclass(frozen=True, slots=True)
class Line:
    label: str | Promise
    figures: list[Figure]


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one campaign in one currency."""

    amount: Decimal
    currency: str
    url: str = ""  # of its entries


@dataclass(frozen=True, slots=True)
class MoneyLine:
    label: str | Promise
    costs: list[list[Money]]  # by campaign, one a currency


# label, Outcome's count and its whole, the filter
PEOPLE: tuple[tuple[str | Promise, str, str, str], ...] = (
    (_("Audience"), "audience", "", ""),
    (_("Accepted"), "accepted", "audience", "taken"),
    (_("Delivered"), "delivered", "accepted", "by_viber"),
    (_("Read"), "read", "delivered", "read"),
    (_("By SMS"), "by_sms", "accepted", "by_sms"),
    (_("Not delivered"), "not_delivered", "accepted", "not_delivered"),
    (_("Refused"), "refused", "audience", "refused"),
    (_("Unresolved"), "unresolved", "audience", "unresolved"),
)


def people_lines(rows: Sequence[Row]) -> list[Line]:
    """What became of the messages, a line a state."""
    return [
        Line(label, [_figure(row, count, whole, state) for row in rows])
        for label, count, whole, state in PEOPLE
    ]


def _figure(row: Row, count: str, whole: str, state: str) -> Figure:
    url = reverse("campaign-recipients", args=[row.campaign.pk])
    number: int = getattr(row.outcome, count)
    return Figure(
        number,
        getattr(row.outcome, whole) if whole else None,
        f"{url}?state={state}" if number else "",
    )


def money_lines(rows: Sequence[Row]) -> list[MoneyLine]:
    """What it cost: by channel, altogether, for each person reached and for each reader."""
    return [
        MoneyLine(_("Viber"), [_spent(row, "viber", channel="viber") for row in rows]),
        MoneyLine(_("SMS"), [_spent(row, "sms", channel="sms") for row in rows]),
        MoneyLine(_("Total"), [_spent(row, "total") for row in rows]),
        MoneyLine(_("Per person reached"), [_each(row, row.outcome.reached) for row in rows]),
        MoneyLine(_("Per reader"), [_each(row, row.outcome.read) for row in rows]),
    ]


def _spent(row: Row, part: str, **filters: str) -> list[Money]:
    url = address(row.campaign, **filters)
    amounts = [(getattr(cost, part), cost.currency) for cost in row.bill.costs]
    return [Money(amount, currency, url if amount else "") for amount, currency in amounts]


def _each(row: Row, people: int) -> list[Money]:
    if not people:
        return []
    return [Money((cost.total / people).quantize(FINE), cost.currency) for cost in row.bill.costs]


def read_ids(asked: Sequence[str]) -> list[int]:
    """The campaigns in a query string, in its order, each once; what is no number is left out."""
    numbers = [int(one) for one in asked if one.isdecimal() and one.isascii() and len(one) < 19]
    return list(dict.fromkeys(numbers))[:MOST]
