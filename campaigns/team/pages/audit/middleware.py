"""Middleware: entries of a request say where it comes from, and refusals are recorded.

A request that records nothing pays for one object: address and session are worked out when an entry
is written, and so a sign-in has the session that it began.
"""

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac

from campaigns.team import audit
from campaigns.team.audit import context
from campaigns.team.models import ActorKind, AuditResult, User
from campaigns.team.sign_in.client import client_address

MARK_LENGTH = 16


class RequestOrigin(context.Origin):
    kind = ActorKind.VISITOR

    def __init__(self, request: HttpRequest) -> None:
        super().__init__()
        self._request = request

    @property
    def address(self) -> str:
        return client_address(self._request)[:45]

    @property
    def session(self) -> str:
        key = self._request.session.session_key
        return session_mark(key) if key else ""


def session_mark(key: str) -> str:
    """What tells sessions apart in the trail; a keyed hash, as the key would sign anybody in."""
    return salted_hmac("audit session", key, algorithm="sha256").hexdigest()[:MARK_LENGTH]


class AuditOrigin:
    """Names the request as the origin of what it records; records the refusals of views."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with context.acting_from(RequestOrigin(request)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A permission that a user lacks."""
        if isinstance(exception, PermissionDenied):
            user = request.user if isinstance(request.user, User) else None
            match = request.resolver_match
            page = (match.view_name if match else "") or "unknown"
            audit.record_rarely(
                user,
                f"page:{page}",
                "refused",
                request.method or "",
                result=AuditResult.REFUSED,
                reason="no permission",
            )
