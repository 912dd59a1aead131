"""Middleware: nobody reaches a view without signing in, times are the reader's, and no browser
keeps pages.
"""

from collections.abc import Callable
from typing import Any

from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.team import audit
from campaigns.team.models import User
from campaigns.team.pages.sign_in import first_step, fresh
from campaigns.team.sign_in import sessions
from campaigns.team.time_zones import reader_zone

SIGN_OUT = "account_logout"
ADMIN_OPEN = {"login", "logout", "password_change"}  # the site's own pages
# Pages use none of these, and no script on them should.
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
        "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
    )
)  # fmt: skip


class SignInRequired(LoginRequiredMiddleware):
    """As Django's, but htmx reloads the page, as it would put the sign-in page into a fragment; and
    a script that asks for JSON gets 401, as it would take the sign-in page for success.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        refusal: HttpResponseBase | None = super().process_view(
            request, view_func, view_args, view_kwargs
        )
        if refusal is not None:
            return _instead_of_the_page(request, refusal, _("You are signed out."), 401)
        return self._first_step(request, view_func) or self._in_the_admin(request)

    def _in_the_admin(self, request: HttpRequest) -> HttpResponseBase | None:
        """Who changes something in Django's admin has just said who they are."""
        assert request.resolver_match
        is_change = request.method == "POST" and request.resolver_match.app_name == "admin"
        if not is_change or request.resolver_match.url_name in ADMIN_OPEN:
            return None
        return None if sessions.is_fresh(request.session) else fresh.ask(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Where a view wants to know again who it is (sign_in/fresh.py)."""
        return fresh.ask(request) if isinstance(exception, ReauthenticationRequired) else None

    def _first_step(
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponseBase | None:
        """What has to be done before anything else: a password, or a second factor."""
        user = request.user
        if not isinstance(user, User) or not getattr(view_func, "login_required", True):
            return None
        due = first_step.of(user)
        assert request.resolver_match
        if not due or first_step.allows(due, request.resolver_match.view_name):
            return None
        return _instead_of_the_page(request, redirect(due), str(first_step.MESSAGES[due]), 403)


def _instead_of_the_page(
    request: HttpRequest, page: HttpResponseBase, message: str, status: int
) -> HttpResponseBase:
    """`page`, or what a fragment or a script understands."""
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"message": message}, status=status)
    return page


class SessionLimits:
    """Ends sessions that were idle for too long or are too old, and notes what users do.

    Scripts mark requests that nobody asked for with X-Background (static/js/site.js).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and isinstance(request.user, User):
            now = timezone.now()
            if why := sessions.over(request.session, now):
                with transaction.atomic():
                    audit.record(request.user, request.user, "session ended", why)
                    logout(request)
            elif "X-Background" not in request.headers and request.path != reverse("session"):
                sessions.note_activity(request, now)
        return self.get_response(request)


class PrivateResponses:
    """Browsers and proxies store no page of an error and nothing that a signed-in user was shown,
    and forget all of it when the user signs out. A session that ends by itself clears nothing:
    unsaved drafts are kept there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_signed_in = request.user.is_authenticated
        response = self.get_response(request)
        response.headers["Permissions-Policy"] = PERMISSIONS_POLICY
        is_error_page = response.status_code >= 400 and response.headers.get(
            "Content-Type", ""
        ).startswith("text/html")
        if was_signed_in or is_error_page:
            # not where a view has decided, such as for images, whose names are hashes
            response.headers.setdefault("Cache-Control", "no-store")
        signed_out = was_signed_in and not request.user.is_authenticated
        if signed_out and request.resolver_match and request.resolver_match.url_name == SIGN_OUT:
            response.headers["Clear-Site-Data"] = '"cache", "storage"'
        return response


class ReaderTimeZone:
    """Activates the time zone of the signed-in user for the request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(reader_zone(getattr(request.user, "time_zone", ""))):
            return self.get_response(request)
