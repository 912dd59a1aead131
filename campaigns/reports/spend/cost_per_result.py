"""From the estimate to the bill, and what was got for it: the campaigns that were launched in a
period.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q, Sum

from campaigns.compose.pricing.price_list import VIBER, Prices, UnitPrice, stored_prices
from campaigns.dispatch.models import SendState, Tally
from campaigns.ledger.models import Purpose
from campaigns.reports.shared.bills import Bill, Cost, bills, spent
from campaigns.reports.shared.outcomes import GROUPED, Outcome
from campaigns.reports.shared.periods import Period, moments
from campaigns.reports.spend.spending import filtered
from campaigns.shared.money import ZERO

FINE = Decimal("0.0001")
# filters that people have too
OF_CAMPAIGNS = ("campaign", "country", "sender", "user", "tariff", "label", "list")


@dataclass(slots=True)
class CostPerResult:
    """What campaigns have cost until now, adjustments of later days included, and whom they
    reached.

    `estimates`: Viber for everybody accepted, by the price list as last fetched; a currency each.
    """

    outcome: Outcome = field(default_factory=Outcome)
    bill: Bill = field(default_factory=Bill)
    estimates: dict[str, Decimal] = field(default_factory=dict)
    campaigns: int = 0

    def add(self, row: dict[str, Any], price: UnitPrice | None) -> None:
        """Take in the people of a tally; `price` is that of a Viber message to each."""
        self.outcome.add(row)
        if row["send_state"] == SendState.ACCEPTED and price:
            self.estimates[price.currency] = (
                self.estimates.get(price.currency, ZERO) + price.amount * row["number"]
            )

    @property
    def cost(self) -> Cost | None:
        """The only currency; people can't be told apart by currencies, so with several there is no
        cost of each.
        """
        costs = self.bill.costs
        return costs[0] if len(costs) == 1 else None

    @property
    def estimate(self) -> Decimal | None:
        return self.estimates.get(self.cost.currency) if self.cost else None

    @property
    def send_differs(self) -> Decimal:
        """What was charged at the send, less the estimate."""
        return (
            self.cost.at_send - self.estimate if self.cost and self.estimate is not None else ZERO
        )

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


def costs_per_result(period: Period, filters: Mapping[str, str]) -> list[CostPerResult]:
    """Of the campaigns launched in `period` that `filters` select; a filter by channel selects none
    of them.

    One for each currency, as a tariff is charged in one; where one was charged in two, one of all.
    Three queries and the price lists.
    """
    start, end = moments(period)
    launched = Q(campaign__launched_at__gte=start, campaign__launched_at__lt=end)
    wanted = {key: value for key, value in filters.items() if key in OF_CAMPAIGNS}
    totals = filtered(spent().filter(launched), wanted)
    campaigns = (
        totals.order_by().values_list("campaign__tariff").annotate(Count("campaign", distinct=True))
    )
    billed = {tariff: bill for (tariff,), bill in bills(totals, "campaign__tariff").items()}
    apart = all(len(bill.by_currency) < 2 for bill in billed.values())
    currency = {
        tariff: "".join(bill.by_currency) if apart else "" for tariff, bill in billed.items()
    }
    found: defaultdict[str, CostPerResult] = defaultdict(CostPerResult)
    for tariff, number in campaigns:
        found[currency[tariff]].campaigns += number
        found[currency[tariff]].bill.merge(billed[tariff])
    tallies = filtered(Tally.objects.filter(launched, campaign__purpose=Purpose.CAMPAIGN), wanted)
    prices = lru_cache(maxsize=None)(_prices)
    for row in (
        tallies.order_by()
        .values("campaign__tariff", "country", *GROUPED)
        .annotate(number=Sum("recipients"))
    ):
        tariff = row["campaign__tariff"]
        if tariff in currency:  # nobody of another was accepted
            found[currency[tariff]].add(row, prices(tariff).of(row["country"]))
    return [found[name] for name in sorted(found)]


def _prices(tariff: int) -> Prices:
    return stored_prices(VIBER, tariff)
