"""The page that compares the ledger with what the gateway reports."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.reports.spend.reconciliation import load_reconciliation
from campaigns.team.access import current_user, has_role, role_required
from campaigns.team.models import Role


@require_safe
@role_required(Role.MARKETER)
def reconcile(request: HttpRequest) -> HttpResponse:
    """The differences of the last seven days."""
    context = {
        "reconciliation": load_reconciliation(),
        "can_correct": has_role(current_user(request), Role.ADMINISTRATOR),
    }
    return render(request, "campaigns/reports/reconciliation.html", context)
