"""How often a client may begin to sign in: each time a session is stored, for nobody known yet."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core.internal import ratelimit
from django.http import HttpRequest
from django.http.response import HttpResponseBase

View = Callable[..., HttpResponseBase]


def limited(view: View) -> View:
    """Decorator for a view with which a sign-in begins: 429 above MFA_RATE_LIMITS."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if ratelimit.consume(request, app="allauth.mfa", action="begin", limit_get=True):
            return view(request, *args, **kwargs)
        refusal: HttpResponseBase = ratelimit.handler429(request)
        return refusal

    return guarded
