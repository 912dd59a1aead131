"""The state of the installation, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.reports.installation import status
from campaigns.reports.installation.figures import load_figures
from campaigns.reports.installation.readiness import check_readiness
from campaigns.shared import database_clock
from campaigns.shared.brands.scope import all_brands
from campaigns.team.pages.access import permission_required
from campaigns.team.permissions import Permission


@require_safe
@permission_required(Permission.OPERATE)
def installation_status(request: HttpRequest) -> HttpResponse:
    """Everything at once. The page updates itself."""
    return render(request, "campaigns/reports/status.html", _context())


@require_safe
@permission_required(Permission.OPERATE)
def installation_status_now(request: HttpRequest) -> HttpResponse:
    """The part that updates by itself, for htmx."""
    return render(request, "campaigns/reports/_status_now.html", _context())


def _context() -> dict[str, object]:
    now = database_clock.now()
    with all_brands():
        figures = load_figures(now)
        groups = [
            ("processes", _("Processes"), [*status.process_rows(check_readiness().checks, now)]),
            ("work", _("Work"), [*status.work_rows(figures)]),
            ("money", _("Gateway and money"), [*status.money_rows(figures, now)]),
            ("storage", _("Storage"), [*status.storage_rows()]),
        ]
    return {"groups": groups}
