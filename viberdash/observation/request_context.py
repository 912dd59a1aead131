"""Which request the running code answers: its id, and who sent it, for the log and the error page.

The id comes from X-Request-ID if proxies stand before this site (PROXY_COUNT), so that their logs
name the same; otherwise anybody could choose it, and it is made here.
"""

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

HEADER = "X-Request-ID"
ACCEPTABLE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class RequestContext:
    """Middleware, outside all others: gives each request an id, and names it in the response."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.id = _id_of(request)  # type: ignore[attr-defined]
        token = _request.set(request)
        try:
            response = self.get_response(request)
        finally:
            _request.reset(token)
        response.headers[HEADER] = request.id  # type: ignore[attr-defined]
        return response


def _id_of(request: HttpRequest) -> str:
    given = request.headers.get(HEADER, "")
    if settings.PROXY_COUNT and ACCEPTABLE.fullmatch(given):
        return given
    return uuid.uuid4().hex


def request_id() -> str:
    """The id of the request that is answered now; "" if there is none."""
    return getattr(_request.get(), "id", "")


def log_fields() -> dict[str, Any]:
    """Id, user and campaign of the request that is answered now, as far as they are known already.

    Nothing is asked for: a line of the log must not cost a query.
    """
    request = _request.get()
    if request is None:
        return {}
    match = request.resolver_match
    is_of_campaign = match is not None and match.route.startswith("campaigns/<int:pk>/")
    return {
        "request_id": request_id(),
        "user_id": getattr(getattr(request, "_cached_user", None), "pk", None),
        "campaign_id": match.kwargs["pk"] if match and is_of_campaign else None,
    }
