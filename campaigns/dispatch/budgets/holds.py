"""Budgets, of a campaign, of a person and of the month: the worst case of a batch is held before it
leaves, so that none can be exceeded.

The worst case of a person is the dearer of the Viber message and the SMS that may go out instead.
What was charged leaves the hold when the batch is closed; the rest stays until results knows that
no SMS will follow.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.message.render import RenderedMessage
from campaigns.compose.message.sms import measure_sms
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.pricing import price_list
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch, Snapshot
from campaigns.ledger.models import LedgerTotal, Purpose
from campaigns.shared import bulk
from campaigns.shared.money import ZERO, to_units
from campaigns.team.models import User

# reasons to pause, keys of lifecycle's
CAMPAIGN, PERSON, MONTH, PRICE = "budget", "user_budget", "month_budget", "price_unknown"


@dataclass(frozen=True, slots=True)
class Worst:
    """What a batch can cost at most. `amount` None: a price is not known."""

    campaign_id: int
    amount: Decimal | None
    currency: str
    user_id: int | None = None  # who launched it


class WorstCase:
    """The worst case of each person of one campaign, from the price list."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.viber = price_list.load_prices(price_list.VIBER, campaign.tariff)
        self.sms = (
            price_list.load_prices(price_list.SMS, campaign.tariff) if campaign.sms_text else None
        )

    def of(self, country: str, people: Iterable[tuple[RenderedMessage, int]]) -> Worst:
        """What `people` (words, and how many get them) of one country can cost at most."""
        viber = self.viber.of(country)
        sms = self.sms.of(country) if self.sms else None
        if viber is None or (self.sms and (sms is None or sms.currency != viber.currency)):
            return Worst(self.campaign.pk, None, "")
        amount = ZERO
        for words, number in people:
            fallback = sms.amount * measure_sms(words.sms_text).parts if sms else ZERO
            amount += max(viber.amount, fallback) * number
        return Worst(self.campaign.pk, amount, viber.currency, self.campaign.launched_by_id)


def is_guarded(campaign: Campaign) -> bool:
    """Whether a budget limits `campaign`: its own, that of who launched it, or the month's."""
    if campaign.purpose == Purpose.REHEARSAL:
        return False
    persons = UserBudget.objects.filter(user=campaign.launched_by_id or 0)
    return campaign.budget is not None or MonthlyBudget.objects.exists() or persons.exists()


def within(worsts: Sequence[Worst | None]) -> tuple[int, dict[int, str]]:
    """How many of the first of `worsts` (None: without a budget) may leave, and which campaigns to
    pause then, and why.

    Call it in the transaction of the intent.
    """
    left: dict[tuple[object, ...], Decimal] = {}
    months = _lock_months() if any(worsts) else frozenset()
    persons = _lock_persons({worst.user_id for worst in worsts if worst})
    for place, worst in enumerate(worsts):
        if worst is None:
            continue
        if worst.amount is None:
            return place, {worst.campaign_id: PRICE}
        mine, months_own = (CAMPAIGN, worst.campaign_id), (MONTH, worst.currency)
        persons_own = (PERSON, worst.user_id, worst.currency)
        if mine not in left:
            left[mine] = _left(worst.campaign_id, worst.currency)
        if months_own not in left:
            left[months_own] = (
                left_of_month(worst.currency) if worst.currency in months else Decimal("Infinity")
            )
        if persons_own not in left:
            theirs = persons.get((worst.user_id, worst.currency))
            left[persons_own] = left_of_person(theirs) if theirs else Decimal("Infinity")
        for purse in (mine, persons_own, months_own):
            left[purse] -= worst.amount
            if left[purse] < 0:
                return place, {worst.campaign_id: str(purse[0])}
    return len(worsts), {}


def hold(worsts: Mapping[int, Worst | None]) -> None:
    """Hold the worst case of batches (by id) that leave now."""
    for currency in {worst.currency for worst in worsts.values() if worst}:
        rows = [
            (to_units(worst.amount), batch)
            for batch, worst in worsts.items()
            if worst and worst.amount is not None and worst.currency == currency
        ]
        bulk.update(Batch._meta.db_table, {"held_currency": currency}, {"held": "bigint"}, rows)


def change(campaign_id: int, actor: User | None, amount: Decimal | None) -> bool:
    """Set the budget of a campaign; None: no limit. Whether that set it going again, where its
    budget had paused it.

    Raises lifecycle.Refused when the campaign is over.
    """
    with transaction.atomic():
        lifecycle.change_budget(campaign_id, actor, amount)
        campaign = Campaign.objects.get(pk=campaign_id)
        if campaign.state != CampaignState.PAUSED or campaign.reason != CAMPAIGN:
            return False
        if amount is not None and not all(
            _left(campaign_id, currency) > 0 for currency in taken(campaign_id)
        ):
            return False
        lifecycle.resume(campaign_id, actor)
        return True


def taken(campaign_id: int) -> dict[str, tuple[Decimal, Decimal]]:
    """What a campaign has spent and what is held for messages on their way, by currency."""
    spent = dict(
        _by_currency(LedgerTotal.objects.filter(campaign_id=campaign_id), "currency", "amount")
    )
    on_hold = Batch.objects.filter(campaign_id=campaign_id, held__isnull=False)
    held = dict(_by_currency(on_hold, "held_currency", "held"))
    return {
        name: (spent.get(name, ZERO), held.get(name, ZERO))
        for name in sorted({*spent, *held} - {""})
    }


def _by_currency(rows: QuerySet[Any], currency: str, column: str) -> list[tuple[str, Decimal]]:
    return list(rows.order_by().values_list(currency).annotate(Sum(column)))


def _lock_months() -> frozenset[str]:
    """The currencies that have a monthly budget; until the transaction ends nobody else spends of
    any of them.
    """
    months = MonthlyBudget.objects.select_for_update().order_by("currency")
    return frozenset(months.values_list("currency", flat=True))


def _lock_persons(users: Collection[int | None]) -> dict[tuple[int | None, str], UserBudget]:
    """The budgets of `users` by person and currency; until the transaction ends nobody else spends
    of any of them.
    """
    if not users:
        return {}
    found = UserBudget.objects.select_for_update(of=("self",)).filter(user__in=users).order_by("pk")
    return {(one.user_id, one.currency): one for one in found}


def left_of_person(limit: UserBudget) -> Decimal:
    """What of this month's budget of a person is neither spent nor held by the campaigns they
    launched.
    """
    mine = {"campaign__launched_by": OuterRef("user")}
    spent = LedgerTotal.objects.filter(day__gte=_first_of_month(), currency=limit.currency, **mine)
    held = Batch.objects.filter(held__isnull=False, held_currency=limit.currency, **mine)
    found = UserBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "campaign__launched_by"),
        on_hold=_sum(held, "held", "campaign__launched_by"),
    )
    amount, *gone = found.values_list("amount", "spent", "on_hold").get(pk=limit.pk)
    left: Decimal = amount - sum(filter(None, gone), ZERO)
    return left


def _first_of_month() -> date:
    return timezone.localdate(timezone=settings.SITE_ZONE).replace(day=1)


def _left(campaign_id: int, currency: str) -> Decimal:
    """What of the budget is neither spent nor held. Nobody else asks for this campaign until the
    transaction ends.
    """
    Snapshot.objects.select_for_update().filter(campaign_id=campaign_id).first()
    spent = LedgerTotal.objects.filter(campaign_id=OuterRef("pk"), currency=currency)
    held = Batch.objects.filter(campaign_id=OuterRef("pk"), held__isnull=False)
    # one statement: between two, another worker could move an amount from one side to the other
    found = Campaign.objects.annotate(
        spent=_sum(spent, "amount", "campaign_id"), on_hold=_sum(held, "held", "campaign_id")
    )
    budget, *gone = found.values_list("budget", "spent", "on_hold").get(pk=campaign_id)
    return Decimal("Infinity") if budget is None else budget - sum(filter(None, gone), ZERO)


def left_of_month(currency: str) -> Decimal:
    """What of the monthly budget in `currency` is neither spent nor held; negative where it was
    lowered below that.
    """
    spent = LedgerTotal.objects.filter(day__gte=_first_of_month(), currency=OuterRef("currency"))
    held = Batch.objects.filter(held__isnull=False, held_currency=OuterRef("currency"))
    found = MonthlyBudget.objects.annotate(
        spent=_sum(spent.exclude(purpose=Purpose.REHEARSAL), "amount", "currency"),
        on_hold=_sum(held, "held", "held_currency"),
    )
    amount, *gone = found.values_list("amount", "spent", "on_hold").get(currency=currency)
    left: Decimal = amount - sum(filter(None, gone), ZERO)
    return left


def _sum(rows: QuerySet[LedgerTotal] | QuerySet[Batch], column: str, same: str) -> Subquery:
    """The sum of `column` over `rows`, whose `same` is one value."""
    return Subquery(rows.order_by().values(same).annotate(total=Sum(F(column))).values("total"))
