"""The budget of a campaign: the worst case of a batch is held before it leaves, so that the budget can't be exceeded.

The worst case of a person is the dearer of the Viber message and the SMS that may go out instead. What was charged
leaves the hold when the batch is closed; the rest stays until results knows that no SMS will follow.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum

from campaigns import bulk
from campaigns.compose import prices
from campaigns.compose.message import Rendered
from campaigns.compose.models import Campaign
from campaigns.compose.sms import sms_parts
from campaigns.dispatch.models import Batch, Snapshot
from campaigns.ledger.money import ZERO, to_units
from campaigns.ledger.sums import spend_of


@dataclass(frozen=True, slots=True)
class Worst:
    """What a batch can cost at most. `amount` None: a price is not known."""

    campaign_id: int
    amount: Decimal | None
    currency: str


class WorstCase:
    """The worst case of each person of one campaign, from the price list."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.viber = prices.prices(prices.VIBER, campaign.tariff)
        self.sms = prices.prices(prices.SMS, campaign.tariff) if campaign.sms_text else None

    def of(self, country: str, people: Iterable[tuple[Rendered, int]]) -> Worst:
        """What `people` (words, and how many get them) of one country can cost at most."""
        viber = self.viber.of(country)
        sms = self.sms.of(country) if self.sms else None
        if viber is None or (self.sms and (sms is None or sms.currency != viber.currency)):
            return Worst(self.campaign.pk, None, "")
        amount = ZERO
        for words, number in people:
            fallback = sms.amount * sms_parts(words.sms_text).parts if sms else ZERO
            amount += max(viber.amount, fallback) * number
        return Worst(self.campaign.pk, amount, viber.currency)


def within(worsts: Sequence[Worst | None]) -> tuple[int, dict[int, str]]:
    """How many of the first of `worsts` (None: without a budget) may leave, and which campaigns to pause then, and why.

    Call it in the transaction of the intent.
    """
    left: dict[int, Decimal] = {}
    for place, worst in enumerate(worsts):
        if worst is None:
            continue
        if worst.amount is None:
            return place, {worst.campaign_id: "price_unknown"}
        if worst.campaign_id not in left:
            left[worst.campaign_id] = _left(worst.campaign_id, worst.currency)
        left[worst.campaign_id] -= worst.amount
        if left[worst.campaign_id] < 0:
            return place, {worst.campaign_id: "budget"}
    return len(worsts), {}


def hold(worsts: Mapping[int, Worst | None]) -> None:
    """Hold the worst case of batches (by id) that leave now."""
    rows = [(to_units(worst.amount), batch) for batch, worst in worsts.items() if worst and worst.amount is not None]
    bulk.update(Batch._meta.db_table, {}, {"held": "bigint"}, rows)


def _left(campaign_id: int, currency: str) -> Decimal:
    """What of the budget is neither spent nor held. Nobody else asks for this campaign until the transaction ends."""
    Snapshot.objects.select_for_update().get(campaign_id=campaign_id)
    budget = Campaign.objects.get(pk=campaign_id).budget
    spent = sum(spend_of(campaign_id).get(currency, {}).values(), ZERO)
    held = Batch.objects.filter(campaign_id=campaign_id).aggregate(held=Sum("held"))["held"] or ZERO
    return (budget if budget is not None else Decimal("Infinity")) - spent - held
