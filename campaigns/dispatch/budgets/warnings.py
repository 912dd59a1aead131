"""Warn at 50, 80 and 100 % of a budget: once in its period, on the page and by e-mail. Warn before
a launch for which the budgets of the month have no room.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch import funds_check, lifecycle
from campaigns.compose.launch.problem import Problem
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import Estimate, format_amount
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import BudgetWarning, MonthlyBudget, UserBudget
from campaigns.shared.brands.scope import acting_for
from campaigns.shared.changes import recording
from campaigns.shared.changes.recording import NewChange
from campaigns.shared.days import site_day, site_month
from campaigns.shared.figures.percentages import percent_text
from campaigns.shared.money import ZERO, exact
from campaigns.shared.queue import enqueue
from campaigns.team import mail
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import users_with_permission

STEPS = (50, 80, 100)  # percent
MAIL = "campaigns.dispatch.tasks.mail_warning"
CHANGE = "budget.warning"  # the kind of change


@dataclass(frozen=True, slots=True)
class BudgetUsage:
    """A budget, and how much of it is spent or reserved.

    `brand_id`, `scope` and `period` identify it in a BudgetWarning; a campaign's budget has the
    period "".
    """

    brand_id: int | None
    scope: str
    period: str
    name: str
    amount: Decimal
    used: Decimal
    currency: str

    @property
    def room(self) -> Decimal:
        """Neither spent nor reserved; negative where the budget was lowered below that."""
        return self.amount - self.used

    @property
    def exceeded_text(self) -> str:
        """That nothing more fits into the budget, as it was set; "" if something does."""
        if self.room > 0:
            return ""
        text = _("%(used)s of it is spent or reserved already, so nothing more is sent.")
        return text % {"used": format_amount(self.used, self.currency)}

    @property
    def percent(self) -> int:
        """The used share in percent, rounded down, as warnings count it; 100 for a budget of 0."""
        return int(self.used * 100 / self.amount) if self.amount else 100

    @property
    def percent_text(self) -> str:
        """The used share as pages show it, rounded."""
        return percent_text(self.used, self.amount) if self.amount else "100%"


def month_usage(budget: MonthlyBudget) -> BudgetUsage:
    """This month's usage of a budget for all campaigns."""
    used = budget.amount - reservations.remaining_of_month(budget)
    return BudgetUsage(
        budget.brand_id,
        f"month:{budget.currency}",
        _month(),
        _("All campaigns"),
        budget.amount,
        used,
        budget.currency,
    )


def user_usage(budget: UserBudget) -> BudgetUsage:
    """This month's usage of a user's budget."""
    name = budget.user.get_full_name() or budget.user.get_username()
    used = budget.amount - reservations.remaining_of_user(budget)
    return BudgetUsage(
        budget.brand_id,
        f"user:{budget.user_id}:{budget.currency}",
        _month(),
        name,
        budget.amount,
        used,
        budget.currency,
    )


def campaign_usages(campaign: Campaign) -> list[BudgetUsage]:
    """The usage of a campaign's budget, in its currency.

    Before that is known, for each currency that the campaign has spent.
    """
    if campaign.budget is None:
        return []
    name, scope = _("Campaign “%(name)s”") % {"name": campaign.name}, f"campaign:{campaign.pk}"
    spending = reservations.spending_by_currency(campaign.pk)
    currencies = [campaign.budget_currency] if campaign.budget_currency else list(spending)
    return [
        BudgetUsage(
            campaign.brand_id,
            scope,
            "",
            name,
            campaign.budget,
            sum(spending.get(currency, ()), ZERO),
            currency,
        )
        for currency in currencies
    ]


def load_usages() -> Iterator[BudgetUsage]:
    """Every budget that can be reached now: monthly, of users, of campaigns under way."""
    yield from map(month_usage, MonthlyBudget.objects.all())
    yield from map(user_usage, UserBudget.objects.select_related("user"))
    launched = Campaign.objects.filter(budget__isnull=False, launched_at__isnull=False)
    for campaign in launched.exclude(state__in=lifecycle.FINAL):
        yield from campaign_usages(campaign)


def load_usages_for(user: User) -> list[BudgetUsage]:
    """This month's budgets that concern `user`: those of all campaigns, and the user's own."""
    own = UserBudget.objects.filter(user=user).select_related("user")
    return [*map(month_usage, MonthlyBudget.objects.all()), *map(user_usage, own)]


def register() -> None:
    """Have the review warn of the budgets of the month. Called once, at the start."""
    funds_check.register(launch_warnings)


def launch_warnings(campaign: Campaign, estimate: Estimate) -> Iterator[Problem]:
    """Warn if a budget of this month has less room than `campaign` may cost. What starts in a later
    month is limited by the budgets of that.
    """
    start = campaign.scheduled_at
    if start is not None and site_day(start).replace(day=1) > site_month():
        return
    currencies = list(estimate.totals)
    of_brand = {"brand": campaign.brand_id, "currency__in": currencies}
    user = campaign.launched_by_id or campaign.approval_asked_by_id or campaign.edited_by_id
    of_user = UserBudget.objects.filter(user=user or 0, **of_brand).select_related("user")
    of_month = MonthlyBudget.objects.filter(**of_brand)
    for usage in (*map(month_usage, of_month), *map(user_usage, of_user)):
        most = estimate.totals[usage.currency].most
        if most > usage.room:
            yield Problem("", _no_room_text(usage, most))


def _no_room_text(usage: BudgetUsage, most: Decimal) -> str:
    text = _(
        "It may cost up to %(most)s, but this month's budget (%(name)s) has %(room)s left. Sending"
        " pauses when that is used up."
    )
    room = format_amount(max(usage.room, ZERO), usage.currency)
    return text % {"most": format_amount(most, usage.currency), "name": usage.name, "room": room}


def _month() -> str:
    return f"{site_month():%Y-%m}"


def record_warnings() -> int:
    """Record each step that a budget has reached since the last call, and enqueue its mail.

    Of several steps reached at once only the highest is mailed. Returns how many were new.
    """
    new_warnings = 0
    for usage in load_usages():
        reached = [step for step in STEPS if usage.percent >= step]
        of_brand: dict[str, Any] = {"brand_id": usage.brand_id}
        for step in reached:
            warning, is_new = _record_step(usage, step, of_brand)
            new_warnings += is_new
            if not warning.claimed_at and step < reached[-1]:
                BudgetWarning.objects.filter(pk=warning.pk, claimed_at=None).update(
                    claimed_at=timezone.now()
                )
    for pk in BudgetWarning.objects.filter(claimed_at=None).values_list("pk", flat=True):
        enqueue(MAIL, pk)
    return new_warnings


@transaction.atomic
def _record_step(
    usage: BudgetUsage, step: int, of_brand: dict[str, Any]
) -> tuple[BudgetWarning, bool]:
    """The warning for a step, and whether it is new: then others are told of it too."""
    warning, is_new = BudgetWarning.objects.get_or_create(
        **of_brand,
        scope=usage.scope,
        period=usage.period,
        percent=step,
        defaults={"at": timezone.now(), "text": _warning_text(usage)[:200]},
    )
    if is_new and (wanted := recording.load_wanted(CHANGE)):
        amounts = {"used": exact(usage.used), "amount": exact(usage.amount)}
        facts = amounts | {"currency": usage.currency}
        change = NewChange(warning.brand_id, CHANGE, warning.pk, facts=facts)
        recording.record([change], wanted)
    return warning, is_new


def _warning_text(usage: BudgetUsage) -> str:
    return _("%(name)s: %(used)s of %(amount)s %(currency)s spent or reserved.") % {
        "name": usage.name, "used": exact(usage.used), "amount": exact(usage.amount),
        "currency": usage.currency,
    }  # fmt: skip


@transaction.atomic
def mail_warning(pk: int) -> bool:
    """Mail a warning to the administrators and the budget's owner, unless it was mailed before.

    Returns whether it was mailed now. Claim and mail are committed together.
    """
    if not BudgetWarning.objects.filter(pk=pk, claimed_at=None).update(claimed_at=timezone.now()):
        return False
    warning = BudgetWarning.objects.get(pk=pk)
    with acting_for(warning.brand_id):
        address = mail.link(reverse("month-budgets"))
    subject = _("ViberDash: %(percent)d%% of a budget used") % {"percent": warning.percent}
    return bool(
        mail.mail(
            _users_to_notify(warning),
            subject,
            f"{warning.text}\n\n{address}\n",
        )
    )


def _users_to_notify(warning: BudgetWarning) -> QuerySet[User]:
    kind, _colon, rest = warning.scope.partition(":")
    owner: int | None = None
    if kind == "user":
        owner = int(rest.partition(":")[0])
    elif kind == "campaign":
        owner = Campaign.objects.filter(pk=int(rest)).values_list("launched_by", flat=True).first()
    administrators = users_with_permission(Permission.MANAGE_LIMITS)
    return (
        administrators | User.objects.filter(pk=owner, is_active=True) if owner else administrators
    )
