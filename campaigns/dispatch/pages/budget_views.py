"""Pages of budgets: of one campaign, and of the month."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import BudgetWarning, MonthlyBudget, UserBudget
from campaigns.dispatch.budgets.monthly import remove_budget, set_month_budget, set_user_budget
from campaigns.dispatch.budgets.warnings import (
    BudgetUsage,
    campaign_usages,
    month_usage,
    user_usage,
)
from campaigns.dispatch.pages.forms import (
    CampaignBudgetForm,
    MonthlyBudgetForm,
    UserBudgetForm,
)
from campaigns.shared.money import exact
from campaigns.team.pages.access import current_user, get_object_for, require_permission
from campaigns.team.pages.sign_in.fresh import require_fresh
from campaigns.team.pages.submissions import once
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission

WARNINGS_SHOWN = 10


@once
@require_http_methods(["GET", "HEAD", "POST"])
def campaign_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the most that a campaign may cost, before or after its launch."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Permission.SEND, pk=pk)
    if campaign.state in lifecycle.FINAL:
        messages.warning(
            request, _("The campaign is over, so its budget can't be changed any more.")
        )
        return redirect(campaign)
    amount = None if campaign.budget is None else exact(campaign.budget)
    form = CampaignBudgetForm(
        request.POST or None,
        initial={"amount": amount},
        back=campaign.get_absolute_url(),
        currency=campaign.budget_currency,
    )
    if request.method == "POST" and form.is_valid():
        require_fresh(request)
        return _change_budget(request, campaign, form.cleaned_data["amount"])
    context = {
        "campaign": campaign,
        "form": form,
        "spending_by_currency": reservations.spending_by_currency(campaign.pk),
        "monthly_budgets": _monthly_budget_rows(),
        "usages": campaign_usages(campaign),
    }
    return render(
        request,
        "campaigns/dispatch/campaign_budget.html",
        context,
        status=422 if form.is_bound else 200,
    )


def _change_budget(
    request: HttpRequest, campaign: Campaign, amount: Decimal | None
) -> HttpResponse:
    try:
        resumed = reservations.change_budget(campaign.pk, current_user(request), amount)
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        campaign.refresh_from_db()
        exceeded = " ".join(usage.exceeded_text for usage in campaign_usages(campaign)).strip()
        done = _("Budget changed. Sending continues.") if resumed else _("Budget changed.")
        if exceeded:
            messages.warning(request, f"{done} {exceeded}")
        else:
            messages.success(request, done)
    return redirect(campaign)


@dataclass(frozen=True, slots=True)
class BudgetRow:
    """A monthly budget, of all campaigns or of one user, as a row of a table."""

    budget: MonthlyBudget | UserBudget
    usage: BudgetUsage

    @property
    def name(self) -> str:
        """What tells the row from the others: the user, if any, and the currency."""
        currency = self.budget.currency
        is_users = isinstance(self.budget, UserBudget)
        return f"{self.usage.name} · {currency}" if is_users else currency

    @property
    def remaining(self) -> Decimal:
        """As `BudgetUsage.room`."""
        return self.usage.room

    @property
    def remove_url(self) -> str:
        """Where a POST removes the budget."""
        is_users = isinstance(self.budget, UserBudget)
        name = "user-budget-delete" if is_users else "month-budget-delete"
        return reverse(name, args=[self.budget.pk])

    @property
    def remove_title(self) -> str:
        """The question before it is removed."""
        if isinstance(self.budget, UserBudget):
            return _("Remove the budget of %(name)s in %(currency)s?") % {
                "name": self.usage.name,
                "currency": self.budget.currency,
            }
        return _("Remove the monthly budget in %(currency)s?") % {"currency": self.budget.currency}

    @property
    def remove_warning(self) -> str:
        """What removing it means."""
        return _("Campaigns will be limited only by the other budgets.")


def _monthly_budget_rows() -> list[BudgetRow]:
    budgets = list(MonthlyBudget.objects.all())
    return [BudgetRow(budget, month_usage(budget)) for budget in budgets]


def _user_budget_rows() -> list[BudgetRow]:
    budgets = UserBudget.objects.select_related("user")
    return [BudgetRow(budget, user_usage(budget)) for budget in budgets]


@once
@require_http_methods(["GET", "HEAD", "POST"])
def monthly_budgets(request: HttpRequest) -> HttpResponse:
    """The budgets of the month, for all campaigns and by user; administrators set them."""
    user = current_user(request)
    is_users = "user" in request.POST
    form = MonthlyBudgetForm(request.POST if request.POST and not is_users else None)
    user_form = UserBudgetForm(request.POST if is_users else None)
    submitted = user_form if is_users else form
    if request.method == "POST":
        require_permission(user, Permission.MANAGE_LIMITS)
        if submitted.is_valid():
            require_fresh(request)
            _set_budget(request, submitted)
            return redirect("month-budgets")
    context = {
        "monthly_budgets": _monthly_budget_rows(),
        "user_budgets": _user_budget_rows(),
        "warnings": BudgetWarning.objects.all()[:WARNINGS_SHOWN],
        "form": form,
        "user_form": user_form,
        "administrates": has_permission(user, Permission.MANAGE_LIMITS),
    }
    return render(
        request,
        "campaigns/dispatch/monthly_budgets.html",
        context,
        status=422 if submitted.is_bound else 200,
    )


def _set_budget(request: HttpRequest, form: MonthlyBudgetForm | UserBudgetForm) -> None:
    actor = current_user(request)
    if "user" in form.cleaned_data:
        usage = user_usage(set_user_budget(**form.cleaned_data, actor=actor))
    else:
        usage = month_usage(set_month_budget(**form.cleaned_data, actor=actor))
    if usage.exceeded_text:
        messages.warning(request, f"{_('Monthly budget set.')} {usage.exceeded_text}")
        return
    messages.success(
        request,
        _("Monthly budget set. Campaigns that it had paused continue as far as there is room."),
    )


@require_POST
def user_budget_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the monthly budget of a user."""
    user = current_user(request)
    budget = get_object_for(
        user, UserBudget.objects.select_related("user"), Permission.MANAGE_LIMITS, pk=pk
    )
    require_fresh(request)
    remove_budget(budget, user)
    messages.success(request, _("Monthly budget of %(name)s removed.") % {"name": budget.user})
    return redirect("month-budgets")


@require_POST
def month_budget_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove the monthly budget in one currency."""
    user = current_user(request)
    budget = get_object_for(user, MonthlyBudget.objects.all(), Permission.MANAGE_LIMITS, pk=pk)
    require_fresh(request)
    remove_budget(budget, user)
    messages.success(
        request, _("Monthly budget in %(currency)s removed.") % {"currency": budget.currency}
    )
    return redirect("month-budgets")
