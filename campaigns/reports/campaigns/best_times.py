"""At which hours and on which days messages were read best, from this installation's own campaigns.

A rate is shown with how sure it is: the half width of its 95 % interval. What few messages were
sent in says nothing, and is neither compared nor called best.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.results.models import HourCount, Measure

PERIOD = timedelta(days=180)
SETTLING = timedelta(days=2)  # what was sent since is still being delivered and read
ENOUGH = 300  # messages delivered, for a rate that is worth comparing
ENOUGH_CAMPAIGNS = 3  # with fewer, the hours say more about the campaigns than about themselves
SURE = 1.96  # standard deviations: 95 %
COUNTED = (Measure.SENT, Measure.SENT_DELIVERED, Measure.SENT_READ)


@dataclass(frozen=True, slots=True)
class Slot:
    """An hour of the day, or a day of the week, in which messages were sent."""

    words: str
    sent: int
    delivered: int
    read: int

    @property
    def enough(self) -> bool:
        return self.delivered >= ENOUGH

    @property
    def read_rate(self) -> float | None:
        """Read, in per cent of delivered; None of nothing."""
        return 100 * self.read / self.delivered if self.delivered else None

    @property
    def margin(self) -> float:
        """Percentage points that the true rate may be off to either side."""
        if not self.delivered:
            return 0.0
        share = self.read / self.delivered
        return 100 * SURE * sqrt(share * (1 - share) / self.delivered)


@dataclass(frozen=True, slots=True)
class Times:
    """What was sent between `since` and `until`, by the hour and by the day of the reader's
    week.
    """

    since: datetime
    until: datetime
    campaigns: int
    hours: list[Slot]
    days: list[Slot]
    whole: Slot

    @property
    def enough(self) -> bool:
        return self.campaigns >= ENOUGH_CAMPAIGNS and self.whole.enough

    @property
    def best_hour(self) -> Slot | None:
        return self._best(self.hours)

    @property
    def best_day(self) -> Slot | None:
        return self._best(self.days)

    def _best(self, slots: Iterable[Slot]) -> Slot | None:
        """The one with the highest rate, if it is above the average even at the low end of its
        interval.
        """
        compared = [slot for slot in slots if slot.enough]
        if not self.enough or len(compared) < 2:
            return None
        best = max(compared, key=lambda slot: slot.read_rate or 0.0)
        return (
            best if (best.read_rate or 0.0) - best.margin > (self.whole.read_rate or 0.0) else None
        )

    @property
    def chart(self) -> dict[str, Any]:
        """What the page's script draws: rates that are worth comparing, nothing where there are
        none.
        """
        return {
            "unit": "percent",
            "drawings": [
                _drawing(_("By the hour of sending"), self.hours),
                _drawing(_("By the day"), self.days),
            ],
        }


def _drawing(label: str, slots: list[Slot]) -> dict[str, Any]:
    values = [
        round(slot.read_rate, 1) if slot.enough and slot.read_rate is not None else None
        for slot in slots
    ]
    return {
        "label": label,
        "labels": [slot.words for slot in slots],
        "series": [{"key": "read", "label": _("Read, of delivered"), "values": values}],
        "notes": [slot.delivered for slot in slots],
    }


def best_times(campaigns: QuerySet[Campaign], now: datetime) -> Times:
    """The hours and days in which `campaigns` were sent, by the clock of whoever reads this."""
    since, until = now - PERIOD, now - SETTLING
    rows = HourCount.objects.filter(
        campaign__in=campaigns, measure__in=COUNTED, hour__gte=since, hour__lt=until
    )
    hours: Counter[tuple[int, str]] = Counter()
    days: Counter[tuple[int, str]] = Counter()
    for hour, measure, people in (
        rows.order_by().values_list("hour", "measure").annotate(Sum("people"))
    ):
        local = timezone.localtime(hour)
        hours[local.hour, measure] += people
        days[local.weekday(), measure] += people
    whole: Counter[tuple[int, str]] = Counter()
    for (_day, measure), people in days.items():
        whole[0, measure] += people
    return Times(
        since,
        until,
        rows.filter(people__gt=0).values("campaign").distinct().count(),
        [_slot(f"{hour:02d}:00", hour, hours) for hour in range(24)],
        [_slot(str(WEEKDAYS[day]), day, days) for day in range(7)],
        _slot("", 0, whole),
    )


def _slot(words: str, key: int, counted: Counter[tuple[int, str]]) -> Slot:
    return Slot(words, *(counted[key, measure] for measure in COUNTED))
