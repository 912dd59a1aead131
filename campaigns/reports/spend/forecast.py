"""The forecast of this month's cost: a range, and what it is made of."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing.estimate import CostRange, estimate_cost
from campaigns.reports.shared.bills import load_bills, totals_for
from campaigns.reports.shared.delivery_counts import load_delivery_counts
from campaigns.reports.shared.periods import Period, month_of, period_bounds
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.shared.brands.scope import brand_of_new
from campaigns.shared.days import site_today
from campaigns.shared.money import ZERO
from campaigns.team import accounts
from campaigns.templatetags.viberdash import money

DAYS_BACK = 28  # four of each weekday
FRESH_SECONDS = 600  # counting the audiences of scheduled campaigns takes a while
CACHE_KEY = "month-forecast"
AMOUNTS = ("spent", "upcoming_minimum", "upcoming_maximum", "per_day")
UNDER_WAY = (CampaignState.PREPARING, CampaignState.SENDING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class CurrencyForecast:
    """The forecast in one currency.

    `minimum`: nothing more is launched, and Viber delivers everything. `maximum`: every upcoming
    recipient costs the more expensive of Viber and SMS, or spending goes on as in the last
    DAYS_BACK days, whichever is more.
    """

    currency: str
    spent: Decimal
    upcoming_minimum: Decimal  # of scheduled campaigns and those under way
    upcoming_maximum: Decimal
    per_day: Decimal  # the mean of the last DAYS_BACK days
    days_left: int

    @property
    def minimum(self) -> Decimal:
        return self.spent + self.upcoming_minimum

    @property
    def run_rate(self) -> Decimal:
        return self.per_day * self.days_left

    @property
    def maximum(self) -> Decimal:
        return self.spent + max(self.upcoming_maximum, self.run_rate)

    @property
    def range_text(self) -> str:
        """ "120.00 to 180.00 EUR", or one amount if both ends are the same."""
        maximum = money(self.maximum, self.currency)
        if self.minimum == self.maximum:
            return maximum
        return format_html(
            _("{minimum} to {maximum}"), minimum=money(self.minimum), maximum=maximum
        )


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """The forecast in all currencies.

    `campaigns` are upcoming; for `unpriced` of their recipients no price is known.
    """

    currencies: list[CurrencyForecast]
    campaigns: int
    unpriced: int


def load_forecast() -> MonthForecast:
    """Return today's forecast of the account that pages show, at most ten minutes old."""
    today, account = site_today(), accounts.cached().shown
    key = f"{CACHE_KEY}:{today}:{account.pk if account else 0}:{brand_of_new()}"
    if cached := _read(cache.get(key)):
        return cached
    forecast = _calculate(today)
    cache.set(key, json.dumps(asdict(forecast), default=str), FRESH_SECONDS)
    return forecast


def _read(stored: Any) -> MonthForecast | None:
    """The forecast in the cache; None if there is none."""
    try:
        values = json.loads(stored)
        currencies = [
            CurrencyForecast(**row | {name: Decimal(row[name]) for name in AMOUNTS})
            for row in values["currencies"]
        ]
        return MonthForecast(currencies, int(values["campaigns"]), int(values["unpriced"]))
    except (TypeError, KeyError, ValueError, ArithmeticError):
        return None


def _calculate(today: date) -> MonthForecast:
    first, last = month_of(today)
    campaigns = _upcoming_campaigns(Period("month", first, last))
    estimates, unpriced = _estimate_rest(campaigns)
    spent = _load_spend(first, today)
    recent = _load_spend(today - timedelta(days=DAYS_BACK), today - timedelta(days=1))
    return MonthForecast(
        [
            CurrencyForecast(
                currency,
                spent.get(currency, ZERO),
                estimates[currency].least,
                estimates[currency].most,
                recent.get(currency, ZERO) / DAYS_BACK,
                (last - today).days,
            )
            for currency in sorted({*spent, *recent, *estimates})
        ],
        len(campaigns),
        unpriced,
    )


def _load_spend(first: date, last: date) -> dict[str, Decimal]:
    bills = load_bills(totals_for().filter(day__range=(first, last))).values()
    return {cost.currency: cost.total for bill in bills for cost in bill.costs}


def _upcoming_campaigns(month: Period) -> list[Campaign]:
    """Return the campaigns under way, and those scheduled until the end of the month."""
    due = Q(state=CampaignState.SCHEDULED, scheduled_at__lt=period_bounds(month)[1])
    own = real_campaigns().filter(accounts.cached().is_shown())
    return list(own.filter(Q(state__in=UNDER_WAY) | due).select_related("sender"))


def _estimate_rest(campaigns: list[Campaign]) -> tuple[dict[str, CostRange], int]:
    """Return the estimates of what is still to be sent, by currency, and for how many recipients no
    price is known.
    """
    totals: defaultdict[str, CostRange] = defaultdict(CostRange)
    unpriced = 0
    counts = load_delivery_counts({campaign.pk: campaign.audience for campaign in campaigns})
    for campaign in campaigns:
        audience = campaign.audience
        queued = Decimal(counts[campaign.pk].queued) / audience if audience else Decimal(1)
        if not queued:
            continue
        campaign_estimate = estimate_cost(campaign)
        unpriced += campaign_estimate.unpriced
        for currency, total in campaign_estimate.totals.items():
            totals[currency].least += total.least * queued
            totals[currency].most += total.most * queued
    return totals, unpriced
