"""Read what a campaign has cost from the totals."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Sum

from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.shared.money import ZERO

Spend = dict[str, dict[str, Decimal]]  # currency -> channel -> amount


def spend_of(campaign_id: int, purpose: Purpose | None = None) -> Spend:
    """The cost of a campaign so far by currency and channel, adjustments included."""
    totals = LedgerTotal.objects.filter(campaign_id=campaign_id)
    if purpose:
        totals = totals.filter(purpose=purpose)
    spend: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    for currency, channel, amount in totals.values_list("currency", "channel").annotate(
        sum=Sum("amount")
    ):
        if currency:
            spend[currency][channel] = amount or ZERO
    return dict(spend)
