"""From the estimate to the bill, and what was got for it: the campaigns that were launched in a period."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from django.db.models import Q, Sum

from campaigns.compose.prices import VIBER, Prices, kept_prices
from campaigns.dispatch.models import Tally
from campaigns.ledger.models import Purpose
from campaigns.ledger.money import ZERO
from campaigns.reports.bills import Cost, bills, spent
from campaigns.reports.outcomes import GROUPED, Outcome
from campaigns.reports.periods import Period, moments
from campaigns.reports.spending import filtered

FINE = Decimal("0.0001")
OF_CAMPAIGNS = ("campaign", "country", "sender", "user", "tariff", "label", "list")  # filters that people have too


@dataclass(slots=True)
class Yield:
    """What campaigns have cost until now, adjustments of later days included, and whom they reached.

    `estimates`: Viber for everybody accepted, by the price list as last fetched; a currency each.
    """

    outcome: Outcome = field(default_factory=Outcome)
    costs: list[Cost] = field(default_factory=list)
    estimates: dict[str, Decimal] = field(default_factory=dict)
    campaigns: int = 0
    not_yet_known: int = 0

    @property
    def cost(self) -> Cost | None:
        """The only currency; people can't be told apart by currencies, so with several there is no cost of each."""
        return self.costs[0] if len(self.costs) == 1 else None

    @property
    def estimate(self) -> Decimal | None:
        return self.estimates.get(self.cost.currency) if self.cost else None

    @property
    def send_differs(self) -> Decimal:
        """What was charged at the send, less the estimate."""
        return self.cost.at_send - self.estimate if self.cost and self.estimate is not None else ZERO

    @property
    def per_delivered(self) -> Decimal | None:
        return self._each(self.outcome.reached)

    @property
    def per_read(self) -> Decimal | None:
        return self._each(self.outcome.read)

    @property
    def per_sms(self) -> Decimal | None:
        """What the fallback cost for each person that it was sent to."""
        people = self.outcome.by_sms
        return (self.cost.sms / people).quantize(FINE) if self.cost and people else None

    def _each(self, people: int) -> Decimal | None:
        return (self.cost.total / people).quantize(FINE) if self.cost and people else None


def read_yield(period: Period, filters: Mapping[str, str]) -> Yield:
    """Of the campaigns launched in `period` that `filters` select; a filter by channel selects none of them. Three
    queries and the price lists.
    """
    start, end = moments(period)
    launched = Q(campaign__launched_at__gte=start, campaign__launched_at__lt=end)
    wanted = {key: value for key, value in filters.items() if key in OF_CAMPAIGNS}
    totals = filtered(spent().filter(launched), wanted)
    found = Yield(campaigns=totals.order_by().values("campaign").distinct().count())
    for bill in bills(totals).values():
        found.costs, found.not_yet_known = bill.costs, bill.not_yet_known
    tallies = filtered(Tally.objects.filter(launched, campaign__purpose=Purpose.CAMPAIGN), wanted)
    prices = lru_cache(maxsize=None)(_prices)
    for row in tallies.order_by().values("campaign__tariff", "country", *GROUPED).annotate(number=Sum("recipients")):
        found.outcome.add(row)
        price = prices(row["campaign__tariff"]).of(row["country"])
        if row["send_state"] == "accepted" and price:
            found.estimates[price.currency] = found.estimates.get(price.currency, ZERO) + price.amount * row["number"]
    return found


def _prices(tariff: int) -> Prices:
    return kept_prices(VIBER, tariff)
