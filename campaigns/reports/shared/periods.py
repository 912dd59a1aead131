"""Periods of days to report on, in the site's time zone as in the ledger."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import formats
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.shared.days import site_bounds, site_today

PERIOD_LABELS: dict[str, str | Promise] = {
    "this_month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "custom": gettext_lazy("Custom period"),
}
DEFAULT_PERIOD = "this_month"
# beyond any ledger, and far enough from the limits of `date` to calculate weeks
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
LONGEST_PERIOD = timedelta(days=3 * 366)  # as many days as a page can draw


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included. `key` is one of PERIOD_LABELS."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def label(self) -> str:
        """The days for a heading: "1 Nov 2026 – 23 Nov 2026"."""
        return format_days(self.first, self.last)


def format_days(first: date, last: date) -> str:
    """Return one day, or the first and the last, in the reader's language."""
    if first == last:
        return formats.date_format(first, "j M Y")
    return f"{formats.date_format(first, 'j M Y')} – {formats.date_format(last, 'j M Y')}"


def period_bounds(period: Period) -> tuple[datetime, datetime]:
    """Return when `period` begins, and when the next one does."""
    return site_bounds(period.first, period.last)


def month_of(day: date) -> tuple[date, date]:
    """Return the first and the last day of the month."""
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def read_day(text: str) -> date | None:
    """Return the day that `text` ("2026-11-23") names, or None."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None


def read_period(query: Mapping[str, str], now: date | None = None) -> tuple[Period, str]:
    """Return the period that a query string asks for, and an error text ("" for none).

    With an error, the period is the default one.
    """
    now = now or site_today()
    key = query.get("period") or (
        "custom" if query.get("from") or query.get("to") else DEFAULT_PERIOD
    )
    if key == "custom":
        return _custom(query, now)
    if key == "last_month":
        first, last = month_of(now.replace(day=1) - timedelta(days=1))
        return Period(key, first, last), ""
    if key in ("7", "30", "90"):
        return Period(key, now - timedelta(days=int(key) - 1), now), ""
    return this_month(now), "" if key == DEFAULT_PERIOD else _(
        "Unknown period. Showing this month."
    )


def this_month(now: date | None = None) -> Period:
    """Return the period from the first of the month to today."""
    now = now or site_today()
    return Period(DEFAULT_PERIOD, now.replace(day=1), now)


def _custom(query: Mapping[str, str], now: date) -> tuple[Period, str]:
    first, last = read_day(query.get("from", "")), read_day(query.get("to", ""))
    if first is None or last is None:
        return this_month(now), _("Choose a first and a last day. Showing this month.")
    if first > last:
        return this_month(now), _("Choose a last day after the first. Showing this month.")
    if last - first > LONGEST_PERIOD:
        return this_month(now), _("Choose a period of at most three years. Showing this month.")
    return Period("custom", first, last), ""
