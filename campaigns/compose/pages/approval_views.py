"""A second person's yes or no, and above which cost one is needed."""

from decimal import Decimal

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import CAN_APPROVE, Refused
from campaigns.compose.models import ApprovalLimit
from campaigns.compose.pages.approval_forms import LimitForm
from campaigns.compose.pages.draft_request import draft_of
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.access import (
    current_user,
    get_object_for,
    has_role,
    require_role,
    users_with_role,
)
from campaigns.team.models import Role


@require_POST
def campaign_approve(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a campaign go that waits for a second person, as it was on the review that this one
    looked at.
    """
    campaign = draft_of(request, pk)
    require_role(current_user(request), Role.APPROVER)
    try:
        lifecycle.approve(pk, current_user(request), request.POST.get("seal", ""))
    except Refused as refused:
        messages.error(request, str(refused))
        campaign.refresh_from_db(fields=["state"])
        return (
            redirect("campaign-review", pk) if campaign.state in CAN_APPROVE else redirect(campaign)
        )
    messages.success(request, _("“%(name)s” is approved and on its way.") % {"name": campaign.name})
    return redirect(campaign)


@require_POST
def campaign_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a draft again of what waits for approval, with a note that says why."""
    campaign = draft_of(request, pk)
    try:
        lifecycle.send_back(pk, current_user(request), request.POST.get("note", ""))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("campaign-review", pk)
    messages.success(request, _("“%(name)s” is a draft again.") % {"name": campaign.name})
    return redirect(campaign)


@require_http_methods(["GET", "HEAD", "POST"])
def approval_limits(request: HttpRequest) -> HttpResponse:
    """Above which highest cost a campaign needs a second person; administrators set it."""
    user = current_user(request)
    form = LimitForm(request.POST or None)
    if request.method == "POST":
        require_role(user, Role.ADMINISTRATOR)
        if form.is_valid():
            _set(request, form.cleaned_data["currency"], form.cleaned_data["amount"])
            return redirect("approval-limits")
    known = {
        "limits": ApprovalLimit.objects.all(),
        "approvers": users_with_role(Role.APPROVER).order_by("username"),
        "form": form,
        "can_edit": has_role(user, Role.ADMINISTRATOR),
    }
    return render(
        request,
        "campaigns/compose/approval_limits.html",
        known,
        status=422 if form.is_bound else 200,
    )


@transaction.atomic
def _set(request: HttpRequest, currency: str, amount: Decimal) -> None:
    limit, _made = ApprovalLimit.objects.update_or_create(
        currency=currency, defaults={"amount": amount}
    )
    audit.record(current_user(request), limit, "set", f"{exact(amount)} {currency}")
    messages.success(request, _("From now on, what may cost more needs a second person."))


@require_POST
def approval_limit_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the limit of a currency off."""
    user = current_user(request)
    limit = get_object_for(user, ApprovalLimit.objects.all(), Role.ADMINISTRATOR, pk=pk)
    audit.delete(user, limit, "removed", limit.currency)
    messages.success(
        request, _("There is no limit in %(currency)s any more.") % {"currency": limit.currency}
    )
    return redirect("approval-limits")
