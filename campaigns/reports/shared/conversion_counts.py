"""Conversions of campaigns, and their revenue: by currency, never across currencies.

Campaigns that track no conversions are in no answer, as of them nobody knows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Min, Sum

from campaigns.compose.models import Campaign
from campaigns.engagement.models import Conversion
from campaigns.reports.shared.bills import Bill

RETURN_PLACES = Decimal("0.01")


@dataclass(slots=True)
class ConversionCounts:
    """Of one campaign: `recipients` who converted, each once, and the `revenue` of all their
    conversions by currency.
    """

    recipients: int = 0
    number: int = 0
    revenue: dict[str, Decimal] = field(default_factory=dict)

    def returns(self, bill: Bill) -> dict[str, Decimal]:
        """Revenue divided by cost, of the currencies in which there are both."""
        costs = {cost.currency: cost.total for cost in bill.costs if cost.total > 0}
        return {
            currency: (amount / costs[currency]).quantize(RETURN_PLACES)
            for currency, amount in self.revenue.items()
            if currency in costs
        }


def load_conversions(campaigns: Iterable[Campaign]) -> dict[int, ConversionCounts]:
    """The conversions of each of the campaigns that track them, by two queries, or none."""
    counts = {each.pk: ConversionCounts() for each in campaigns if each.tracks_conversions}
    if not counts:
        return {}
    rows = Conversion.objects.filter(campaign__in=list(counts)).order_by()
    whole = rows.values_list("campaign").annotate(Count("recipient", distinct=True), Count("pk"))
    for campaign_id, recipients, number in whole:
        counts[campaign_id].recipients, counts[campaign_id].number = recipients, number
    sums = rows.exclude(value=None).values_list("campaign", "currency").annotate(Sum("value"))
    for campaign_id, currency, amount in sums.order_by("currency"):
        counts[campaign_id].revenue[currency] = amount
    return counts


@dataclass(frozen=True, slots=True)
class RecipientConversions:
    """Of one recipient: how many, when the first was reported, and revenue by currency."""

    number: int = 0
    first_at: datetime | None = None
    revenue: Mapping[str, Decimal] = field(default_factory=dict)


NO_CONVERSIONS = RecipientConversions()


def load_recipient_conversions(recipient_ids: Sequence[int]) -> dict[int, RecipientConversions]:
    """The conversions of each recipient who has any, by one query."""
    found: dict[int, RecipientConversions] = {}
    rows = Conversion.objects.filter(recipient__in=recipient_ids).order_by("currency")
    sums = rows.values_list("recipient", "currency").annotate(Count("pk"), Min("at"), Sum("value"))
    for recipient_id, currency, number, first_at, amount in sums:
        before = found.get(recipient_id, NO_CONVERSIONS)
        found[recipient_id] = RecipientConversions(
            before.number + number,
            min(before.first_at or first_at, first_at),
            before.revenue if amount is None else {**before.revenue, currency: amount},
        )
    return found
