"""Nobody reaches a view without signing in, and nobody gets in by trying passwords."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone


class SignInRequired(LoginRequiredMiddleware):
    """Django's middleware; but a fragment would be swapped for the sign-in page, so htmx loads the
    whole page again.
    """

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        refusal: HttpResponseBase | None = super().process_view(
            request, view_func, view_args, view_kwargs
        )
        if refusal is not None and request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Refresh": "true"})
        return refusal


TRIES = 20
TRIES_WITHIN = 15 * 60  # seconds


class LoginThrottle:
    """Wrong passwords for one user name from one address: after TRIES of them, nothing more is
    tried for a while.

    Counted in the cache, so web processes that share none count each on its own.
    """

    def __init__(self, request: HttpRequest, username: str) -> None:
        # in the key: our clock counts, not the cache's
        window = int(timezone.now().timestamp()) // TRIES_WITHIN
        seen = f"{window} {request.META.get('REMOTE_ADDR', '')} {username.casefold()}"
        self._key = f"tries:{hashlib.sha256(seen.encode()).hexdigest()}"

    def exhausted(self) -> bool:
        wrong: int = cache.get(self._key, 0)
        return wrong >= TRIES

    def record_failure(self) -> None:
        cache.add(self._key, 0, TRIES_WITHIN)
        try:
            cache.incr(self._key)
        except ValueError:  # it ran out in between
            cache.set(self._key, 1, TRIES_WITHIN)

    def record_success(self) -> None:
        cache.delete(self._key)
