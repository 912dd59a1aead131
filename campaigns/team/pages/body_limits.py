"""How large the body of a request may be, decided before any of it is read.

The web server asks when the headers have arrived (viberdash/web_worker.py). Its loop serves all
connections, so it must not wait for the database: a signed cookie says who sends the request, or
the mark of a token that it was made here.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.urls import Resolver404, resolve

from campaigns.shared.brands.scope import split_path
from campaigns.team.pages.access import View, current_user
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission
from campaigns.team.tokens import token_text

ANONYMOUS = 64 << 10  # bytes: signing in, a delivery report
FORM = 4 << 20  # of a signed-in user
API = 4 << 20  # with a token that was made here: 1,000 contacts with long values
IMAGE = 21 << 20  # 20 MB and the form around it
FILE = 520 << 20  # 500 MB of contacts and the form around it
# operations of the API that take a file, within multipart/form-data
API_FILES = {
    "/api/v1/imports/file": FILE,
    "/api/v1/stop-list/file": FILE,
    "/api/v1/pictures": IMAGE,
}
SIGNED_IN, EDITOR = "user", "editor"
_signer = TimestampSigner(salt="campaigns.team.pages.body_limits")


def accepts_body(limit: int) -> Callable[[View], View]:
    """Decorator for a view, below all others: who may edit can send it `limit` bytes."""

    def wrap(view: View) -> View:
        view.body_limit = limit  # type: ignore[attr-defined]
        return view

    return wrap


def limit(path: str, cookies: str, authorization: str = "") -> int:
    """How many bytes the body of a request to `path` with these headers may have."""
    if path.startswith("/api/"):
        is_from_here = token_text.is_from_here(token_text.bearer(authorization))
        return API_FILES.get(path, API) if is_from_here else ANONYMOUS
    sender = _sender(parse_cookie(cookies).get(settings.BODY_LIMIT_COOKIE_NAME, ""))
    if not sender:
        return ANONYMOUS
    try:
        view = resolve(split_path(path)[1]).func
    except Resolver404:
        return ANONYMOUS
    return getattr(view, "body_limit", FORM) if sender == EDITOR else FORM


def cookie_of(is_editor: bool) -> str:
    """The value of the cookie for somebody who is signed in."""
    return _signer.sign(EDITOR if is_editor else SIGNED_IN)


def _sender(value: str) -> str:
    """SIGNED_IN or EDITOR; "" without a valid cookie."""
    try:
        return _signer.unsign(value, max_age=settings.SESSION_COOKIE_AGE)
    except BadSignature:
        return ""


class BodyLimitCookie:
    """Middleware: gives the cookie to whoever is signed in, and takes it from everybody else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        present = _sender(request.COOKIES.get(settings.BODY_LIMIT_COOKIE_NAME, ""))
        expected = ""
        if request.user.is_authenticated:
            expected = (
                EDITOR if has_permission(current_user(request), Permission.COMPOSE) else SIGNED_IN
            )
        if expected and present != expected:
            response.set_cookie(
                settings.BODY_LIMIT_COOKIE_NAME, cookie_of(expected == EDITOR),
                max_age=settings.SESSION_COOKIE_AGE, httponly=True, samesite="Lax",
                secure=settings.SESSION_COOKIE_SECURE,
            )  # fmt: skip
        elif settings.BODY_LIMIT_COOKIE_NAME in request.COOKIES and not expected:
            response.delete_cookie(settings.BODY_LIMIT_COOKIE_NAME)
        return response
