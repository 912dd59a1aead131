"""The page that compares the ledger with what the gateway reports."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.reports.spend.reconciliation import load_reconciliation_for
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission


@require_safe
@permission_required(Permission.RECONCILE)
def reconcile(request: HttpRequest) -> HttpResponse:
    """The differences of the last seven days."""
    user = current_user(request)
    context = {
        "reconciliation": load_reconciliation_for(user),
        "can_correct": has_permission(user, Permission.CORRECT_LEDGER),
    }
    return render(request, "campaigns/reports/reconciliation.html", context)
