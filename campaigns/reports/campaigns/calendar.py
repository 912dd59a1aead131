"""The calendar of campaigns: a month or a week, by day in the reader's time zone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import takewhile

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.models import Campaign, CampaignState, Series, Timing
from campaigns.compose.series import rules
from campaigns.compose.series.texts import rule_text
from campaigns.reports.shared.periods import format_days, month_of, read_day
from campaigns.shared.days import reader_bounds, reader_day, reader_today, site_moment
from campaigns.templatetags import states

MONTH, WEEK = "month", "week"
EVENTS_A_DAY = 3  # shown in the month; the week shows all
MAX_CAMPAIGNS = 1_000  # in one calendar
RUNNING = (CampaignState.PREPARING, CampaignState.SENDING, CampaignState.PAUSED)
A_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """What a day has: `at` is when it starts, None where it goes on from the day before."""

    name: str
    url: str
    at: datetime | time | None
    state: str  # in words
    css: str  # the classes of its colour
    when: str = ""  # more about its time
    is_earliest: bool = False  # `at`: it waits for another campaign

    @classmethod
    def of_campaign(cls, campaign: Campaign, at: datetime | None) -> "CalendarEvent":
        css = f"state-{states.look('campaign', campaign.state).colour}"
        if campaign.state == CampaignState.DRAFT:
            css += " event-draft"
        waits = campaign.timing == Timing.AFTER and campaign.scheduled_at is None
        url, state = campaign.get_absolute_url(), campaign.get_state_display()
        when = when_text(campaign) if waits else ""
        return cls(campaign.name, url, at, state, css, when, is_earliest=waits)

    @classmethod
    def of_series(cls, series: Series, day: date) -> "CalendarEvent":
        """A run that is planned on `day` and does not exist yet."""
        css = f"state-{states.look('campaign', CampaignState.SCHEDULED).colour} event-draft"
        url, state = series.get_absolute_url(), _("Run of a series")
        if series.is_local:
            return cls(series.name, url, series.at, state, css, rule_text(series))
        at = timezone.localtime(site_moment(day, series.at))
        return cls(series.name, url, at, state, css)

    @property
    def title(self) -> str:
        return " · ".join(filter(None, (self.name, self.state, self.when)))


@dataclass(slots=True)
class CalendarDay:
    date: date
    events: list[CalendarEvent] = field(default_factory=list)
    is_outside: bool = False  # of the month that is shown
    is_today: bool = False
    max_events: int = MAX_CAMPAIGNS

    @property
    def css(self) -> str:
        flags = {
            "calendar-outside": self.is_outside,
            "calendar-today": self.is_today,
            "calendar-nothing": not self.events,
        }
        return " ".join(["calendar-day", *(css for css, applies in flags.items() if applies)])

    @property
    def listed(self) -> list[CalendarEvent]:
        """The events that fit; a single one more is listed, as "1 more" needs the same space."""
        fits = len(self.events) <= self.max_events + 1
        return self.events if fits else self.events[: self.max_events]

    @property
    def more(self) -> int:
        return len(self.events) - len(self.listed)


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A month or week from `first` to `last`; `days` fill whole weeks."""

    kind: str
    first: date
    last: date
    days: list[CalendarDay]

    @property
    def title(self) -> str:
        if self.kind == MONTH:
            return formats.date_format(self.first, "F Y")
        return format_days(self.first, self.last)

    @property
    def previous(self) -> date:
        """The first day of the previous month or week."""
        if self.kind == WEEK:
            return self.first - A_WEEK
        return month_of(self.first - timedelta(days=1))[0]

    @property
    def next(self) -> date:
        return self.last + timedelta(days=1)

    @property
    def previous_label(self) -> str:
        return _("Previous week") if self.kind == WEEK else _("Previous month")

    @property
    def next_label(self) -> str:
        return _("Next week") if self.kind == WEEK else _("Next month")

    def visible_day(self, today: date) -> date:
        """Return `today` if the view has it, or else the first day."""
        return today if self.first <= today <= self.last else self.first

    @property
    def is_empty(self) -> bool:
        return not any(day.events for day in self.days)


def read_view(query: Mapping[str, str], today: date) -> tuple[str, date]:
    """Return the kind of view and a day in it, from `?week=2026-11-23` or `?month=2026-11-01`.

    Anything else is this month.
    """
    for kind in (WEEK, MONTH):
        if day := read_day(query.get(kind, "")):
            return kind, day
    return MONTH, today


def load_calendar(
    campaigns: QuerySet[Campaign], series: Iterable[Series], kind: str, day: date
) -> CalendarView:
    """Return the month or week of `day` with those of `campaigns` that run in it, and the coming
    runs of `series`; two queries, and that of the series.
    """
    first, last = month_of(day) if kind == MONTH else _week_of(day)
    begin, end = _week_of(first)[0], _week_of(last)[1]
    today = reader_today()
    days = [
        CalendarDay(
            shown,
            is_outside=not first <= shown <= last,
            is_today=shown == today,
            max_events=EVENTS_A_DAY if kind == MONTH else MAX_CAMPAIGNS,
        )
        for shown in (begin + timedelta(days=number) for number in range((end - begin).days + 1))
    ]
    bounds = reader_bounds(begin, end)
    _add_events(days, [*_expected(campaigns, *bounds), *_running(campaigns, *bounds)])
    _add_planned(days, series)
    return CalendarView(kind, first, last, days)


def weekdays(view: CalendarView) -> list[str]:
    """Return the headings of the columns."""
    return [formats.date_format(day.date, "D") for day in view.days[:7]]


def _week_of(day: date) -> tuple[date, date]:
    first_weekday = int(formats.get_format("FIRST_DAY_OF_WEEK"))  # 0: Sunday
    first = day - timedelta(days=(day.isoweekday() - first_weekday) % 7)
    return first, first + timedelta(days=6)


def _running(campaigns: QuerySet[Campaign], begin: datetime, end: datetime) -> Iterable[Campaign]:
    """Return those that start before `end` and end after `begin`; drafts only if they have a
    time.
    """
    now = Value(timezone.now())
    starts = Case(When(timing=Timing.NOW, then=F("launched_at")), default=F("scheduled_at"))
    ends = Coalesce("finished_at", Case(When(state__in=RUNNING, then=now)), "starts")
    cancelled_before = Q(state=CampaignState.CANCELLED, ends__lt=F("starts"))
    return (
        campaigns.annotate(starts=starts)
        .annotate(ends=ends)
        .filter(starts__lt=end, ends__gte=begin)
        .exclude(cancelled_before)
        .order_by("starts", "pk")[:MAX_CAMPAIGNS]
    )


def _expected(campaigns: QuerySet[Campaign], begin: datetime, end: datetime) -> list[Campaign]:
    """Return the follow-ups that wait for a campaign which is not finished, as if it were as soon
    as it starts, where they start before `end` and not before `begin`.
    """
    waiting = campaigns.filter(
        state=CampaignState.SCHEDULED, timing=Timing.AFTER, scheduled_at=None
    )
    expected: list[Campaign] = []
    for campaign in waiting.select_related("follows")[:MAX_CAMPAIGNS]:
        parent = campaign.follows
        if parent and (ends := parent.finished_at or parent.scheduled_at or parent.launched_at):
            starts = ends + timedelta(hours=campaign.follow_hours or 0)
            if begin <= starts < end:
                campaign.starts = campaign.ends = starts  # type: ignore[attr-defined]
                expected.append(campaign)
    return expected


def _add_events(days: list[CalendarDay], campaigns: Iterable[Campaign]) -> None:
    by_date = {day.date: day for day in days}
    for campaign in campaigns:
        starts, ends = (getattr(campaign, name) for name in ("starts", "ends"))
        first = reader_day(starts)
        for number in range(max((reader_day(ends) - first).days, 0) + 1):
            if day := by_date.get(first + timedelta(days=number)):
                at = None if number else timezone.localtime(starts)
                day.events.append(CalendarEvent.of_campaign(campaign, at))


def _add_planned(days: list[CalendarDay], series: Iterable[Series]) -> None:
    by_date = {day.date: day for day in days}
    for repeated in series:
        if repeated.next_day is None:
            continue
        coming = rules.days(repeated, repeated.next_day)
        for on in takewhile(lambda day: day <= days[-1].date, coming):
            if day := by_date.get(on):
                day.events.append(CalendarEvent.of_series(repeated, on))
