"""What campaigns may cost in a month, and the cost above which a launch needs approval."""

from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.schemas import Amount, Body, Currency, Id
from campaigns.compose.launch import approval
from campaigns.compose.models import ApprovalLimit
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.budgets.monthly import remove_budget, set_month_budget, set_user_budget
from campaigns.dispatch.budgets.warnings import BudgetUsage, month_usage, user_usage
from campaigns.shared.money import exact
from campaigns.team.models import User
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission

router = Router(tags=["Money"])
InCurrency = Annotated[Currency, Path()]
UserId = Annotated[Id, Path()]


class AmountIn(Body):
    amount: Amount


class BudgetOut(Schema):
    """A budget of this month; amounts in `currency`."""

    user_id: Annotated[int | None, Field(description="null: of all campaigns together")]
    user: str | None
    currency: str
    amount: str
    used: Annotated[str, Field(description="Spent and reserved this month.")]
    remaining: Annotated[str, Field(description="Negative where the budget was lowered.")]
    percent: int


class BudgetsOut(Schema):
    monthly: list[BudgetOut]
    users: list[BudgetOut]


class LimitOut(Schema):
    currency: str
    amount: Annotated[str, Field(description="What may cost more needs approval.")]


class LimitsOut(Schema):
    limits: list[LimitOut]


@router.get(
    "budgets",
    summary="List budgets with what is used of them",
    response=BudgetsOut,
    auth=Needs(Permission.VIEW),
)
def list_budgets(request: HttpRequest) -> Any:
    """The budgets of the month: of all campaigns, and of users."""
    users = UserBudget.objects.select_related("user")
    return BudgetsOut(
        monthly=[_month_out(budget) for budget in MonthlyBudget.objects.all()],
        users=[_user_out(budget) for budget in users],
    )


@router.put("budgets/monthly/{currency}", response=BudgetOut, auth=Needs(Permission.MANAGE_LIMITS))
def set_monthly_budget(request: HttpRequest, currency: InCurrency, body: AmountIn) -> Any:
    """Set what all campaigns together may cost in a month."""
    return _month_out(set_month_budget(currency, Decimal(body.amount), actor(request)))


@router.delete(
    "budgets/monthly/{currency}", response={204: None}, auth=Needs(Permission.MANAGE_LIMITS)
)
def remove_monthly_budget(request: HttpRequest, currency: InCurrency) -> Any:
    """Let only the other budgets limit campaigns in this currency."""
    budget = get_object_for(actor(request), MonthlyBudget.objects.all(), currency=currency)
    remove_budget(budget, actor(request))
    return Status(204, None)


@router.put(
    "budgets/users/{user_id}/{currency}",
    summary="Set monthly budget of a user",
    response=BudgetOut,
    auth=Needs(Permission.MANAGE_LIMITS),
)
def set_budget_of_user(
    request: HttpRequest, user_id: UserId, currency: InCurrency, body: AmountIn
) -> Any:
    """Set what the campaigns that one user launches may cost in a month."""
    users = User.objects.filter(is_active=True)
    user = get_object_for(actor(request), users, pk=user_id)
    return _user_out(set_user_budget(user, currency, Decimal(body.amount), actor(request)))


@router.delete(
    "budgets/users/{user_id}/{currency}",
    summary="Remove monthly budget of a user",
    response={204: None},
    auth=Needs(Permission.MANAGE_LIMITS),
)
def remove_budget_of_user(request: HttpRequest, user_id: UserId, currency: InCurrency) -> Any:
    """Let only the other budgets limit this user in this currency."""
    budgets = UserBudget.objects.select_related("user")
    budget = get_object_for(actor(request), budgets, user_id=user_id, currency=currency)
    remove_budget(budget, actor(request))
    return Status(204, None)


@router.get("approval-limits", response=LimitsOut, auth=Needs(Permission.VIEW))
def list_approval_limits(request: HttpRequest) -> Any:
    """The costs above which a launch needs the approval of a second user, by currency."""
    return LimitsOut(limits=[_limit_out(limit) for limit in ApprovalLimit.objects.all()])


@router.put("approval-limits/{currency}", response=LimitOut, auth=Needs(Permission.MANAGE_LIMITS))
def set_approval_limit(request: HttpRequest, currency: InCurrency, body: AmountIn) -> Any:
    """Let what may cost more need approval. With one limit, other currencies need approval too."""
    approval.set_limit(currency, Decimal(body.amount), actor(request))
    return _limit_out(ApprovalLimit.objects.get(currency=currency))


@router.delete(
    "approval-limits/{currency}", response={204: None}, auth=Needs(Permission.MANAGE_LIMITS)
)
def remove_approval_limit(request: HttpRequest, currency: InCurrency) -> Any:
    """Remove the limit of a currency."""
    limit = get_object_for(actor(request), ApprovalLimit.objects.all(), currency=currency)
    approval.remove_limit(limit, actor(request))
    return Status(204, None)


def _month_out(budget: MonthlyBudget) -> BudgetOut:
    return _budget_out(month_usage(budget), None)


def _user_out(budget: UserBudget) -> BudgetOut:
    return _budget_out(user_usage(budget), budget.user)


def _budget_out(usage: BudgetUsage, user: User | None) -> BudgetOut:
    return BudgetOut(
        user_id=user.pk if user else None,
        user=user.get_username() if user else None,
        currency=usage.currency,
        amount=exact(usage.amount),
        used=exact(usage.used),
        remaining=exact(usage.amount - usage.used),
        percent=usage.percent,
    )


def _limit_out(limit: ApprovalLimit) -> LimitOut:
    return LimitOut(currency=limit.currency, amount=exact(limit.amount))
