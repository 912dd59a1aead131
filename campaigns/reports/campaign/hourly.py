"""One campaign over time: how many messages were sent, delivered and read in each hour, or day
where it took long.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.results.models import HourCount, Measure

HOURS_MAX = 72  # hours drawn; what took longer is told by the day
DAYS_MAX = 60
EVENTS = (Measure.SENT, Measure.DELIVERED, Measure.READ)


@dataclass(frozen=True, slots=True)
class Moment:
    """An hour or a day in the reader's zone, and what happened in it."""

    start: datetime
    words: str
    sent: int
    delivered: int
    read: int


@dataclass(frozen=True, slots=True)
class OverTime:
    """`moments` without a gap, the oldest first; `by_day`: each of them is a day."""

    moments: list[Moment]
    by_day: bool = False

    def __bool__(self) -> bool:
        return bool(self.moments)

    @property
    def chart(self) -> dict[str, Any]:
        """What the page's script draws."""
        labels = {"sent": _("Sent"), "delivered": _("Delivered by Viber"), "read": _("Read")}
        series = [
            {
                "key": key,
                "label": label,
                "values": [getattr(moment, key) for moment in self.moments],
            }
            for key, label in labels.items()
        ]
        return {
            "unit": "people",
            "drawings": [
                {"label": "", "labels": [moment.words for moment in self.moments], "series": series}
            ],
        }


def over_time(campaign: Campaign) -> OverTime:
    """What happened when, in the reader's zone; nothing before the gateway has told anything."""
    counts: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    rows = HourCount.objects.filter(campaign=campaign, measure__in=EVENTS, people__gt=0)
    for measure, hour, people in rows.values_list("measure", "hour", "people"):
        counts[hour][measure] += people
    if not counts:
        return OverTime([])
    first, last = min(counts), max(counts)
    if last - first < timedelta(hours=HOURS_MAX):
        hours = int((last - first) / timedelta(hours=1)) + 1
        starts = [timezone.localtime(first + timedelta(hours=step)) for step in range(hours)]
        form = "H:i" if starts[0].date() == starts[-1].date() else "j M, H:i"
        return OverTime(
            [_moment(start, formats.date_format(start, form), counts[start]) for start in starts]
        )
    return _by_day(counts)


def _by_day(counts: dict[datetime, Counter[str]]) -> OverTime:
    days: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for hour, counted in counts.items():
        days[timezone.localtime(hour).replace(hour=0)].update(counted)
    found: list[Moment] = []
    day = min(days)
    while day <= max(days) and len(found) < DAYS_MAX:
        found.append(_moment(day, formats.date_format(day, "j M"), days[day]))
        day += timedelta(days=1)
    return OverTime(found, by_day=True)


def _moment(start: datetime, words: str, counted: Counter[str]) -> Moment:
    return Moment(
        start, words, counted[Measure.SENT], counted[Measure.DELIVERED], counted[Measure.READ]
    )
