"""The page that holds the ledger against what the gateway says."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from campaigns.reports.spend.reconciliation import reconciliation
from campaigns.team.access import current_user, has_role, role_required
from campaigns.team.models import Role


@require_safe
@role_required(Role.MARKETER)
def reconcile(request: HttpRequest) -> HttpResponse:
    context = {
        "found": reconciliation(),
        "zone": settings.TIME_ZONE,
        "corrects": has_role(current_user(request), Role.ADMINISTRATOR),
    }
    return render(request, "campaigns/reports/reconciliation.html", context)
