"""Read what a campaign has cost from the totals."""

from collections import defaultdict
from decimal import Decimal

from django.db.models import Q, Sum

from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.shared.money import ZERO

Spend = dict[str, dict[str, Decimal]]  # currency -> channel -> amount


def of_account(account_id: int, *, is_first: bool) -> Q:
    """The condition on entries and totals of an account: of its campaigns, or its own without one.

    The first account also owns what names none.
    """
    if not is_first:
        return Q(campaign__account=account_id) | Q(account=account_id)
    no_other = Q(campaign__account=account_id) | Q(campaign__account=None)
    return no_other & (Q(account=account_id) | Q(account=None))


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
