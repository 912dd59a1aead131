"""The calendar of campaigns: what goes out on which day, in the reader's zone, a month or a week at
a time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import formats, timezone

from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.reports.shared.periods import month_of, read_day, span
from campaigns.templatetags import states

MONTH, WEEK = "month", "week"
SHOWN = 3  # campaigns on a day of the month; the week shows all
MOST = 1_000  # campaigns in one picture
RUNNING = (CampaignState.PREPARING, CampaignState.SENDING, CampaignState.PAUSED)
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Event:
    """A campaign on one day. `at`: when it starts on that day; None: it goes on from the day
    before.
    """

    campaign: Campaign
    at: datetime | None

    @property
    def colour(self) -> str:
        return states.look("campaign", self.campaign.state).colour


@dataclass(slots=True)
class Day:
    date: date
    events: list[Event] = field(default_factory=list)
    outside: bool = False  # of the month
    room: int = MOST

    @property
    def listed(self) -> list[Event]:
        """Those that have room: one more would take as much as saying that there is one more."""
        return self.events if len(self.events) <= self.room + 1 else self.events[: self.room]

    @property
    def more(self) -> int:
        return len(self.events) - len(self.listed)


@dataclass(frozen=True, slots=True)
class Picture:
    """What the page draws. `first` and `last` are the month's or week's own days; `days` fill whole
    weeks.
    """

    kind: str
    first: date
    last: date
    days: list[Day]

    @property
    def title(self) -> str:
        return (
            formats.date_format(self.first, "F Y")
            if self.kind == MONTH
            else span(self.first, self.last)
        )

    @property
    def before(self) -> date:
        """The first day of the month or week before."""
        return (
            self.first - A_WEEK
            if self.kind == WEEK
            else month_of(self.first - timedelta(days=1))[0]
        )

    @property
    def after(self) -> date:
        return self.last + timedelta(days=1)

    def day_in_sight(self, today: date) -> date:
        """`today` where it is in the picture, else the first day."""
        return today if self.first <= today <= self.last else self.first

    @property
    def empty(self) -> bool:
        return not any(day.events for day in self.days)


def read_span(query: Mapping[str, str], now: date) -> tuple[str, date]:
    """The kind of picture, and a day in it: `?week=2026-11-23` or `?month=2026-11-01`; anything
    else is this month.
    """
    for kind in (WEEK, MONTH):
        if day := read_day(query.get(kind, "")):
            return kind, day
    return MONTH, now


def picture(campaigns: QuerySet[Campaign], kind: str, day: date) -> Picture:
    """The month or week of `day` with those of `campaigns` that go out in it. One query."""
    first, last = month_of(day) if kind == MONTH else _week_of(day)
    begin, end = _week_of(first)[0], _week_of(last)[1]
    days = [Day(begin + timedelta(days=number)) for number in range((end - begin).days + 1)]
    for one in days:
        one.outside, one.room = not first <= one.date <= last, SHOWN if kind == MONTH else MOST
    _fill(days, _within(campaigns, _midnight(begin), _midnight(end + timedelta(days=1))))
    return Picture(kind, first, last, days)


def weekdays(shown: Picture) -> list[str]:
    """The heads of the columns."""
    return [formats.date_format(day.date, "D") for day in shown.days[:7]]


def _week_of(day: date) -> tuple[date, date]:
    starts = int(formats.get_format("FIRST_DAY_OF_WEEK"))  # 0: Sunday
    first = day - timedelta(days=(day.isoweekday() - starts) % 7)
    return first, first + timedelta(days=6)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_current_timezone())


def _within(campaigns: QuerySet[Campaign], begin: datetime, end: datetime) -> Iterable[Campaign]:
    """Those that start before `end` and do not end before `begin`. Drafts count where they have a
    time.
    """
    now = Value(timezone.now())
    starts = Case(When(timing=Timing.NOW, then=F("launched_at")), default=F("scheduled_at"))
    ends = Coalesce("finished_at", Case(When(state__in=RUNNING, then=now)), "starts")
    found = campaigns.annotate(starts=starts).annotate(ends=ends)
    cancelled_before = Q(state=CampaignState.CANCELLED, ends__lt=F("starts"))
    return (
        found.filter(starts__lt=end, ends__gte=begin)
        .exclude(cancelled_before)
        .order_by("starts", "pk")[:MOST]
    )


def _fill(days: list[Day], campaigns: Iterable[Campaign]) -> None:
    by_date = {day.date: day for day in days}
    for campaign in campaigns:
        starts, ends = (timezone.localtime(getattr(campaign, name)) for name in ("starts", "ends"))
        for number in range(max((ends.date() - starts.date()).days, 0) + 1):
            day = by_date.get(starts.date() + timedelta(days=number))
            if day:
                day.events.append(Event(campaign, None if number else starts))
