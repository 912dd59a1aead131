"""The page for what failed, with the number under which the log has it."""

from django.http import HttpRequest, HttpResponseServerError
from django.template.loader import render_to_string

from viberdash.observation.request_context import request_id


def server_error(request: HttpRequest) -> HttpResponseServerError:
    """Without the request's context: making that may be what failed."""
    return HttpResponseServerError(render_to_string("500.html", {"request_id": request_id()}))
