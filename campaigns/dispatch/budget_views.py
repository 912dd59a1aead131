"""Pages of budgets: that of a campaign under way, and that of the month."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch import budget
from campaigns.dispatch.forms import BudgetForm, MonthForm
from campaigns.ledger.models import MonthlyBudget
from campaigns.ledger.money import exact
from campaigns.team import audit
from campaigns.team.access import current, find, may, need
from campaigns.team.models import Role


@require_http_methods(["GET", "HEAD", "POST"])
def campaign_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a campaign may cost at most, before or after its launch."""
    user = current(request)
    campaign = find(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    if campaign.state in lifecycle.FINAL:
        messages.warning(request, _("The campaign is over; its budget can't be changed any more."))
        return redirect(campaign)
    shown = None if campaign.budget is None else exact(campaign.budget)
    form = BudgetForm(request.POST or None, initial={"amount": shown}, back=campaign.get_absolute_url())
    if request.method == "POST" and form.is_valid():
        return _change(request, campaign, form.cleaned_data["amount"])
    known = {"campaign": campaign, "form": form, "taken": budget.taken(campaign.pk), "months": _months()}
    return render(request, "campaigns/dispatch/budget.html", known, status=422 if form.is_bound else 200)


def _change(request: HttpRequest, campaign: Campaign, amount: Decimal | None) -> HttpResponse:
    try:
        goes_on = budget.change(campaign.pk, current(request), amount)
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        changed = _("The budget is changed.")
        messages.success(request, f"{changed} {_('Sending goes on.')}" if goes_on else changed)
    return redirect(campaign)


@dataclass(frozen=True, slots=True)
class Month:
    """A monthly budget and what of it is neither spent nor held."""

    budget: MonthlyBudget
    left: Decimal

    @property
    def taken(self) -> Decimal:
        """Spent and held."""
        taken: Decimal = self.budget.amount - self.left
        return taken


def _months() -> list[Month]:
    return [Month(one, budget.left_of_month(one.currency)) for one in MonthlyBudget.objects.all()]


@require_http_methods(["GET", "HEAD", "POST"])
def month_budgets(request: HttpRequest) -> HttpResponse:
    """What all campaigns together may cost in a month; administrators set it."""
    user = current(request)
    form = MonthForm(request.POST or None)
    if request.method == "POST":
        need(user, Role.ADMINISTRATOR)
        if form.is_valid():
            _set(request, form.cleaned_data["currency"], form.cleaned_data["amount"])
            return redirect("month-budgets")
    known = {"months": _months(), "form": form, "administrates": may(user, Role.ADMINISTRATOR)}
    return render(request, "campaigns/dispatch/month_budgets.html", known, status=422 if form.is_bound else 200)


@transaction.atomic
def _set(request: HttpRequest, currency: str, amount: Decimal) -> None:
    set_now, _made = MonthlyBudget.objects.update_or_create(currency=currency, defaults={"amount": amount})
    audit.record(current(request), set_now, "set", f"{exact(amount)} {currency}")
    messages.success(request, _("The monthly budget is set. Campaigns that it had paused wait for you to resume them."))


@require_POST
def month_budget_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a monthly budget off."""
    user = current(request)
    found = find(user, MonthlyBudget.objects.all(), Role.ADMINISTRATOR, pk=pk)
    with transaction.atomic():
        audit.record(user, found, "removed", found.currency)
        found.delete()
    messages.success(request, _("There is no monthly budget in %(currency)s any more.") % {"currency": found.currency})
    return redirect("month-budgets")
