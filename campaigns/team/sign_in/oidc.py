"""OpenID Connect with allauth's provider, made stricter.

allauth checks state and PKCE, once each. Added here: the issuer that discovery names is exactly
OIDC_ISSUER; there is an ID token, with a signature by a key of the issuer (allauth trusts what
comes over TLS), for this client alone, with the nonce of this sign-in; nothing is taken from the
userinfo endpoint, whose `sub` allauth would prefer unchecked; and nothing in the address of the
sign-in changes what is asked of the provider.
"""

import secrets
import time
from typing import Any

import jwt
from allauth.account.internal.flows.login import record_authentication
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.adapter import get_adapter as get_social_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from campaigns.shared.brands.scope import split_path
from campaigns.team import audit
from campaigns.team.sign_in import links, single_sign_on
from campaigns.team.sign_in.client import client_address

ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
]  # fmt: skip
REQUIRED = ["iss", "sub", "aud", "exp", "iat"]
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
DESCRIPTION, KEPT_FOR = "oidc-description", 300  # seconds in the cache
LEEWAY = 60  # seconds that clocks may differ
MALFORMED = (AttributeError, LookupError, TypeError, ValueError, RecursionError, jwt.PyJWTError)


class IdTokens(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth has no types
    """What the provider's endpoints answer. `state` is what the sign-in began with."""

    state: dict[str, Any] = {}

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's own description. Raises OAuth2Error if it is not that of OIDC_ISSUER."""
        try:
            if kept := cache.get(DESCRIPTION):
                self._openid_config = kept
            config: dict[str, Any] = super().openid_config
            named, endpoints = config["issuer"], [config[name] for name in ENDPOINTS]
        except MALFORMED as malformed:
            raise OAuth2Error("its description is malformed") from malformed
        if named != settings.OIDC_ISSUER:
            raise OAuth2Error("its description is that of another issuer")
        scheme = settings.OIDC_ISSUER.partition(":")[0]
        if not all(str(address).startswith((f"{scheme}://", "https://")) for address in endpoints):
            raise OAuth2Error("it has an endpoint without TLS")
        cache.set(DESCRIPTION, config, KEPT_FOR)
        return config

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """The one that is registered there, whichever brand the page acts for."""
        return links.address(split_path(reverse("oidc-callback"))[1], request)

    def get_access_token_data(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        if not kwargs.get("pkce_code_verifier"):
            raise OAuth2Error("the sign-in has no PKCE verifier")
        answer: dict[str, Any] = super().get_access_token_data(*args, **kwargs)
        return answer

    def complete_login(
        self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any
    ) -> SocialLogin:
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OAuth2Error("there is no ID token")
        claims = self._claims_of(id_token, app.client_id)
        login = self.get_provider().sociallogin_from_response(request, {"id_token": claims})
        login.claims, login.account.extra_data = claims, {}  # to be read now, not to be stored
        return login

    def _claims_of(self, id_token: str, client_id: str) -> dict[str, Any]:
        """OpenID Connect Core 1.0, 3.1.3.7. Raises OAuth2Error."""
        try:
            claims: dict[str, Any] = jwt.decode(
                id_token,
                self._key_of(id_token),
                algorithms=ALGORITHMS,
                audience=client_id,
                issuer=settings.OIDC_ISSUER,
                leeway=LEEWAY,
                options={"require": REQUIRED},
            )
        except MALFORMED as invalid:
            raise OAuth2Error(f"the ID token is not valid: {type(invalid).__name__}") from invalid
        if (
            claims["aud"] not in (client_id, [client_id])
            or claims.get("azp", client_id) != client_id
        ):
            raise OAuth2Error("the ID token is not for this client alone")
        nonce, expected = claims.get("nonce"), (self.state.get("data") or {}).get("nonce")
        if not expected or not constant_time_compare(str(nonce), expected):
            raise OAuth2Error("the ID token is that of another sign-in")
        if not single_sign_on.is_user_id(claims["sub"]):
            raise OAuth2Error("the ID token names no user")
        return claims

    def _key_of(self, id_token: str) -> jwt.PyJWK:
        with get_social_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        wanted = jwt.get_unverified_header(id_token).get("kid")
        fitting = [key for key in keys if key.key_id == wanted or (not wanted and len(keys) == 1)]
        return fitting[0]


class Provider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = IdTokens

    def redirect(
        self,
        request: HttpRequest,
        process: str = AuthProcess.LOGIN,
        next_url: str | None = None,
        data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """To the provider, with a nonce that the ID token has to repeat."""
        nonce = secrets.token_urlsafe(32)
        kwargs["auth_params"] = {**kwargs.get("auth_params", {}), "nonce": nonce}
        response: HttpResponse = super().redirect(
            request, process, next_url, {**(data or {}), "nonce": nonce}, **kwargs
        )
        return response


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Provider:
        """The one of the settings; accounts are stored under its issuer."""
        app = SocialApp(
            provider=Provider.id,
            provider_id=settings.OIDC_ISSUER,
            name=settings.OIDC_NAME,
            client_id=settings.OIDC_CLIENT_ID,
            secret=settings.OIDC_CLIENT_SECRET,
            settings={
                "server_url": settings.OIDC_ISSUER.rstrip("/"),
                "oauth_pkce_enabled": True,
                "scope": ["openid", "profile", "email", *settings.OIDC_SCOPES],
            },
        )
        return Provider(request, app=app)

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Before anybody is signed in: who it is here."""
        claims = sociallogin.claims
        asked = sociallogin.state["data"]
        if "confirm" in asked:
            raise ImmediateHttpResponse(_confirmed(request, sociallogin, claims))
        try:
            request.confirmed_at = _authenticated_at(claims)  # type: ignore[attr-defined]
            sociallogin.user = single_sign_on.admit(sociallogin.account, claims, asked.get("link"))
        except single_sign_on.Refused as refused:
            raise ImmediateHttpResponse(_refusal(request, str(refused))) from None

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Provider,
        error: Any = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        """The page in place of allauth's. What the provider answered wrong is recorded."""
        if exception:
            detail = f"with {settings.OIDC_NAME}: {_reason(exception)}"
            user = request.user if request.user.is_authenticated else None
            target = user or "user:unknown"
            detail = f"{detail}, from {client_address(request)}"
            audit.record(None, target, "sign-in failed", detail)
        text = _("%(provider)s did not sign you in. Try again, or ask an administrator.")
        raise ImmediateHttpResponse(_refusal(request, text % {"provider": settings.OIDC_NAME}))


def _reason(exception: Exception) -> str:
    """What goes into the trail: our own words, but nothing that the provider answered."""
    own = isinstance(exception, OAuth2Error) and not str(exception).startswith("Error retrieving")
    return str(exception) if own else type(exception).__name__


def _confirmed(request: HttpRequest, sociallogin: SocialLogin, claims: Any) -> HttpResponse:
    """The same user has signed in to the provider again, just now."""
    recently = time.time() - settings.FRESH_MINUTES * 60
    if sociallogin.user != request.user or _authenticated_at(claims) < recently:
        text = _("%(provider)s did not confirm that it is you.")
        return _refusal(request, text % {"provider": settings.OIDC_NAME})
    record_authentication(request, request.user, "oidc", reauthenticated=True)
    return redirect(sociallogin.get_redirect_url(request) or "/")


def _authenticated_at(claims: Any) -> float:
    """When the user signed in to the provider, in seconds; 0 if it does not say so."""
    at = claims.get("auth_time")
    return min(float(at), time.time()) if isinstance(at, int | float) else 0.0


def _refusal(request: HttpRequest, text: str) -> HttpResponse:
    return render(request, "campaigns/team/sign_in/oidc_refused.html", {"text": text}, status=403)
