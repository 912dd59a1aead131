"""Reserve the maximum cost of a batch before it is sent, if it fits into the budgets.

There are three budgets: of a campaign, of a user in a month, and of all campaigns in a month. What
a batch holds after that follows from its rows: see holds. See docs/money.md.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.launch.pause_reasons import Pause
from campaigns.compose.launch.reachable import is_sendable, of_reachable, sendable
from campaigns.compose.message.render import RenderedMessage
from campaigns.compose.message.sms import measure_sms
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing import price_list
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch, Snapshot
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.shared import bulk
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.shared.days import site_month
from campaigns.shared.money import ZERO, from_units, to_units
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import using_key_of
from campaigns.team.models import User

# Reasons to pause a campaign, keys of lifecycle's reason texts.
CAMPAIGN_BUDGET, USER_BUDGET, MONTH_BUDGET = "budget", "user_budget", "month_budget"
BUDGET_REASONS = (CAMPAIGN_BUDGET, USER_BUDGET, MONTH_BUDGET)
UNLIMITED = Decimal("Infinity")
PRICE_UNKNOWN, OTHER_CURRENCY = "price_unknown", "budget_currency"


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
    brand_id: int | None = MAIN


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
            return MaximumCost(self.campaign.pk, None, "", brand_id=self.campaign.brand_id)
        worst_case = viber.amount
        if sms:
            parts = max([measure_sms(message.sms_text).parts for message in messages], default=0)
            worst_case += sms.amount * parts
        before = _worst_case_before(batch_id, viber.currency) if was_sent else ZERO
        worst_case = max(worst_case, before)
        amount = worst_case * queued + ((worst_case - before) * others if was_sent else ZERO)
        return MaximumCost(
            self.campaign.pk,
            amount,
            viber.currency,
            self.campaign.launched_by_id,
            worst_case,
            was_sent,
            self.campaign.brand_id,
        )


def _worst_case_before(batch_id: int, currency: str) -> Decimal:
    """The worst case under which a batch was sent before; 0 if it was in another currency."""
    batch = Batch.objects.filter(pk=batch_id, held_currency=currency).first()
    return batch.worst_case or ZERO if batch else ZERO


def has_budget(campaign: Campaign) -> bool:
    """Whether a budget limits `campaign`: its own, that of who launched it, or the month's."""
    if campaign.purpose == Purpose.REHEARSAL:
        return False
    months = MonthlyBudget.objects.filter(brand=campaign.brand_id)
    of_user = UserBudget.objects.filter(brand=campaign.brand_id, user=campaign.launched_by_id or 0)
    return campaign.budget is not None or months.exists() or of_user.exists()


def count_affordable(costs: Sequence[MaximumCost | None]) -> tuple[int, list[Pause]]:
    """Count how many batches, from the first of `costs` on, fit into their budgets.

    `costs` has None for a batch without a budget. Returns the number, and the campaigns to pause.
    Call it in the transaction that records the intents: it locks the budgets until that ends.
    """
    budgets = LockedBudgets(costs)
    for position, cost in enumerate(costs):
        if cost and (reason := budgets.take(cost)):
            Campaign.objects.filter(pk=cost.campaign_id).update(
                awaited_amount=cost.amount, awaited_currency=cost.currency
            )
            return position, [Pause(cost.campaign_id, reason)]
    return len(costs), []


class LockedBudgets:
    """The budgets of some costs, locked until the transaction ends, and what remains of them.

    Everybody locks the months first, then users, then campaigns by their id, and changes the row of
    a campaign (its state, for example) only after that: so nobody waits in a circle.
    """

    def __init__(self, costs: Sequence[MaximumCost | None]) -> None:
        self._months = _lock_monthly_budgets() if any(costs) else {}
        self._of_users = _lock_user_budgets({cost.user_id for cost in costs if cost})
        _lock_campaigns({cost.campaign_id for cost in costs if cost})
        self._remaining: dict[tuple[object, ...], Decimal] = {}

    def take(self, cost: MaximumCost) -> str:
        """Take `cost` from its budgets. Returns why it does not fit, a reason to pause; or "".

        Nothing is taken where it does not fit into one of them.
        """
        if cost.amount is None:
            return PRICE_UNKNOWN
        is_first = (CAMPAIGN_BUDGET, cost.campaign_id, cost.currency) not in self._remaining
        if is_first and not _is_budget_in(cost.campaign_id, cost.currency):
            return OTHER_CURRENCY
        budgets = {
            (CAMPAIGN_BUDGET, cost.campaign_id, cost.currency): self._load_campaign,
            (USER_BUDGET, cost.user_id, cost.brand_id, cost.currency): self._load_user,
            (MONTH_BUDGET, cost.brand_id, cost.currency): self._load_month,
        }
        for budget, load in budgets.items():
            if budget not in self._remaining:
                self._remaining[budget] = load(cost)
            if self._remaining[budget] < cost.amount:
                return str(budget[0])
        for budget in budgets:
            self._remaining[budget] -= cost.amount
        return ""

    @staticmethod
    def _load_campaign(cost: MaximumCost) -> Decimal:
        return _remaining_of_campaign(cost.campaign_id, cost.currency)

    def _load_user(self, cost: MaximumCost) -> Decimal:
        budget = self._of_users.get((cost.user_id, cost.brand_id, cost.currency))
        return remaining_of_user(budget) if budget else UNLIMITED

    def _load_month(self, cost: MaximumCost) -> Decimal:
        budget = self._months.get((cost.brand_id, cost.currency))
        return remaining_of_month(budget) if budget else UNLIMITED


def _is_budget_in(campaign_id: int, currency: str) -> bool:
    """Whether the campaign's own budget, if it has one, is in `currency`.

    Where the launch could not tell the currency, the first batch to be sent decides it.
    """
    budgets = Campaign.objects.filter(pk=campaign_id, budget__isnull=False)
    named = budgets.values_list("budget_currency", flat=True).first()
    if named == "":
        budgets.update(budget_currency=currency)
    return named in (None, "", currency)


def pause_for_currency(campaign_id: int, reserved: str, charged: str) -> Pause | None:
    """The pause of a campaign that a budget limits: a price came in the currency `charged`, where
    the amount for it was reserved in `reserved`. None: no budget limits it.
    """
    if not has_budget(Campaign.objects.get(pk=campaign_id)):
        return None
    detail = _("Reserved in %(reserved)s, charged in %(charged)s.")
    names = {"reserved": reserved, "charged": charged}
    return Pause(campaign_id, OTHER_CURRENCY, detail % names)


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
        campaign = Campaign.objects.get(pk=campaign_id)
        budgets = LockedBudgets([_awaited_cost(campaign)])
        running_changes.change_budget(campaign_id, actor, amount)
        campaign.refresh_from_db()
        if campaign.state != CampaignState.PAUSED or campaign.reason != CAMPAIGN_BUDGET:
            return False
        if not is_sendable(campaign) or budgets.take(_awaited_cost(campaign)):
            return False
        lifecycle.resume(campaign_id, actor)
        return True


def lacks_room(campaign: Campaign) -> bool:
    """Whether a budget paused `campaign`, and has no room yet for what did not fit."""
    if campaign.state != CampaignState.PAUSED or campaign.reason not in BUDGET_REASONS:
        return False
    cost = _awaited_cost(campaign)
    with transaction.atomic():
        return bool(LockedBudgets([cost]).take(cost))


def _lock_campaigns(campaign_ids: Collection[int]) -> None:
    """Let no other worker reserve for these campaigns until the transaction ends."""
    if campaign_ids:
        snapshots = Snapshot.objects.select_for_update().filter(campaign_id__in=campaign_ids)
        list(snapshots.order_by("campaign_id").values_list("pk"))


def resume_where_it_fits() -> int:
    """Continue the campaigns that a budget paused, and whose batch that did not fit fits now.

    Returns how many. Campaigns that wait for the same budget continue only if it has room for all
    of them, the one launched first before the others.
    """
    paused = Campaign.objects.filter(
        sendable(),
        state=CampaignState.PAUSED,
        reason__in=BUDGET_REASONS,
        awaited_amount__isnull=False,
    )
    costs = [_awaited_cost(campaign) for campaign in paused.order_by("launched_at", "pk")]
    if not costs:
        return 0
    with transaction.atomic():
        budgets = LockedBudgets(costs)
        return sum(
            lifecycle.resume_by_itself(cost.campaign_id, BUDGET_REASONS)
            for cost in costs
            if not budgets.take(cost)
        )


def _awaited_cost(campaign: Campaign) -> MaximumCost:
    """What did not fit when a budget paused `campaign`; anything, if the version before did it."""
    amount = from_units(1) if campaign.awaited_amount is None else campaign.awaited_amount
    currency = campaign.awaited_currency or campaign.budget_currency
    user_id = campaign.launched_by_id
    return MaximumCost(campaign.pk, amount, currency, user_id, brand_id=campaign.brand_id)


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


def _lock_monthly_budgets() -> dict[tuple[int | None, str], MonthlyBudget]:
    """Lock the monthly budgets until the transaction ends; by brand id and currency."""
    budgets = MonthlyBudget.objects.select_for_update().order_by("currency", "pk")
    return {(budget.brand_id, budget.currency): budget for budget in budgets}


def _lock_user_budgets(
    user_ids: Collection[int | None],
) -> dict[tuple[int | None, int | None, str], UserBudget]:
    """Lock the budgets of users until the transaction ends; by user id, brand id and currency."""
    if not user_ids:
        return {}
    budgets = (
        UserBudget.objects.select_for_update(of=("self",)).filter(user__in=user_ids).order_by("pk")
    )
    return {(budget.user_id, budget.brand_id, budget.currency): budget for budget in budgets}


def remaining_of_user(budget: UserBudget) -> Decimal:
    """What the campaigns that a user launched in a brand with the account in use have neither
    spent nor reserved this month.
    """
    with acting_for(budget.brand_id), using_key_of(budget.brand_id):
        return _remaining_of_user(budget)


def _remaining_of_user(budget: UserBudget) -> Decimal:
    same_user = {"campaign__launched_by": OuterRef("user")}
    spent = LedgerTotal.objects.filter(day__gte=site_month(), currency=budget.currency, **same_user)
    spent = spent.filter(accounts.load().money())
    reserved = Batch.objects.filter(
        of_reachable(), held__isnull=False, held_currency=budget.currency, **same_user
    )
    budgets = UserBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "campaign__launched_by"),
        on_hold=_sum(reserved, "held", "campaign__launched_by"),
    )
    amount, *used = budgets.values_list("amount", "spent", "on_hold").get(pk=budget.pk)
    remaining: Decimal = amount - sum(filter(None, used), ZERO)
    return remaining


def _remaining_of_campaign(campaign_id: int, currency: str) -> Decimal:
    """What of a campaign's budget is neither spent nor reserved; infinite without a budget."""
    spent = LedgerTotal.objects.filter(campaign_id=OuterRef("pk"), currency=currency)
    reserved = Batch.objects.filter(
        campaign_id=OuterRef("pk"), held__isnull=False, held_currency=currency
    )
    # One statement: between two, another worker could move an amount from reserved to spent.
    campaigns = Campaign.objects.annotate(
        spent=_sum(spent, "amount", "campaign_id"), on_hold=_sum(reserved, "held", "campaign_id")
    )
    budget, *used = campaigns.values_list("budget", "spent", "on_hold").get(pk=campaign_id)
    return UNLIMITED if budget is None else budget - sum(filter(None, used), ZERO)


def remaining_of_month(budget: MonthlyBudget) -> Decimal:
    """What of a monthly budget is neither spent nor reserved with the account in use; negative if
    the budget was lowered.
    """
    with acting_for(budget.brand_id), using_key_of(budget.brand_id):
        return _remaining_of_month(budget)


def _remaining_of_month(budget: MonthlyBudget) -> Decimal:
    spent = LedgerTotal.objects.filter(
        accounts.load().money(), day__gte=site_month(), currency=OuterRef("currency")
    )
    reserved = Batch.objects.filter(
        of_reachable(), held__isnull=False, held_currency=OuterRef("currency")
    )
    budgets = MonthlyBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "currency"),
        on_hold=_sum(reserved, "held", "held_currency"),
    )
    amount, *used = budgets.values_list("amount", "spent", "on_hold").get(pk=budget.pk)
    remaining: Decimal = amount - sum(filter(None, used), ZERO)
    return remaining


def _sum(rows: QuerySet[LedgerTotal] | QuerySet[Batch], column: str, key: str) -> Subquery:
    """The sum of `column` over those `rows` that have one value of `key`."""
    return Subquery(rows.order_by().values(key).annotate(total=Sum(F(column))).values("total"))
