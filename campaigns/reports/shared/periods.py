"""Periods of days to report on. Days are those of the site's time zone, as in the ledger."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

CHOICES: dict[str, str | Promise] = {
    "this_month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "7": gettext_lazy("7 days"),
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "custom": gettext_lazy("From – to"),
}
DEFAULT = "this_month"
# no ledger reaches beyond, and weeks can be reckoned there
EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
LONGEST = timedelta(days=3 * 366)  # what a page can draw


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both included. `key` is one of CHOICES."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def words(self) -> str:
        """The days, for a heading: "1 Nov 2026 – 23 Nov 2026"."""
        return span(self.first, self.last)


def span(first: date, last: date) -> str:
    if first == last:
        return formats.date_format(first, "j M Y")
    return f"{formats.date_format(first, 'j M Y')} – {formats.date_format(last, 'j M Y')}"


def moments(period: Period) -> tuple[datetime, datetime]:
    """The moment at which `period` begins, and the first one after it."""
    return _midnight(period.first), _midnight(period.last + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, settings.SITE_ZONE)


def today() -> date:
    """The site's day."""
    return timezone.localdate(timezone=settings.SITE_ZONE)


def month_of(day: date) -> tuple[date, date]:
    return day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1])


def read_day(text: str) -> date | None:
    """A day as 2026-11-23; None where `text` is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if EARLIEST <= day <= LATEST else None


def read_period(query: Mapping[str, str], now: date | None = None) -> tuple[Period, str]:
    """The period that a query string asks for, and what was wrong with it ("" if nothing): then the
    default.
    """
    now = now or today()
    key = query.get("period") or ("custom" if query.get("from") or query.get("to") else DEFAULT)
    if key == "custom":
        return _custom(query, now)
    if key == "last_month":
        first, last = month_of(now.replace(day=1) - timedelta(days=1))
        return Period(key, first, last), ""
    if key in ("7", "30", "90"):
        return Period(key, now - timedelta(days=int(key) - 1), now), ""
    return this_month(now), "" if key == DEFAULT else _(
        "There is no such period. This month is shown."
    )


def this_month(now: date | None = None) -> Period:
    """From the first of the month to today."""
    now = now or today()
    return Period(DEFAULT, now.replace(day=1), now)


def _custom(query: Mapping[str, str], now: date) -> tuple[Period, str]:
    first, last = read_day(query.get("from", "")), read_day(query.get("to", ""))
    if first is None or last is None:
        return this_month(now), _("Choose the first and the last day. This month is shown.")
    if first > last:
        return this_month(now), _("The first day is after the last. This month is shown.")
    if last - first > LONGEST:
        return this_month(now), _("A period has at most three years. This month is shown.")
    return Period("custom", first, last), ""
