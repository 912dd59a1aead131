"""What endangers most asks again who it is, FRESH_MINUTES after the sign-in or the last time.

Nothing is lost: a page or download is asked for again after the confirmation, and a form that was
posted is kept in the session until then. The browser posts it once more to its own address
(templates/campaigns/team/sign_in/go_on.html), so that it takes the usual way in every respect.
Requests that nobody asked for ask for nothing.
"""

import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from campaigns.team.sign_in import sessions

V = TypeVar("V", bound=Callable[..., HttpResponseBase])
KEPT = "kept_requests"  # in the session, by a token
MOST_KEPT = 5
LARGEST_FORM = 256 << 10  # characters
NOT_KEPT = {"csrfmiddlewaretoken"}
SECRETS = {"api_key"}  # fields that no session stores: whoever filled them in does so again


def require_fresh(request: HttpRequest, when: Callable[[], bool] = lambda: True) -> None:
    """Let only those pass who have just said who they are, if `when` says that it matters here.

    Raises ReauthenticationRequired, which `ask` answers.
    """
    if not sessions.is_fresh(request.session) and when():
        raise ReauthenticationRequired


def fresh_to_change(view: V) -> V:
    """Decorator for a view, below the one that asks for a role: whoever posts has to be fresh."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "POST":
            require_fresh(request)
        return view(request, *args, **kwargs)

    return cast(V, guarded)


def fresh_to_download(view: V) -> V:
    """Decorator for a view that answers with a file of contacts' data."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        request.is_download = True  # type: ignore[attr-defined]
        require_fresh(request)
        return view(request, *args, **kwargs)

    return cast(V, guarded)


def ask(request: HttpRequest) -> HttpResponseBase:
    """Lead to the confirmation, and from there to where `request` wanted to go."""
    methods = get_adapter().get_reauthentication_methods(request.user)
    if not methods:
        messages.error(request, _("Sign out and in again, then repeat this."))
        return redirect("account")
    if "X-Background" in request.headers:
        return HttpResponse(status=403)
    target = _target(request)
    confirm = f"{methods[0]['url']}?{urlencode({'next': target})}"
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": confirm})
    if request.headers.get("Accept") == "application/json":
        text = _("Confirm first that it is you.")
        return JsonResponse({"message": text, "confirm": confirm}, status=403)
    return redirect(confirm)


def _target(request: HttpRequest) -> str:
    """Where the confirmation leads."""
    if request.headers.get("HX-Request") == "true":
        return _own_path(request, request.headers.get("HX-Current-URL", ""))
    is_download = getattr(request, "is_download", False)
    if request.method != "POST" and not is_download:
        return request.get_full_path()
    back = _own_path(request, request.headers.get("Referer", ""))
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    kept = [[name, value] for name, value in fields if name not in NOT_KEPT]
    is_large = sum(len(name) + len(value) for name, value in kept) > LARGEST_FORM
    if request.FILES or is_large or not SECRETS.isdisjoint(request.POST):
        messages.warning(request, _("Submit the form again."))
        return back
    token = secrets.token_urlsafe(12)
    others = list(request.session.get(KEPT, {}).items())[1 - MOST_KEPT :]
    request.session[KEPT] = dict(others) | {
        token: {"path": request.get_full_path(), "fields": kept, "back": back, "get": is_download}
    }
    return reverse("go-on", args=[token])


def _own_path(request: HttpRequest, address: str) -> str:
    """Path and query of an address of this site; those of the dashboard for any other."""
    if not url_has_allowed_host_and_scheme(address, request.get_host(), request.is_secure()):
        return "/"
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"


@require_safe
def go_on(request: HttpRequest, token: str) -> HttpResponse:
    """After the confirmation: have the browser send the request that was kept, once."""
    require_fresh(request)
    kept = request.session.get(KEPT, {})
    entry = kept.pop(token, None)
    if entry is None:
        messages.info(request, _("This was submitted already."))
        return redirect("dashboard")
    request.session[KEPT] = kept
    return render(request, "campaigns/team/sign_in/go_on.html", {"kept": entry})
