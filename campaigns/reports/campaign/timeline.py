"""One campaign over time: messages sent, delivered and read by hour, or by day if it took long."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.results.models import HourCount, Measure

HOURS_MAX = 72  # a longer campaign is shown by day
DAYS_MAX = 60
EVENTS = (Measure.SENT, Measure.DELIVERED, Measure.READ)


@dataclass(frozen=True, slots=True)
class TimeBucket:
    """An hour or a day in the reader's time zone, and the messages of each event in it."""

    start: datetime
    label: str
    sent: int
    delivered: int
    read: int


@dataclass(frozen=True, slots=True)
class CampaignTimeline:
    """`buckets` without gaps, the oldest first; with `by_day`, each of them is a day."""

    buckets: list[TimeBucket]
    by_day: bool = False

    def __bool__(self) -> bool:
        return bool(self.buckets)

    @property
    def title(self) -> str:
        return _("By day") if self.by_day else _("By hour")

    @property
    def bucket_title(self) -> str:
        """The heading of the column of buckets."""
        return _("Day") if self.by_day else _("Hour from")

    @property
    def chart(self) -> dict[str, Any]:
        """The data that hours.js draws."""
        labels = {"sent": _("Sent"), "delivered": _("Delivered by Viber"), "read": _("Read")}
        series = [
            {
                "key": key,
                "label": label,
                "values": [getattr(bucket, key) for bucket in self.buckets],
            }
            for key, label in labels.items()
        ]
        return {
            "unit": "people",
            "drawings": [
                {"label": "", "labels": [bucket.label for bucket in self.buckets], "series": series}
            ],
        }


def load_timeline(campaign: Campaign) -> CampaignTimeline:
    """Return the events in the reader's time zone; empty before the first of them."""
    by_hour: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    rows = HourCount.objects.filter(campaign=campaign, measure__in=EVENTS, people__gt=0)
    for measure, hour, number in rows.values_list("measure", "hour", "people"):
        by_hour[hour][measure] += number
    if not by_hour:
        return CampaignTimeline([])
    first, last = min(by_hour), max(by_hour)
    if last - first >= timedelta(hours=HOURS_MAX):
        return _daily(by_hour)
    hours = int((last - first) / timedelta(hours=1)) + 1
    starts = [timezone.localtime(first + timedelta(hours=step)) for step in range(hours)]
    label_format = "H:i" if starts[0].date() == starts[-1].date() else "j M, H:i"
    return CampaignTimeline(
        [
            _bucket(start, formats.date_format(start, label_format), by_hour[start])
            for start in starts
        ]
    )


def _daily(by_hour: dict[datetime, Counter[str]]) -> CampaignTimeline:
    by_day: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    for hour, counts in by_hour.items():
        by_day[timezone.localtime(hour).replace(hour=0)].update(counts)
    buckets: list[TimeBucket] = []
    day = min(by_day)
    while day <= max(by_day) and len(buckets) < DAYS_MAX:
        buckets.append(_bucket(day, formats.date_format(day, "j M"), by_day[day]))
        day += timedelta(days=1)
    return CampaignTimeline(buckets, by_day=True)


def _bucket(start: datetime, label: str, counts: Counter[str]) -> TimeBucket:
    return TimeBucket(
        start, label, counts[Measure.SENT], counts[Measure.DELIVERED], counts[Measure.READ]
    )
