"""On which days the runs of a series are, and when they start."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch.local_start import EASTERNMOST, local_start, possible_places
from campaigns.compose.models import Repeat, Series
from campaigns.shared.days import local_time, site_day, site_moment

A_DAY = timedelta(days=1)
GAP_MAX = 31  # days from one run to the next


def falls_on(series: Series, day: date) -> bool:
    """Whether the rule names `day`, whenever the series begins and ends."""
    if series.repeat == Repeat.WEEKLY:
        return day.weekday() in series.weekdays
    if series.repeat == Repeat.MONTHLY:
        return day.day == min(series.month_day or 1, monthrange(day.year, day.month)[1])
    return True


def days(series: Series, first: date) -> Iterator[date]:
    """The days of the runs from `first` on."""
    day = max(first, series.first_day)
    without = 0
    while without <= GAP_MAX and (series.last_day is None or day <= series.last_day):
        without += 1
        if falls_on(series, day):
            without = 0
            yield day
        day += A_DAY


def start_of(series: Series, day: date) -> datetime:
    """When the run of `day` starts: at the recipients' local time, when the first of the time zones
    that its audience can have reaches it.
    """
    if not series.is_local or series.draft is None:
        return site_moment(day, series.at)
    in_places = possible_places(Audience.of(series.draft))
    return local_start(local_time(day, series.at), in_places)


def can_start(series: Series, now: datetime) -> bool:
    """Whether the time of the next run may have come at `now`, without asking who its recipients
    are.
    """
    if series.next_day is None:
        return False
    earliest = site_moment(series.next_day, series.at)
    return earliest - (2 * EASTERNMOST if series.is_local else timedelta()) <= now


def first_day_from(series: Series, now: datetime) -> date | None:
    """The day of the first run that has not started at `now`; None if there is none."""
    coming = days(series, site_day(now) - A_DAY)
    return next((day for day in coming if start_of(series, day) > now), None)
