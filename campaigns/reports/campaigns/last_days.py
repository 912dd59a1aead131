"""What was sent and spent on each of the last 30 days, as bars and as a table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from campaigns.reports.campaigns.daily_figures import DailyFigures
from campaigns.reports.shared.periods import Period
from campaigns.shared.money import ZERO, exact
from campaigns.templatetags.viberdash import money, number

DAYS = 30
HEIGHT = 100  # of the highest bar, in units of the drawing
STEP, WIDTH = 10, 8  # from bar to bar, and of a bar


@dataclass(frozen=True, slots=True)
class DayBar:
    """The bar of one day; `text` says the day and its figure."""

    x: int
    height: int
    text: str

    @property
    def y(self) -> int:
        return HEIGHT - self.height


@dataclass(frozen=True, slots=True)
class DayChart:
    """A bar for each day; `highest` is the figure of the highest one."""

    key: str
    title: str
    highest: str
    bars: list[DayBar]

    @property
    def width(self) -> int:
        return STEP * len(self.bars)


@dataclass(frozen=True, slots=True)
class DayRow:
    """A day of the table; `spent` in the order of the currencies, None: not yet known."""

    day: date
    sent: int
    spent: list[Decimal | None]
    url: str


@dataclass(frozen=True, slots=True)
class LastDays:
    """`rows` with the newest day first; `charts` with the oldest one first."""

    first: date
    last: date
    currencies: list[str]
    charts: list[DayChart]
    rows: list[DayRow]


def last_days(today: date) -> Period:
    """Return the last 30 days, with `today`."""
    return Period(str(DAYS), today - timedelta(days=DAYS - 1), today)


def build_last_days(period: Period, figures: Mapping[date, DailyFigures]) -> LastDays | None:
    """Return the charts of the days of `period`; None if nothing was sent or spent on them."""
    days = [period.first + timedelta(days=step) for step in range(period.days)]
    nothing = DailyFigures()
    daily = [(day, figures.get(day, nothing)) for day in days]
    if not any(each.sent or each.bill.entries for _day, each in daily):
        return None
    currencies = sorted({name for _day, each in daily for name in each.bill.by_currency})
    sent = [(day, Decimal(each.sent)) for day, each in daily]
    charts = [_chart("sent", _("Sent per day"), sent, number, number)]
    for currency in currencies:
        title = _("Spent per day, %(currency)s") % {"currency": currency}
        spent = [(day, each.bill.spent(currency)) for day, each in daily]
        exactly, rounded = partial(_exact_text, currency), partial(money, currency=currency)
        charts.append(_chart(f"spent-{currency}", title, spent, exactly, rounded))
    rows = [
        DayRow(day, each.sent, [each.bill.spent(name) for name in currencies], _spend_url(day))
        for day, each in reversed(daily)
    ]
    return LastDays(period.first, period.last, currencies, charts, rows)


def _exact_text(currency: str, amount: Decimal) -> str:
    return f"{number(Decimal(exact(amount)))} {currency}"


def _chart(
    key: str,
    title: str,
    figures: Sequence[tuple[date, Decimal | None]],
    shown: Callable[[Decimal], str],
    rounded: Callable[[Decimal], str],
) -> DayChart:
    """Bars in proportion to the highest, whose figure is `rounded`; each bar says its own in full.
    A day on which more was taken back than spent has no bar; any figure above 0 has one.
    """
    highest = max((figure or ZERO for _day, figure in figures), default=ZERO)
    bars = []
    for place, (day, figure) in enumerate(figures):
        share = (figure or ZERO) / highest if highest > 0 else ZERO
        text = _("not yet known") if figure is None else shown(figure)
        height = max(round(share * HEIGHT), 1) if share > 0 else 0
        bars.append(DayBar(place * STEP, height, f"{date_format(day, 'j M Y')}: {text}"))
    return DayChart(key, title, rounded(highest), bars)


def _spend_url(day: date) -> str:
    return f"{reverse('spend')}?{urlencode({'from': day, 'to': day, 'group': 'campaign'})}"
