"""The pages for what failed, which need neither a session nor the database."""

import sys

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from viberdash.observation.missing_migrations import is_any_missing
from viberdash.observation.request_context import request_id

UPGRADE_WAIT, OUTAGE_WAIT = 60, 10  # seconds after which the browser may ask again


def server_error(request: HttpRequest) -> HttpResponse:
    """What stands for an exception of a view or of middleware: 503 while the tables are not those
    of this version or the database does not answer, otherwise 500 with the number in the log.
    """
    if _waits_for_upgrade():
        return _page("503_upgrade.html", 503, UPGRADE_WAIT)
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return _page("503.html", 503, OUTAGE_WAIT)
    return _page("500.html", 500)


def _waits_for_upgrade() -> bool:
    try:
        return is_any_missing()
    except (DatabaseError, InterfaceError):
        return False


def _page(template: str, status: int, wait: int = 0) -> HttpResponse:
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": str(wait)} if wait else {})
    return HttpResponse(without_request(template), status=status, headers=headers)


def without_request(template: str) -> str:
    """A page made without the request's context, as making that may be what failed; without
    its style before `manage.py prepare` has collected this version's static files.
    """
    context = {"request_id": request_id(), "has_style": True}
    try:
        return render_to_string(template, context)
    except ValueError:  # the manifest of static files lacks one
        return render_to_string(template, context | {"has_style": False})
