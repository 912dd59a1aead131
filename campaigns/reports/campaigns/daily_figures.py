"""What was sent and spent by day, in the site's time zone: read from the hourly counts and from the
totals of the ledger.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from django.db.models import Sum

from campaigns.ledger.models import Purpose
from campaigns.reports.shared.bills import Bill, load_bills, totals_for
from campaigns.reports.shared.periods import Period, period_bounds
from campaigns.results.models import HourCount, Measure
from campaigns.shared.days import site_day
from campaigns.team import accounts

COUNTED = {
    Measure.SENT: "sent",
    Measure.SENT_DELIVERED: "delivered",
    Measure.SENT_READ: "read",
}


@dataclass(slots=True)
class DailyFigures:
    """What was sent and spent on one day or several.

    `sent`: messages that the gateway accepted. `delivered` (by Viber) and `read`: those of them so
    far, on whatever day, so that each is a share of the one before it.
    """

    sent: int = 0
    delivered: int = 0
    read: int = 0
    bill: Bill = field(default_factory=Bill)

    def merge(self, other: "DailyFigures") -> None:
        self.sent += other.sent
        self.delivered += other.delivered
        self.read += other.read
        self.bill.merge(other.bill)


def load_daily_figures(period: Period) -> dict[date, DailyFigures]:
    """Return the figures of the days of `period` on which anything was sent or spent, of real
    campaigns and of the account that pages show. Two queries.

    An hour counts for the day in which it begins.
    """
    days: defaultdict[date, DailyFigures] = defaultdict(DailyFigures)
    totals = totals_for().filter(day__range=(period.first, period.last))
    for (day,), bill in load_bills(totals, "day").items():
        days[day].bill = bill
    start, end = period_bounds(period)
    hours = HourCount.objects.filter(
        accounts.cached().is_shown("campaign__account"),
        campaign__purpose=Purpose.CAMPAIGN,
        measure__in=COUNTED,
        hour__gte=start,
        hour__lt=end,
    )
    rows = hours.order_by().values_list("measure", "hour").annotate(Sum("people"))
    for measure, hour, number in rows:
        figures, name = days[site_day(hour)], COUNTED[Measure(measure)]
        setattr(figures, name, getattr(figures, name) + number)
    return dict(days)


def add_up(days: Mapping[date, DailyFigures], period: Period) -> DailyFigures:
    """Return the figures of all days of `period` together."""
    total = DailyFigures()
    for day, figures in days.items():
        if period.first <= day <= period.last:
            total.merge(figures)
    return total
