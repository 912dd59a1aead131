"""The hours and days at which this installation's own messages were read best, and how many
recipients of each clicked.

Each rate has a margin of error, half of its 95 % confidence interval. Rates of few messages mean
nothing, and are neither compared nor called best.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncHour
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign
from campaigns.reports.shared.click_counts import people_clicks, select_tracked
from campaigns.reports.shared.delivery_counts import BY_VIBER
from campaigns.reports.shared.key_figures import KeyFigure, missing_value
from campaigns.results.models import HourCount, Measure
from campaigns.shared.figures.percentages import percent_text, points_text, rounded_percent
from campaigns.templatetags.viberdash import number, percent

PERIOD = timedelta(days=180)
SETTLING = timedelta(days=2)  # later messages are still being delivered and read
MIN_DELIVERED = 300  # messages, for a rate that is worth comparing
MIN_CAMPAIGNS = 3  # with fewer, the rates say more about the campaigns than about the hours
NORMAL_95 = 1.96  # standard deviations of a 95 % interval
MEASURES = (Measure.SENT, Measure.SENT_DELIVERED, Measure.SENT_READ)
TRACKED, CLICKED = "tracked", "clicked"  # counted here, from the clicks


@dataclass(frozen=True, slots=True)
class TimeSlot:
    """An hour of the day or a day of the week, and the messages sent in it.

    `tracked`: those of campaigns with tracked links that Viber delivered. `clicked`: of these, the
    ones whose recipients clicked.
    """

    label: str
    sent: int
    delivered: int
    read: int
    tracked: int = 0
    clicked: int = 0

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
        return _margin(self.read, self.delivered)

    @property
    def rate_text(self) -> str:
        """The rate with its margin, such as "42.0% ± 1.5", or that there is too little data."""
        return _rate_text(self.read, self.delivered)

    @property
    def click_rate_text(self) -> str:
        """The same of those who clicked, of delivered; "" where no link was tracked."""
        return _rate_text(self.clicked, self.tracked) if self.tracked else ""


def _margin(part: int, whole: int) -> float:
    if not whole:
        return 0.0
    share = part / whole
    return 100 * NORMAL_95 * sqrt(share * (1 - share) / whole)


def _rate_text(part: int, whole: int) -> str:
    if whole < MIN_DELIVERED:
        return _("too little data")
    return f"{percent_text(part, whole)} ± {points_text(_margin(part, whole))}"


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
        float(rounded_percent(slot.read, slot.delivered) or 0) if slot.enough else None
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
    for hour, measure, messages in (*sums, *_load_clicks(rows, since, until)):
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


def _load_clicks(
    rows: QuerySet[HourCount], since: datetime, until: datetime
) -> Iterator[tuple[datetime, str, int]]:
    """Of the campaigns with tracked links: what Viber delivered and who of these clicked, by the
    hour of sending.
    """
    campaigns = Campaign.objects.filter(pk__in=rows.order_by().values("campaign"))
    tracked = [campaign.pk for campaign in select_tracked(campaigns)]
    if not tracked:
        return
    delivered = rows.filter(campaign__in=tracked, measure=Measure.SENT_DELIVERED)
    sums = delivered.order_by().values_list("hour").annotate(Sum("people"))
    yield from ((hour, TRACKED, messages) for hour, messages in sums)
    clicks = people_clicks().filter(
        campaign__in=tracked,
        at__gte=since,
        recipient__delivery_state__in=BY_VIBER,
        recipient__sent_at__gte=since,
        recipient__sent_at__lt=until,
    )
    # by whole hours of UTC, as the other counts
    by_hour = clicks.order_by().values_list(TruncHour("recipient__sent_at", tzinfo=UTC))
    clickers = by_hour.annotate(Count("recipient", distinct=True))
    yield from ((hour, CLICKED, number_clicked) for hour, number_clicked in clickers)


def _slot(label: str, key: int, counts: Counter[tuple[int, str]]) -> TimeSlot:
    return TimeSlot(label, *(counts[key, measure] for measure in (*MEASURES, TRACKED, CLICKED)))
