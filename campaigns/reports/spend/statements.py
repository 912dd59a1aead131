"""A month's statement: every campaign and its cost, a table for each currency."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.ledger.models import Purpose
from campaigns.reports.shared.bills import Bill, Cost
from campaigns.reports.shared.periods import Period, month_of, read_day
from campaigns.reports.spend.spending import GROUPINGS, load_spending
from campaigns.shared.days import site_today
from campaigns.templatetags.viberdash import number


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A campaign and its cost. `campaign_id`: None for entries without a campaign."""

    name: str
    cost: Cost
    campaign_id: int | None


@dataclass(frozen=True, slots=True)
class StatementTable:
    """One currency: its lines, the largest cost first, and their sum."""

    total: Cost
    lines: list[StatementLine]


@dataclass(frozen=True, slots=True)
class Statement:
    """The tables of a month; `bill` is its total."""

    period: Period
    tables: list[StatementTable]
    bill: Bill

    @property
    def is_final(self) -> bool:
        """Whether the month is over and every price known, so that nothing will change."""
        return self.period.last < site_today() and not self.bill.not_yet_known

    @property
    def status_text(self) -> str:
        """Whether the statement is final, or why it will still change."""
        if self.is_final:
            return _("Final: the month is over and every price is known.")
        if not (unknown := self.bill.not_yet_known):
            return _("Not final: the month is not over.")
        text = ngettext(
            "Not final: %(number)s price is not yet known.",
            "Not final: %(number)s prices are not yet known.",
            unknown,
        )
        return text % {"number": number(unknown)}

    @property
    def previous(self) -> str:
        return _month_key(self.period.first - timedelta(days=1))

    @property
    def next(self) -> str:
        """The next month; "" where it has not begun."""
        following = month_of(self.period.first)[1] + timedelta(days=1)
        return "" if following > site_today() else _month_key(following)


def _month_key(day: date) -> str:
    return f"{day:%Y-%m}"


def read_month(text: str) -> Period:
    """Return the month that `text` ("2026-11") names, or this month."""
    day = read_day(f"{text}-01")
    return Period("month", *month_of(min(day or site_today(), site_today())))


def load_statement(period: Period) -> Statement:
    """Return what was spent on campaigns in `period`; one query."""
    spending = load_spending(period, GROUPINGS["campaign"], {}, Purpose.CAMPAIGN)
    tables = [
        StatementTable(
            total,
            [
                StatementLine(group.name, group.bill.by_currency[total.currency], group.key[0])
                for group in spending.groups
                if total.currency in group.bill.by_currency
            ],
        )
        for total in spending.total.costs
    ]
    return Statement(period, tables, spending.total)
