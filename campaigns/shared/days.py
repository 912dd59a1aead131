"""Days: the only code that turns a moment into a day, or days into moments.

The site's days are those of money: the ledger, totals, budgets, statements, reports on spend. The
reader's days are those of everything else that a page shows. Outside a request, where nobody reads,
the two are the same.
"""

from datetime import date, datetime, time, timedelta, tzinfo

from django.conf import settings
from django.utils import timezone


def site_day(moment: datetime) -> date:
    """Return the day of `moment` in the site's time zone."""
    return moment.astimezone(settings.SITE_ZONE).date()


def site_today() -> date:
    """Return the current day in the site's time zone."""
    return site_day(timezone.now())


def site_month() -> date:
    """Return the first day of the current month in the site's time zone."""
    return site_today().replace(day=1)


def site_bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return when the days from `first` to `last` begin and end in the site's time zone; the end is
    the first moment after them.
    """
    return _bounds(first, last, settings.SITE_ZONE)


def reader_day(moment: datetime) -> date:
    """Return the day of `moment` in the reader's time zone."""
    return timezone.localtime(moment).date()


def reader_today() -> date:
    """Return the current day in the reader's time zone."""
    return reader_day(timezone.now())


def reader_bounds(first: date, last: date) -> tuple[datetime, datetime]:
    """Return when the days from `first` to `last` begin and end in the reader's time zone; the end
    is the first moment after them.
    """
    return _bounds(first, last, timezone.get_current_timezone())


def site_moment(day: date, of_day: time) -> datetime:
    """Return the moment of `day` at which clocks in the site's time zone show `of_day`."""
    return local_time(day, of_day).replace(tzinfo=settings.SITE_ZONE)


def local_time(day: date, of_day: time) -> datetime:
    """Return `of_day` on `day` as clocks show it anywhere, without a zone."""
    return datetime.combine(day, of_day)


def next_time(of_day: time, after: datetime, zone: tzinfo) -> datetime:
    """Return the first moment from `after` on at which clocks in `zone` show `of_day`."""
    local = after.astimezone(zone)
    moment = datetime.combine(local.date(), of_day, zone)
    if moment < after:
        moment = datetime.combine(local.date() + timedelta(days=1), of_day, zone)
    return moment


def _bounds(first: date, last: date, zone: tzinfo) -> tuple[datetime, datetime]:
    return (
        datetime.combine(first, time.min, zone),
        datetime.combine(last + timedelta(days=1), time.min, zone),
    )
