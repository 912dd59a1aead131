"""What this month will have cost in the end: a range, and how it was made."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.core.cache import cache
from django.db.models import Q

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing.estimate import CostRange, estimate_cost
from campaigns.reports.shared.bills import bills, spent
from campaigns.reports.shared.outcomes import outcomes
from campaigns.reports.shared.periods import Period, moments, month_of, today
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.shared.money import ZERO

LOOKED_BACK = 28  # days: four of each weekday
FRESH = 600  # seconds; counting the audiences of what is scheduled takes a while
KEY = "forecast"
TO_COME = (CampaignState.PREPARING, CampaignState.SENDING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class Forecast:
    """One currency. `least`: nothing more is launched, and Viber reaches everybody. `most`: the
    dearer way is taken for everybody, or the rest of the month goes on as the last weeks went,
    whichever is more.
    """

    currency: str
    spent: Decimal
    to_come_least: Decimal  # of what is scheduled or under way
    to_come_most: Decimal
    a_day: Decimal  # the mean of the last LOOKED_BACK days
    days_left: int

    @property
    def least(self) -> Decimal:
        return self.spent + self.to_come_least

    @property
    def run_rate(self) -> Decimal:
        return self.a_day * self.days_left

    @property
    def most(self) -> Decimal:
        return self.spent + max(self.to_come_most, self.run_rate)


@dataclass(frozen=True, slots=True)
class Outlook:
    """All currencies, how many campaigns are to come, and for how many people of them no price is
    known.
    """

    forecasts: list[Forecast]
    campaigns: int
    unpriced: int


def outlook() -> Outlook:
    """The forecast as it was at most ten minutes ago."""
    known = cache.get(KEY)
    if isinstance(known, Outlook):
        return known
    made = _outlook()
    cache.set(KEY, made, FRESH)
    return made


def _outlook() -> Outlook:
    now = today()
    first, last = month_of(now)
    coming = _to_come(Period("month", first, last))
    sums, unpriced = _estimates(coming)
    so_far, before = (
        _spent(first, now),
        _spent(now - timedelta(days=LOOKED_BACK), now - timedelta(days=1)),
    )
    return Outlook(
        [
            Forecast(
                currency, so_far.get(currency, ZERO), sums[currency].least, sums[currency].most,
                before.get(currency, ZERO) / LOOKED_BACK, (last - now).days,
            )
            for currency in sorted({*so_far, *before, *sums})
        ],
        len(coming),
        unpriced,
    )  # fmt: skip


def _spent(first: date, last: date) -> dict[str, Decimal]:
    found = bills(spent().filter(day__range=(first, last))).values()
    return {cost.currency: cost.total for bill in found for cost in bill.costs}


def _to_come(month: Period) -> list[Campaign]:
    """What is under way, and what is scheduled until the end of the month."""
    due = Q(state=CampaignState.SCHEDULED, scheduled_at__lt=moments(month)[1])
    return list(real_campaigns().filter(Q(state__in=TO_COME) | due).select_related("sender"))


def _estimates(coming: list[Campaign]) -> tuple[dict[str, CostRange], int]:
    """The estimates of what is still to be sent, by currency, and how many people they leave
    out.
    """
    sums: defaultdict[str, CostRange] = defaultdict(CostRange)
    counted, unpriced = outcomes({one.pk: one.audience for one in coming}), 0
    for campaign in coming:
        outcome, whole = counted[campaign.pk], campaign.audience
        share = Decimal(outcome.queued) / whole if whole else Decimal(1)
        if not share:
            continue
        found = estimate_cost(campaign)
        unpriced += found.unpriced
        for currency, total in found.totals.items():
            sums[currency].least += total.least * share
            sums[currency].most += total.most * share
    return sums, unpriced
