"""Pages of budgets: that of a campaign under way, and that of the month."""

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.models import BudgetWarning, MonthlyBudget, UserBudget
from campaigns.dispatch.budgets.warnings import Limit, campaign_limits, month_limit, person_limit
from campaigns.dispatch.pages.forms import BudgetForm, MonthForm, PersonForm
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.access import current_user, get_object_for, has_role, require_role
from campaigns.team.models import Role

WARNINGS = 10  # shown


@require_http_methods(["GET", "HEAD", "POST"])
def campaign_budget(request: HttpRequest, pk: int) -> HttpResponse:
    """Change what a campaign may cost at most, before or after its launch."""
    user = current_user(request)
    campaign = get_object_for(user, Campaign.objects.all(), Role.MARKETER, pk=pk)
    if campaign.state in lifecycle.FINAL:
        messages.warning(request, _("The campaign is over; its budget can't be changed any more."))
        return redirect(campaign)
    shown = None if campaign.budget is None else exact(campaign.budget)
    form = BudgetForm(
        request.POST or None, initial={"amount": shown}, back=campaign.get_absolute_url()
    )
    if request.method == "POST" and form.is_valid():
        return _change(request, campaign, form.cleaned_data["amount"])
    known = {
        "campaign": campaign,
        "form": form,
        "taken": holds.taken(campaign.pk),
        "months": _months(),
    }
    known["limits"] = campaign_limits(campaign)
    return render(
        request, "campaigns/dispatch/budget.html", known, status=422 if form.is_bound else 200
    )


def _change(request: HttpRequest, campaign: Campaign, amount: Decimal | None) -> HttpResponse:
    try:
        goes_on = holds.change(campaign.pk, current_user(request), amount)
    except lifecycle.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        changed = _("The budget is changed.")
        messages.success(request, f"{changed} {_('Sending goes on.')}" if goes_on else changed)
    return redirect(campaign)


@dataclass(frozen=True, slots=True)
class Month:
    """A monthly budget, of all or of one person, and how much of it is taken."""

    budget: MonthlyBudget | UserBudget
    limit: Limit

    @property
    def left(self) -> Decimal:
        """Neither spent nor held; negative where the budget was lowered below that."""
        return self.limit.amount - self.limit.taken


def _months() -> list[Month]:
    """The budgets of the month, all people's together first."""
    everybody = list(MonthlyBudget.objects.all())
    return [Month(one, month_limit(one)) for one in everybody]


def _persons() -> list[Month]:
    return [Month(one, person_limit(one)) for one in UserBudget.objects.select_related("user")]


@require_http_methods(["GET", "HEAD", "POST"])
def month_budgets(request: HttpRequest) -> HttpResponse:
    """What all campaigns together, and those of each person, may cost in a month; administrators
    set it.
    """
    user = current_user(request)
    for_person = "user" in request.POST
    form = MonthForm(request.POST if request.POST and not for_person else None)
    person_form = PersonForm(request.POST if for_person else None)
    asked = person_form if for_person else form
    if request.method == "POST":
        require_role(user, Role.ADMINISTRATOR)
        if asked.is_valid():
            _set(request, asked)
            return redirect("month-budgets")
    known = {
        "months": _months(),
        "persons": _persons(),
        "warnings": BudgetWarning.objects.all()[:WARNINGS],
        "form": form,
        "person_form": person_form,
        "administrates": has_role(user, Role.ADMINISTRATOR),
    }
    return render(
        request,
        "campaigns/dispatch/month_budgets.html",
        known,
        status=422 if asked.is_bound else 200,
    )


@transaction.atomic
def _set(request: HttpRequest, form: MonthForm | PersonForm) -> None:
    keys = dict(form.cleaned_data)
    amount = keys.pop("amount")
    model = UserBudget if "user" in keys else MonthlyBudget
    set_now, _made = model._default_manager.update_or_create(**keys, defaults={"amount": amount})
    whose = f"{keys['user']}: " if "user" in keys else ""
    audit.record(
        current_user(request), set_now, "set", f"{whose}{exact(amount)} {keys['currency']}"
    )
    messages.success(
        request,
        _("The monthly budget is set. Campaigns that it had paused wait for you to resume them."),
    )


@require_POST
def user_budget_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the monthly budget of a person off."""
    user = current_user(request)
    found = get_object_for(
        user, UserBudget.objects.select_related("user"), Role.ADMINISTRATOR, pk=pk
    )
    with transaction.atomic():
        audit.record(user, found, "removed", str(found))
        found.delete()
    messages.success(request, _("%(name)s has no monthly budget any more.") % {"name": found.user})
    return redirect("month-budgets")


@require_POST
def month_budget_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a monthly budget off."""
    user = current_user(request)
    found = get_object_for(user, MonthlyBudget.objects.all(), Role.ADMINISTRATOR, pk=pk)
    with transaction.atomic():
        audit.record(user, found, "removed", found.currency)
        found.delete()
    messages.success(
        request,
        _("There is no monthly budget in %(currency)s any more.") % {"currency": found.currency},
    )
    return redirect("month-budgets")
