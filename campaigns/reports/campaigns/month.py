"""This month against the last one to the same day, for the dashboard."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.reports.campaigns.daily_figures import DailyFigures, add_up
from campaigns.reports.shared.bills import Bill, load_campaign_bills
from campaigns.reports.shared.click_counts import count_clickers, select_tracked
from campaigns.reports.shared.delivery_counts import load_delivery_counts
from campaigns.reports.shared.key_figures import missing_value
from campaigns.reports.shared.periods import Period, month_of, period_bounds, this_month
from campaigns.reports.shared.rates import ACCEPTED, DELIVERED, REACHED, share_text
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.shared.days import site_day
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.templatetags.viberdash import money, money_exact, number, percent

UNIT_PLACES = Decimal("0.0001")
Amount = TypeVar("Amount", int, Decimal)


@dataclass(frozen=True, slots=True)
class ComparedMonths:
    """`this`: the days of this month until today. `before`: those of the last month to the same
    day, or to its last day if it is shorter. `whole`: all days of the last month.
    """

    this: Period
    before: Period
    whole: Period

    @property
    def all_days(self) -> Period:
        return Period("custom", self.whole.first, self.this.last)

    def with_days(self, recent: Period) -> Period:
        """All days, and those of `recent`, which ends today."""
        return Period("custom", min(self.whole.first, recent.first), self.this.last)

    @property
    def periods(self) -> tuple[Period, Period, Period]:
        return self.this, self.before, self.whole


def compared_months(today: date) -> ComparedMonths:
    """Return the month of `today` and the one before."""
    this = this_month(today)
    first, last = month_of(this.first - timedelta(days=1))
    same_day = first.replace(day=min(today.day, last.day))
    return ComparedMonths(
        this, Period("custom", first, same_day), Period("last_month", first, last)
    )


@dataclass(slots=True)
class LaunchedFigures:
    """What the campaigns launched in a period achieved so far.

    `clickers` of `tracked` recipients whom Viber or an SMS reached; None where no link is tracked.
    `costs` and `reached`, by currency, are those of the campaigns charged in that one alone, as the
    recipients of others can't be divided. `unpriced`: of some campaign no price is known yet.
    """

    tracked: int = 0
    clickers: int | None = None
    costs: dict[str, Decimal] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)

    unpriced: bool = False

    def add_cost(self, bill: Bill, reached: int) -> None:
        self.unpriced |= bool(bill.not_yet_known and not bill.costs)
        if len(bill.costs) != 1:
            return
        [cost] = bill.costs
        self.costs[cost.currency] = self.costs.get(cost.currency, ZERO) + cost.total
        self.reached[cost.currency] = self.reached.get(cost.currency, 0) + reached

    def add_clickers(self, clickers: int, reached: int) -> None:
        self.clickers = (self.clickers or 0) + clickers
        self.tracked += reached

    def per_delivered(self, currency: str) -> Decimal | None:
        """None while nobody was reached."""
        if not (reached := self.reached.get(currency)):
            return None
        return (self.costs[currency] / reached).quantize(UNIT_PLACES)


def load_launched_figures(periods: Iterable[Period], within: Period) -> list[LaunchedFigures]:
    """Return the figures of the real campaigns launched in each of `periods`, which lie `within`
    one. Four queries, and one more where links are tracked; one where none were launched.
    """
    start, end = period_bounds(within)
    campaigns = real_campaigns().filter(
        accounts.cached().is_shown(), launched_at__gte=start, launched_at__lt=end
    )
    launched = dict(campaigns.order_by().values_list("pk", "launched_at"))
    counts = load_delivery_counts(dict.fromkeys(launched)) if launched else {}
    bills = load_campaign_bills(launched)
    clickers = count_clickers(select_tracked(campaigns)) if launched else {}
    figures = []
    for period in periods:
        total = LaunchedFigures()
        for pk, moment in launched.items():
            if moment and period.first <= site_day(moment) <= period.last:
                total.add_cost(bills[pk], counts[pk].reached)
                if pk in clickers:
                    total.add_clickers(clickers[pk], counts[pk].reached)
        figures.append(total)
    return figures


@dataclass(frozen=True, slots=True)
class MonthCell:
    """A figure of one period. `value` and `rate` may be safe markup; `url` opens its rows."""

    value: str
    rate: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A figure of this month, of the last one to the same day and of all of the last one, and how
    the first differs from the second ("" if unknown).
    """

    label: str | Promise
    base: str | Promise  # what is counted
    cells: Sequence[MonthCell]
    difference: str

    @property
    def this(self) -> MonthCell:
        return self.cells[0]

    @property
    def before(self) -> MonthCell:
        return self.cells[1]

    @property
    def whole(self) -> MonthCell:
        return self.cells[2]


@dataclass(frozen=True, slots=True)
class MonthComparison:
    """`by_day`: what was sent and spent in the periods. `launched`: what the campaigns launched in
    them achieved so far, on whatever day.
    """

    months: ComparedMonths
    by_day: list[MonthRow]
    launched: list[MonthRow]


def load_month(today: date, days: Mapping[date, DailyFigures]) -> MonthComparison:
    """Return the month until `today` beside the last one. `days`: what was sent and spent on each
    day of both months.
    """
    months = compared_months(today)
    daily = [add_up(days, period) for period in months.periods]
    launched = load_launched_figures(months.periods, months.all_days)
    currencies = sorted({name for each in daily for name in each.bill.by_currency})
    return MonthComparison(
        months,
        [
            *_message_rows(daily),
            *(_spent_row(currency, months, daily) for currency in currencies or [""]),
        ],
        [
            _clicked_row(launched),
            *(_unit_cost_row(currency, launched) for currency in currencies),
        ],
    )


def _message_rows(daily: list[DailyFigures]) -> list[MonthRow]:
    sent = [(day.sent, "") for day in daily]
    delivered = [(day.delivered, share_text(day.delivered, day.sent, ACCEPTED)) for day in daily]
    read = [(day.read, share_text(day.read, day.delivered, DELIVERED)) for day in daily]
    return [
        _count_row(_("Sent"), _("accepted by the gateway"), sent),
        _count_row(_("Delivered"), _("by Viber, of those sent"), delivered),
        _count_row(_("Read"), _("of those sent"), read),
    ]


def _clicked_row(launched: list[LaunchedFigures]) -> MonthRow:
    clicked = [
        (each.clickers, share_text(each.clickers or 0, each.tracked, REACHED)) for each in launched
    ]
    return _count_row(_("Clicked"), _("recipients of campaigns with tracked links"), clicked)


def _count_row(label: str, base: str, counts: Sequence[tuple[int | None, str]]) -> MonthRow:
    """A row of numbers with their rates; None: no link is tracked, so nobody knows."""
    cells = [
        MonthCell(missing_value(_("not tracked")) if count is None else number(count), rate)
        for count, rate in counts
    ]
    this, before = counts[0][0], counts[1][0]
    return MonthRow(label, base, cells, difference_text(this, before, number))


def _spent_row(currency: str, months: ComparedMonths, daily: list[DailyFigures]) -> MonthRow:
    """What was spent in `currency`; "" where no price is known in any of the periods."""
    label = _("Spent, %(currency)s") % {"currency": currency} if currency else _("Spent")
    amounts = [each.bill.spent(currency) for each in daily]
    cells = [
        MonthCell(money(amount, currency), _unknown_text(each.bill), _spend_url(period))
        for amount, each, period in zip(amounts, daily, months.periods, strict=True)
    ]
    difference = difference_text(amounts[0], amounts[1], lambda amount: money(amount, currency))
    return MonthRow(label, _("by the ledger"), cells, difference)


def _unknown_text(bill: Bill) -> str:
    if not (unknown := bill.not_yet_known):
        return ""
    text = ngettext("%(number)s price not yet known", "%(number)s prices not yet known", unknown)
    return text % {"number": number(unknown)}


def _spend_url(period: Period) -> str:
    days = {"from": period.first.isoformat(), "to": period.last.isoformat()}
    return f"{reverse('spend')}?{urlencode(days)}"


def _unit_cost_row(currency: str, launched: list[LaunchedFigures]) -> MonthRow:
    costs = [each.per_delivered(currency) for each in launched]
    cells = [
        MonthCell(
            missing_value("–")
            if cost is None and not each.unpriced
            else money_exact(cost, currency)
        )
        for cost, each in zip(costs, launched, strict=True)
    ]
    return MonthRow(
        _("Cost per delivered, %(currency)s") % {"currency": currency},
        _("by Viber or SMS"),
        cells,
        difference_text(costs[0], costs[1], lambda amount: money_exact(amount, currency)),
    )


def difference_text(
    this: Amount | None, before: Amount | None, shown: Callable[[Amount], str]
) -> str:
    """Return by how much `this` is more or less than `before`: "+1,345 (12.2% more)"; "" if either
    is not known. Without percent where there was nothing before.
    """
    if this is None or before is None:
        return ""
    if this == before:
        return _("no difference")
    is_more, size = this > before, abs(this - before)
    signed = format_html("{}{}", "+" if is_more else "−", shown(size))
    if before <= 0:
        return format_html(
            _("{difference} more") if is_more else _("{difference} less"), difference=signed
        )
    text = _("{difference} ({share} more)") if is_more else _("{difference} ({share} less)")
    return format_html(text, difference=signed, share=percent(size, before))
