"""The page that compares the ledger with what the gateway reports."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.reports.spend.reconciliation import load_reconciliation
from campaigns.team.models import Role
from campaigns.team.pages.access import current_user, role_required
from campaigns.team.roles import has_role


@require_safe
@role_required(Role.MARKETER)
def reconcile(request: HttpRequest) -> HttpResponse:
    """The differences of the last seven days."""
    context = {
        "reconciliation": load_reconciliation(),
        "can_correct": has_role(current_user(request), Role.ADMINISTRATOR),
    }
    return render(request, "campaigns/reports/reconciliation.html", context)
