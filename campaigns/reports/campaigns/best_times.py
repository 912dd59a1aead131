"""The hours and days at which this installation's own messages were read best.

Each rate has a margin of error, half of its 95 % confidence interval. Rates of few messages mean
nothing, and are neither compared nor called best.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import Any

from django.db.models import QuerySet, Sum
from django.template.defaultfilters import floatformat
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign
from campaigns.reports.shared.key_figures import KeyFigure, missing_value
from campaigns.results.models import HourCount, Measure
from campaigns.templatetags.viberdash import number, percent

PERIOD = timedelta(days=180)
SETTLING = timedelta(days=2)  # later messages are still being delivered and read
MIN_DELIVERED = 300  # messages, for a rate that is worth comparing
MIN_CAMPAIGNS = 3  # with fewer, the rates say more about the campaigns than about the hours
NORMAL_95 = 1.96  # standard deviations of a 95 % interval
MEASURES = (Measure.SENT, Measure.SENT_DELIVERED, Measure.SENT_READ)


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """An hour of the day or a day of the week, and the messages sent in it."""

    label: str
    sent: int
    delivered: int
    read: int

    @property
    def enough(self) -> bool:
        return self.delivered >= MIN_DELIVERED

    @property
    def read_rate(self) -> float | None:
        """Read in percent of delivered; None where nothing was delivered."""
        return 100 * self.read / self.delivered if self.delivered else None

    @property
    def margin(self) -> float:
        """Percentage points by which the true rate may be higher or lower."""
        if not self.delivered:
            return 0.0
        share = self.read / self.delivered
        return 100 * NORMAL_95 * sqrt(share * (1 - share) / self.delivered)

    @property
    def rate_text(self) -> str:
        """The rate with its margin, such as "42.0% ± 1.5", or that there is too little data."""
        if not self.enough:
            return _("too little data")
        return f"{floatformat(self.read_rate, 1)}% ± {floatformat(self.margin, 1)}"


@dataclass(frozen=True, slots=True)
class BestTimes:
    """Messages sent from `since` to `until`, by hour and by weekday in the reader's time zone."""

    since: datetime
    until: datetime
    campaigns: int
    hours: list[TimeSlot]
    days: list[TimeSlot]
    overall: TimeSlot

    @property
    def enough(self) -> bool:
        return self.campaigns >= MIN_CAMPAIGNS and self.overall.enough

    @property
    def best_hour(self) -> TimeSlot | None:
        return self._best(self.hours)

    @property
    def best_day(self) -> TimeSlot | None:
        return self._best(self.days)

    def _best(self, slots: Iterable[TimeSlot]) -> TimeSlot | None:
        """Return the slot with the highest rate, if all of its interval is above the average."""
        compared = [slot for slot in slots if slot.enough]
        if not self.enough or len(compared) < 2:
            return None
        best = max(compared, key=lambda slot: slot.read_rate or 0.0)
        lowest = (best.read_rate or 0.0) - best.margin
        return best if lowest > (self.overall.read_rate or 0.0) else None

    @property
    def figures(self) -> list[KeyFigure]:
        """The best hour, the best day, and the average."""
        overall = self.overall
        text = ngettext(
            "%(delivered)s delivered, %(number)s campaign",
            "%(delivered)s delivered, %(number)s campaigns",
            self.campaigns,
        )
        hint = text % {"delivered": number(overall.delivered), "number": number(self.campaigns)}
        return [
            self._best_figure(_("Best hour"), self.best_hour),
            self._best_figure(_("Best day"), self.best_day),
            KeyFigure(_("Average"), percent(overall.read, overall.delivered), hint),
        ]

    def _best_figure(self, label: str, best: TimeSlot | None) -> KeyFigure:
        if best:
            hint = _("%(rate)s of delivered were read") % {"rate": best.rate_text}
            return KeyFigure(label, best.label, hint)
        hint = _("differences may be chance") if self.enough else _("too little data yet")
        return KeyFigure(label, missing_value(_("none stands out")), hint)

    @property
    def chart(self) -> dict[str, Any]:
        """The data that hours.js draws: only rates that are worth comparing."""
        return {
            "unit": "percent",
            "drawings": [
                _drawing(_("By hour of sending"), self.hours),
                _drawing(_("By weekday"), self.days),
            ],
        }


def _drawing(label: str, slots: list[TimeSlot]) -> dict[str, Any]:
    values = [
        round(slot.read_rate, 1) if slot.enough and slot.read_rate is not None else None
        for slot in slots
    ]
    return {
        "label": label,
        "labels": [slot.label for slot in slots],
        "series": [{"key": "read", "label": _("Read, of delivered"), "values": values}],
        "notes": [slot.delivered for slot in slots],
    }


def load_best_times(campaigns: QuerySet[Campaign], now: datetime) -> BestTimes:
    """Return when `campaigns` were sent and how well they were read, in the reader's time zone."""
    since, until = now - PERIOD, now - SETTLING
    rows = HourCount.objects.filter(
        campaign__in=campaigns, measure__in=MEASURES, hour__gte=since, hour__lt=until
    )
    hours: Counter[tuple[int, str]] = Counter()
    days: Counter[tuple[int, str]] = Counter()
    overall: Counter[tuple[int, str]] = Counter()
    sums = rows.order_by().values_list("hour", "measure").annotate(Sum("people"))
    for hour, measure, messages in sums:
        local = timezone.localtime(hour)
        hours[local.hour, measure] += messages
        days[local.weekday(), measure] += messages
        overall[0, measure] += messages
    return BestTimes(
        since,
        until,
        rows.filter(people__gt=0).values("campaign").distinct().count(),
        [_slot(f"{hour:02d}:00", hour, hours) for hour in range(24)],
        [_slot(str(WEEKDAYS[day]), day, days) for day in range(7)],
        _slot("", 0, overall),
    )


def _slot(label: str, key: int, counts: Counter[tuple[int, str]]) -> TimeSlot:
    return TimeSlot(label, *(counts[key, measure] for measure in MEASURES))
