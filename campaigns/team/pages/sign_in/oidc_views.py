"""Signing in with an OpenID Connect provider: there, back, and to confirm who one is."""

from typing import Any

from allauth.account.utils import get_next_redirect_url
from allauth.account.views._password_reset import INTERNAL_RESET_SESSION_KEY
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET
from requests import RequestException

from campaigns.team.pages.access import current_user
from campaigns.team.pages.sign_in.limits import limited
from campaigns.team.sign_in import oidc

# What the parsers of answers raise that are none.
MALFORMED = (AttributeError, LookupError, TypeError, ValueError)


@never_cache
@login_not_required
@require_GET
@limited
def begin(request: HttpRequest) -> HttpResponse:
    """To the provider. With `?link=`, from the page of a link to choose a password."""
    uid, token = request.GET.get("link", ""), request.session.get(INTERNAL_RESET_SESSION_KEY)
    return _to_provider(request, {"link": [uid, token]} if uid and token else {})


@require_GET
def confirm(request: HttpRequest) -> HttpResponse:
    """To the provider, to sign in there again."""
    again = {"prompt": "login", "max_age": "0"}
    return _to_provider(request, {"confirm": current_user(request).pk}, auth_params=again)


def _to_provider(request: HttpRequest, data: dict[str, Any], **kwargs: Any) -> HttpResponse:
    if not settings.OIDC_ISSUER:
        raise Http404
    provider = get_adapter().get_provider(request, settings.OIDC_ISSUER)
    next_url = get_next_redirect_url(request)
    try:
        response: HttpResponse = provider.redirect(request, next_url=next_url, data=data, **kwargs)
    except (OAuth2Error, RequestException) as error:
        response = _failed(request, provider, error)
    return response


def _failed(request: HttpRequest, provider: oidc.Provider, error: Exception) -> HttpResponse:
    response: HttpResponse = render_authentication_error(request, provider, exception=error)
    return response


class Callback(OAuth2CallbackView):  # type: ignore[misc]  # allauth has no types
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().dispatch(request, *args, **kwargs)
        except MALFORMED as malformed:
            response = _failed(request, self.adapter.get_provider(), malformed)
        return response

    def _get_state(
        self, request: HttpRequest, provider: oidc.Provider
    ) -> tuple[dict[str, Any] | None, HttpResponse | None]:
        """Hand what the sign-in began with to the check of the ID token."""
        state, response = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, response


@never_cache
@login_not_required
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the provider."""
    if not settings.OIDC_ISSUER:
        raise Http404
    view = Callback.adapter_view(oidc.IdTokens(request, settings.OIDC_ISSUER))
    response: HttpResponse = view(request)
    return response
