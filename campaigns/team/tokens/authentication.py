"""Whose token a request has. Wrong ones are counted, and refused for a while like wrong passwords.

A valid token is found by its hash, in one query. Cookies and passwords count for nothing here.
"""

import ipaddress
from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from campaigns.shared.brands.scope import acting_for
from campaigns.team.roles import role_of
from campaigns.team.sign_in import throttle
from campaigns.team.sign_in.client import client_address
from campaigns.team.tokens import token_text
from campaigns.team.tokens.models import ApiToken

USE_NOTED_EVERY = timedelta(minutes=1)


class NotAccepted(Exception):  # noqa: N818 - not a failure
    """The request has no token, or none that is valid. `has_token`: it has one."""

    def __init__(self, *, has_token: bool) -> None:
        super().__init__()
        self.has_token = has_token


class WrongAddress(Exception):  # noqa: N818 - not a failure
    """The token may not be used from where the request comes."""


def authenticate(request: HttpRequest) -> ApiToken:
    """The token of the request, with its owner and brand.

    Raises NotAccepted, WrongAddress, and throttle.MustWait after too many wrong ones.
    """
    header = request.headers.get("Authorization", "")
    if not header:
        raise NotAccepted(has_token=False)
    token = _valid(token_text.bearer(header))
    if token is None:
        throttle.begin_token(request)
        raise NotAccepted(has_token=True)
    if not _is_allowed(client_address(request), token.addresses):
        raise WrongAddress
    _note_use(token, timezone.now())
    return token


def _valid(text: str) -> ApiToken | None:
    tokens = ApiToken.objects.select_related("owner", "brand")
    token = tokens.filter(hash=token_text.digest(text)).first()
    if token is None or token.is_over(timezone.now()) or not token.owner.is_active:
        return None
    with acting_for(token.brand_id):
        return token if role_of(token.owner) else None


def _is_allowed(address: str, networks: list[str]) -> bool:
    if not networks:
        return True
    try:
        client = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(client, "ipv4_mapped", None)
    return any((mapped or client) in ipaddress.ip_network(network) for network in networks)


def _note_use(token: ApiToken, now: datetime) -> None:
    """Note that the token is in use; at most once a minute, over all processes."""
    before = now - USE_NOTED_EVERY
    if token.last_used_at is None or token.last_used_at < before:
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=before)
        ApiToken.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)
