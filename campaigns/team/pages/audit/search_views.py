"""Settings -> Audit trail: administrators search it, and take it as a file. Both are recorded."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from campaigns.shared.paging import slice_of
from campaigns.shared.query_values import read_id
from campaigns.team import audit
from campaigns.team.audit.exports import FILE_NAME, audit_table
from campaigns.team.pages.access import current_user, permission_required, require_permission
from campaigns.team.pages.audit.downloads import download
from campaigns.team.pages.audit.search_forms import SearchForm
from campaigns.team.permissions import Permission

TRAIL = "audit"
# pages of objects, by how the trail names them
PAGES = {
    "campaign": "campaign-detail",
    "contactlist": "list-detail",
    "gatewaycheck": "gateway-check-detail",
    "import": "import-detail",
    "segment": "segment-detail",
    "user": "member",
}


@require_safe
@permission_required(Permission.READ_AUDIT_TRAIL)
def audit_trail(request: HttpRequest) -> HttpResponse:
    """The entries that match the filters, newest first."""
    form = SearchForm(request.GET)
    used = ", ".join(form.used())
    page = slice_of(request, form.entries(), "-at")
    audit.record_rarely(current_user(request), TRAIL, "read", used)
    context = {
        "form": form,
        "slice": page,
        "rows": [(entry, _object_url(entry.subject)) for entry in page],
        "is_filtered": bool(used),
    }
    return render(request, "campaigns/team/audit/trail.html", context)


@require_safe
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """The entries that match the filters as CSV, oldest first."""
    require_permission(current_user(request), Permission.READ_AUDIT_TRAIL)
    table = audit_table(SearchForm(request.GET).entries())
    return download(request, "csv", FILE_NAME, table, TRAIL)


def _object_url(subject: str) -> str:
    """The page of an object, which may be deleted by now; "" if there is none for its kind."""
    kind, _colon, number = subject.partition(":")
    pk = read_id(number)
    return reverse(PAGES[kind], args=[pk]) if kind in PAGES and pk is not None else ""
