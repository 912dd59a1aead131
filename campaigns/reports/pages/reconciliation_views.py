"""The page that compares the ledger with what the gateway reports."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.reports.spend.reconciliation import load_reconciliation
from campaigns.shared.brands.scope import all_brands
from campaigns.team.brands import are_several
from campaigns.team.pages.access import current_user, permission_required
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission


@require_safe
@permission_required(Permission.RECONCILE)
def reconcile(request: HttpRequest) -> HttpResponse:
    """The differences of the last seven days. They are those of the account, so where there are
    several brands, only administrators see them.
    """
    administers = has_permission(current_user(request), Permission.CORRECT_LEDGER)
    if are_several() and not administers:
        raise PermissionDenied
    with all_brands():
        reconciliation = load_reconciliation()
    context = {"reconciliation": reconciliation, "can_correct": administers}
    return render(request, "campaigns/reports/reconciliation.html", context)
