"""Sending hours and local times: when the recipients in a place may be sent to.

Where a country or an area code has several time zones, the hours have to hold in all of them, so
they are shorter there.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from campaigns.compose.schedule.time_zones import zones_of

DAYS_AHEAD = 3  # the next opening is never farther away, even where the clocks change
_HOURS = re.compile(r"\s*(\d\d?:\d\d)\s*[-–]\s*(\d\d?:\d\d)\s*")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where recipients share their time zones: a country, or an area in it.

    `area` is one of the values of `time_zones.zones_by_area`.
    """

    country: str
    area: str = ""


@dataclass(frozen=True, slots=True)
class SendingHours:
    """Hours of one day in local time, from `start` until just before `end`; `start` < `end`."""

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> "SendingHours":
        """Read hours as people write them, "09:00-21:00". Raises ValueError."""
        match = _HOURS.fullmatch(text)
        if not match:
            raise ValueError(text)
        start, end = (time.fromisoformat(clock.zfill(5)) for clock in match.groups())
        if start >= end:
            raise ValueError(text)
        return cls(start, end)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def is_open(self, place: Place, moment: datetime) -> bool:
        """Whether `moment` is within the hours in every zone of `place`."""
        return all(
            self.start <= moment.astimezone(zone).time() < self.end
            for zone in zones_of(place.country, place.area)
        )

    def next_opening(self, place: Place, moment: datetime) -> datetime | None:
        """The first moment from `moment` on within the hours in `place`; None: there is none."""
        if self.is_open(place, moment):
            return moment
        starts = (
            datetime.combine(
                moment.astimezone(zone).date() + timedelta(days=days), self.start, zone
            )
            for zone in zones_of(place.country, place.area)
            for days in range(DAYS_AHEAD)
        )
        candidates = sorted(start.astimezone(moment.tzinfo) for start in starts)
        return next(
            (start for start in candidates if start > moment and self.is_open(place, start)), None
        )


@dataclass(frozen=True, slots=True)
class Timetable:
    """When recipients may be sent to: within `hours`, and not before `local` in their local time.

    None is no limit. Where a place has several zones, `local` has to be reached in all of them. A
    time that the clocks skip means the moment after the change; one that comes twice, the first.
    """

    hours: SendingHours | None = None
    local: datetime | None = None  # local time, without a zone

    def is_open(self, place: Place, moment: datetime) -> bool:
        """Whether recipients in `place` may be sent to at `moment`."""
        if self.local and moment < latest_moment(self.local, place):
            return False
        return self.hours is None or self.hours.is_open(place, moment)

    def next_opening(self, place: Place, moment: datetime) -> datetime | None:
        """The first moment from `moment` on to send to `place`; None: there is none."""
        start = max(moment, latest_moment(self.local, place)) if self.local else moment
        return self.hours.next_opening(place, start) if self.hours else start

    def open_places(self, places: Iterable[Place], moment: datetime) -> list[Place]:
        """Those of `places` that may be sent to at `moment`."""
        return [place for place in places if self.is_open(place, moment)]


def latest_moment(local: datetime, place: Place) -> datetime:
    """The moment when all zones of `place` have reached the local time `local`."""
    return max(_moments(local, place))


def earliest_moment(local: datetime, places: Iterable[Place]) -> datetime | None:
    """The moment when the first zone of `places` reaches `local`; None without places."""
    return min((moment for place in places for moment in _moments(local, place)), default=None)


def _moments(local: datetime, place: Place) -> list[datetime]:
    return [
        local.replace(tzinfo=zone).astimezone(UTC) for zone in zones_of(place.country, place.area)
    ]


DAYTIME = SendingHours(time(9), time(21))  # what the composer proposes for promotional messages
