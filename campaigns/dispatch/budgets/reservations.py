"""Reserve the maximum cost of a batch before it is sent, if it fits into the budgets.

There are three budgets: of a campaign, of a user in a month, and of all campaigns in a month. What
a batch holds after that follows from its rows: see holds. See docs/money.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.message.render import RenderedMessage
from campaigns.compose.message.sms import measure_sms
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing import price_list
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch, Snapshot
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.shared import bulk
from campaigns.shared.money import ZERO, to_units
from campaigns.team.models import User

# Reasons to pause a campaign, keys of lifecycle's reason texts.
CAMPAIGN_BUDGET, USER_BUDGET, MONTH_BUDGET = "budget", "user_budget", "month_budget"
PRICE_UNKNOWN = "price_unknown"


@dataclass(frozen=True, slots=True)
class MaximumCost:
    """The most that a batch can cost. `amount` None: a price is not known.

    `amount` comes on top of what the batch holds already, for recipients that the gateway accepted
    when it was sent before. `worst_case`: the most that one recipient can cost.
    """

    campaign_id: int
    amount: Decimal | None
    currency: str
    user_id: int | None = None  # who launched the campaign
    worst_case: Decimal = ZERO
    was_sent: bool = False  # a request with it may have reached the gateway before


class Spending(NamedTuple):
    """Money of one campaign in one currency: what was charged, and what is reserved."""

    spent: Decimal
    reserved: Decimal


class CostCalculator:
    """The maximum cost of the batches of one campaign, from the price list."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.viber = price_list.load_prices(price_list.VIBER, campaign.tariff)
        self.sms = (
            price_list.load_prices(price_list.SMS, campaign.tariff) if campaign.sms_text else None
        )

    def maximum(
        self, batch_id: int, country: str, messages: Iterable[RenderedMessage], queued: int,
        others: int = 0, was_sent: bool = False,
    ) -> MaximumCost:  # fmt: skip
        """The most that a batch with `messages` to `queued` recipients in one country can cost.

        `others` are no longer queued: if the gateway accepted them under a lower worst case, or
        under none, the batch will hold the difference for them too.
        """
        viber = self.viber.of(country)
        sms = self.sms.of(country) if self.sms else None
        if viber is None or (self.sms and (sms is None or sms.currency != viber.currency)):
            return MaximumCost(self.campaign.pk, None, "")
        worst_case = viber.amount
        if sms:
            parts = max([measure_sms(message.sms_text).parts for message in messages], default=0)
            worst_case += sms.amount * parts
        before = _worst_case_before(batch_id, viber.currency) if was_sent else ZERO
        worst_case = max(worst_case, before)
        amount = worst_case * queued + ((worst_case - before) * others if was_sent else ZERO)
        user_id = self.campaign.launched_by_id
        return MaximumCost(self.campaign.pk, amount, viber.currency, user_id, worst_case, was_sent)


def _worst_case_before(batch_id: int, currency: str) -> Decimal:
    """The worst case under which a batch was sent before; 0 if it was in another currency."""
    batch = Batch.objects.filter(pk=batch_id, held_currency=currency).first()
    return batch.worst_case or ZERO if batch else ZERO


def has_budget(campaign: Campaign) -> bool:
    """Whether a budget limits `campaign`: its own, that of who launched it, or the month's."""
    if campaign.purpose == Purpose.REHEARSAL:
        return False
    user_budgets = UserBudget.objects.filter(user=campaign.launched_by_id or 0)
    return campaign.budget is not None or MonthlyBudget.objects.exists() or user_budgets.exists()


def count_affordable(costs: Sequence[MaximumCost | None]) -> tuple[int, dict[int, str]]:
    """Count how many batches, from the first of `costs` on, fit into their budgets.

    `costs` has None for a batch without a budget. Returns the number, and the campaigns to pause
    (by id) with the reason. Call it in the transaction that records the intents: it locks the
    budgets until that ends.
    """
    remaining: dict[tuple[object, ...], Decimal] = {}
    months = _lock_monthly_budgets() if any(costs) else frozenset()
    user_budgets = _lock_user_budgets({cost.user_id for cost in costs if cost})
    for position, cost in enumerate(costs):
        if cost is None:
            continue
        if cost.amount is None:
            return position, {cost.campaign_id: PRICE_UNKNOWN}
        of_campaign, of_month = (CAMPAIGN_BUDGET, cost.campaign_id), (MONTH_BUDGET, cost.currency)
        of_user = (USER_BUDGET, cost.user_id, cost.currency)
        if of_campaign not in remaining:
            remaining[of_campaign] = _remaining_of_campaign(cost.campaign_id, cost.currency)
        if of_month not in remaining:
            remaining[of_month] = (
                remaining_of_month(cost.currency)
                if cost.currency in months
                else Decimal("Infinity")
            )
        if of_user not in remaining:
            budget = user_budgets.get((cost.user_id, cost.currency))
            remaining[of_user] = remaining_of_user(budget) if budget else Decimal("Infinity")
        for key in (of_campaign, of_user, of_month):
            remaining[key] -= cost.amount
            if remaining[key] < 0:
                return position, {cost.campaign_id: str(key[0])}
    return len(costs), {}


def reserve(costs: Mapping[int, MaximumCost | None]) -> None:
    """Reserve the maximum cost of batches (by id) that are about to be sent: their worst case, and
    what they hold by it.
    """
    for currency in {cost.currency for cost in costs.values() if cost}:
        rows = [
            (to_units(cost.worst_case), to_units(cost.amount), batch_id)
            for batch_id, cost in costs.items()
            if cost and cost.amount is not None and cost.currency == currency
        ]
        bulk.update(
            Batch._meta.db_table,
            {"held_currency": currency},
            {"worst_case": "bigint", "held": "bigint"},
            rows,
        )
    holds.recompute([batch_id for batch_id, cost in costs.items() if cost and cost.was_sent])


def change_budget(campaign_id: int, actor: User | None, amount: Decimal | None) -> bool:
    """Set the budget of a campaign; None: no limit. Resumes a campaign that its budget had paused.

    Returns whether it was resumed. Raises lifecycle.Refused when the campaign is over.
    """
    with transaction.atomic():
        lifecycle.change_budget(campaign_id, actor, amount)
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.state != CampaignState.PAUSED or campaign.reason != CAMPAIGN_BUDGET:
            return False
        if amount is not None and not all(
            _remaining_of_campaign(campaign_id, currency) > 0
            for currency in spending_by_currency(campaign_id)
        ):
            return False
        lifecycle.resume(campaign_id, actor)
        return True


def spending_by_currency(campaign_id: int) -> dict[str, Spending]:
    """What a campaign has spent, and what is reserved for messages under way."""
    spent = dict(_sums(LedgerTotal.objects.filter(campaign_id=campaign_id), "currency", "amount"))
    open_batches = Batch.objects.filter(campaign_id=campaign_id, held__isnull=False)
    reserved = dict(_sums(open_batches, "held_currency", "held"))
    return {
        currency: Spending(spent.get(currency, ZERO), reserved.get(currency, ZERO))
        for currency in sorted({*spent, *reserved} - {""})
    }


def _sums(rows: QuerySet[Any], currency: str, column: str) -> list[tuple[str, Decimal]]:
    return list(rows.order_by().values_list(currency).annotate(Sum(column)))


def _lock_monthly_budgets() -> frozenset[str]:
    """Lock the monthly budgets until the transaction ends; return their currencies."""
    budgets = MonthlyBudget.objects.select_for_update().order_by("currency")
    return frozenset(budgets.values_list("currency", flat=True))


def _lock_user_budgets(
    user_ids: Collection[int | None],
) -> dict[tuple[int | None, str], UserBudget]:
    """Lock the budgets of users until the transaction ends; by user id and currency."""
    if not user_ids:
        return {}
    budgets = (
        UserBudget.objects.select_for_update(of=("self",)).filter(user__in=user_ids).order_by("pk")
    )
    return {(budget.user_id, budget.currency): budget for budget in budgets}


def remaining_of_user(budget: UserBudget) -> Decimal:
    """What the campaigns that a user launched have neither spent nor reserved this month."""
    same_user = {"campaign__launched_by": OuterRef("user")}
    spent = LedgerTotal.objects.filter(
        day__gte=_first_of_month(), currency=budget.currency, **same_user
    )
    reserved = Batch.objects.filter(held__isnull=False, held_currency=budget.currency, **same_user)
    budgets = UserBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "campaign__launched_by"),
        on_hold=_sum(reserved, "held", "campaign__launched_by"),
    )
    amount, *used = budgets.values_list("amount", "spent", "on_hold").get(pk=budget.pk)
    remaining: Decimal = amount - sum(filter(None, used), ZERO)
    return remaining


def _first_of_month() -> date:
    return timezone.localdate(timezone=settings.SITE_ZONE).replace(day=1)


def _remaining_of_campaign(campaign_id: int, currency: str) -> Decimal:
    """What of a campaign's budget is neither spent nor reserved; infinite without a budget.

    Locks the campaign's snapshot, so that no other worker reserves for it until the transaction
    ends.
    """
    Snapshot.objects.select_for_update().filter(campaign_id=campaign_id).first()
    spent = LedgerTotal.objects.filter(campaign_id=OuterRef("pk"), currency=currency)
    reserved = Batch.objects.filter(campaign_id=OuterRef("pk"), held__isnull=False)
    # One statement: between two, another worker could move an amount from reserved to spent.
    campaigns = Campaign.objects.annotate(
        spent=_sum(spent, "amount", "campaign_id"), on_hold=_sum(reserved, "held", "campaign_id")
    )
    budget, *used = campaigns.values_list("budget", "spent", "on_hold").get(pk=campaign_id)
    return Decimal("Infinity") if budget is None else budget - sum(filter(None, used), ZERO)


def remaining_of_month(currency: str) -> Decimal:
    """What of the monthly budget is neither spent nor reserved; negative if it was lowered."""
    spent = LedgerTotal.objects.filter(day__gte=_first_of_month(), currency=OuterRef("currency"))
    reserved = Batch.objects.filter(held__isnull=False, held_currency=OuterRef("currency"))
    budgets = MonthlyBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "currency"),
        on_hold=_sum(reserved, "held", "held_currency"),
    )
    amount, *used = budgets.values_list("amount", "spent", "on_hold").get(currency=currency)
    remaining: Decimal = amount - sum(filter(None, used), ZERO)
    return remaining


def _sum(rows: QuerySet[LedgerTotal] | QuerySet[Batch], column: str, key: str) -> Subquery:
    """The sum of `column` over those `rows` that have one value of `key`."""
    return Subquery(rows.order_by().values(key).annotate(total=Sum(F(column))).values("total"))
