"""Sending hours: when it is day for the people a message goes to.

Where a country, or an area code, has several time zones it has to be day in all of them: nobody is
woken, and the hours are shorter there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from campaigns.compose.schedule.time_zones import zones_of

DAYS_AHEAD = 3  # the next opening is never farther away, whatever the clocks do
_WRITTEN = re.compile(r"\s*(\d\d?:\d\d)\s*[-–]\s*(\d\d?:\d\d)\s*")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """People who share their sending hours: a country, or the zones of an area in it (a key of
    `zones.areas`).
    """

    country: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """From `start` until just before `end`, by the clock on the wall; `end` is later than
    `start`.
    """

    start: time
    end: time

    @classmethod
    def read(cls, written: str) -> "Hours":
        """Hours as people write them, "09:00-21:00". Raises ValueError."""
        found = _WRITTEN.fullmatch(written)
        if not found:
            raise ValueError(written)
        start, end = (time.fromisoformat(clock.zfill(5)) for clock in found.groups())
        if start >= end:
            raise ValueError(written)
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def open_at(self, place: Place, moment: datetime) -> bool:
        """Whether it is within the hours in every zone of `place`."""
        return all(
            self.start <= _clock(moment, zone) < self.end
            for zone in zones_of(place.country, place.area)
        )

    def opens_at(self, place: Place, moment: datetime) -> datetime | None:
        """The first moment from `moment` on that is within the hours in `place`; None where there
        is none.
        """
        if self.open_at(place, moment):
            return moment
        starts = (
            datetime.combine(
                moment.astimezone(zone).date() + timedelta(days=days), self.start, zone
            )
            for zone in zones_of(place.country, place.area)
            for days in range(DAYS_AHEAD)
        )
        later = sorted(start.astimezone(moment.tzinfo) for start in starts)
        return next(
            (start for start in later if start > moment and self.open_at(place, start)), None
        )


@dataclass(frozen=True, slots=True)
class Timetable:
    """When people may be sent to: within `hours`, and not before `local` on their own clocks. None:
    no such limit.

    Where a place has several zones it has to be `local` in all of them. A time that the clocks jump
    over is the moment after the jump, one that comes twice the first of the two.
    """

    hours: Hours | None = None
    local: datetime | None = None  # as a clock on the wall shows it, without a zone

    def open_at(self, place: Place, moment: datetime) -> bool:
        """Whether people in `place` may be sent to at `moment`."""
        if self.local and moment < latest_moment(self.local, place):
            return False
        return self.hours is None or self.hours.open_at(place, moment)

    def opens_at(self, place: Place, moment: datetime) -> datetime | None:
        """The first moment from `moment` on at which people in `place` may be sent to; None where
        there is none.
        """
        start = max(moment, latest_moment(self.local, place)) if self.local else moment
        return self.hours.opens_at(place, start) if self.hours else start

    def open_places(self, places: Iterable[Place], moment: datetime) -> list[Place]:
        """Those of `places` that may be sent to at `moment`."""
        return [place for place in places if self.open_at(place, moment)]


def latest_moment(local: datetime, place: Place) -> datetime:
    """The moment from which on the clocks everywhere in `place` show `local` or later."""
    return max(_moments(local, place))


def earliest_moment(local: datetime, places: Iterable[Place]) -> datetime | None:
    """The first moment at which it is `local` in any of `places`; None where there are none."""
    return min((moment for place in places for moment in _moments(local, place)), default=None)


def _moments(local: datetime, place: Place) -> list[datetime]:
    return [
        local.replace(tzinfo=zone).astimezone(UTC) for zone in zones_of(place.country, place.area)
    ]


DAYTIME = Hours(time(9), time(21))  # for promotional messages, unless a person says otherwise


def _clock(moment: datetime, zone: ZoneInfo) -> time:
    return moment.astimezone(zone).time()
