"""The statement of a month, for finance to file: every campaign and what it cost, a table a
currency.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from campaigns.ledger.models import Purpose
from campaigns.reports.shared.bills import Bill, Cost
from campaigns.reports.shared.periods import Period, month_of, read_day, today
from campaigns.reports.spend.spending import GROUPINGS, read_spending


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class Sheet:
    """One currency: its lines, the dearest first, and their sum."""

    total: Cost
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Statement:
    """`complete`: the month is over and every price is known, so nothing will change."""

    period: Period
    sheets: list[Sheet]
    bill: Bill

    @property
    def complete(self) -> bool:
        return self.period.last < today() and not self.bill.not_yet_known

    @property
    def previous(self) -> str:
        return _name(self.period.first - timedelta(days=1))

    @property
    def next(self) -> str:
        """The month after, "" where that has not begun."""
        following = month_of(self.period.first)[1] + timedelta(days=1)
        return "" if following > today() else _name(following)


def _name(day: date) -> str:
    return f"{day:%Y-%m}"


def read_month(text: str) -> Period:
    """The month that "2026-11" names; this month where it names none or one to come."""
    asked = read_day(f"{text}-01")
    return Period("month", *month_of(min(asked or today(), today())))


def statement(period: Period) -> Statement:
    """What was spent in `period` on campaigns; one query."""
    spending = read_spending(period, GROUPINGS["campaign"], {}, Purpose.CAMPAIGN)
    sheets = [
        Sheet(
            total,
            [
                Line(group.name, group.bill.by_currency[total.currency])
                for group in spending.groups
                if total.currency in group.bill.by_currency
            ],
        )
        for total in spending.total.costs
    ]
    return Statement(period, sheets, spending.total)
