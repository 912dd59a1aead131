"""Middleware: requests of the API are those of a token. Cookies count for nothing.

It stands before sessions, and takes the place of the sign-in, the brand in the address and the
protection of forms.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, cast

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.api import rates
from campaigns.api.access import NAMESPACE, has_file
from campaigns.api.problems import Problem, as_problem
from campaigns.gateway.key_in_use import using
from campaigns.shared.brands.scope import acting_for
from campaigns.team import audit
from campaigns.team.audit import context
from campaigns.team.brand_keys.in_use import brands_with_keys, key_of_brand
from campaigns.team.models import ActorKind, AuditResult
from campaigns.team.pages.audit.middleware import RequestOrigin
from campaigns.team.pages.body_limits import API_FILES
from campaigns.team.pages.brands.middleware import keep_acting
from campaigns.team.roles import limited_to
from campaigns.team.sign_in.throttle import MustWait
from campaigns.team.time_zones import reader_zone
from campaigns.team.tokens.authentication import NotAccepted, WrongAddress, authenticate
from campaigns.team.tokens.models import ApiToken

ROOT = "/api/"
DOCUMENT = "/api/v1/openapi.json"
PAGES = ("/api/v1/docs", DOCUMENT)  # for whoever is signed in
SCHEME = "Bearer"


class TokenOrigin(RequestOrigin):
    """Entries of the trail name the token where they name the session of a page."""

    kind = ActorKind.TOKEN

    def __init__(self, request: HttpRequest, token: ApiToken) -> None:
        super().__init__(request)
        self._token = token

    @property
    def session(self) -> str:
        return self._token.prefix


def is_of_api(request: HttpRequest) -> bool:
    """Whether a token says who asks, and errors are problems."""
    path = request.path_info
    with_token = path == DOCUMENT and "Authorization" in request.headers
    return path.startswith(ROOT) and (path not in PAGES or with_token)


class ApiRequests:
    """Lets requests with a valid token reach operations, and turns every error into a problem."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not is_of_api(request):
            return self.get_response(request)
        request.is_of_api = True  # type: ignore[attr-defined]
        request.COOKIES = {}
        response = as_problem(self.get_response(request))
        response.cookies.clear()
        response.headers["Cache-Control"] = "no-store"
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        if not getattr(request, "is_of_api", False):
            if match and NAMESPACE in match.namespaces:
                raise Http404  # such as below the address of a brand
            return None
        try:
            token = authenticate(request)
        except NotAccepted as refused:
            text = "invalid_token" if refused.has_token else "unauthorized"
            scheme = f'{SCHEME} error="invalid_token"' if refused.has_token else SCHEME
            return Problem(401, text, headers={"WWW-Authenticate": scheme}).response()
        except MustWait as refused:
            wait = {"Retry-After": str(refused.seconds)}
            return Problem(429, "too_many_wrong_tokens", headers=wait).response()
        except WrongAddress:
            text = "This token may not be used from your address."
            return Problem(403, "wrong_address", text).response()
        rate = rates.count(token)
        response = self._answer(request, token, rate, lambda: view(request, *args, **kwargs))
        for name, value in rate.headers.items():
            response.headers[name] = value
        return response

    def _answer(
        self,
        request: HttpRequest,
        token: ApiToken,
        rate: rates.Rate,
        run: Callable[[], HttpResponseBase],
    ) -> HttpResponseBase:
        if rate.is_over:
            return Problem(429, headers={"Retry-After": str(rate.reset)}).response()
        request.user = request._cached_user = token.owner  # type: ignore[attr-defined]
        request.api_token = token  # type: ignore[attr-defined]
        with ExitStack() as stack:
            stack.enter_context(context.acting_from(TokenOrigin(request, token)))
            brands = brands_with_keys()
            slugs = {brand.pk: brand.slug for brand in brands}
            brand_id = cast(int, token.brand_id)
            key = key_of_brand(brand_id, brands)
            stack.enter_context(acting_for(brand_id, slugs))
            stack.enter_context(using(key))
            stack.enter_context(limited_to(token.owner, token.permissions))
            stack.enter_context(timezone.override(reader_zone(token.owner.time_zone)))
            try:
                _read_body(request)
            except Problem as problem:
                return problem.response()
            response = run()
            if response.status_code == 403:
                _record_refusal(request, token)
        keep_acting(response, brand_id, slugs, key)
        return response


def _read_body(request: HttpRequest) -> None:
    """Read the body: JSON, or the form around a file where an operation takes one. Raises Problem
    if it is too large, can't be read, or is of another type by what it says of itself.
    """
    takes_file = request.method == "POST" and request.path_info in API_FILES
    if takes_file and not has_file(request):
        raise Problem(415, detail="Send a form: Content-Type: multipart/form-data")
    try:
        body = b"" if takes_file else request.body
        if takes_file:
            _ = request.FILES  # reads it
    except RequestDataTooBig:
        raise Problem(413) from None
    except (BadRequest, SuspiciousOperation, UnreadablePostError):
        raise Problem(400) from None
    if body and request.content_type != "application/json":
        raise Problem(415)


def _record_refusal(request: HttpRequest, token: ApiToken) -> None:
    match = request.resolver_match
    audit.record_rarely(
        token.owner,
        f"page:{match.view_name if match else 'unknown'}",
        "refused",
        request.method or "",
        result=AuditResult.REFUSED,
        reason="no permission",
    )
