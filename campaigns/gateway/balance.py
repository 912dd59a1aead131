"""The balance of the account, as pages show it: asked for at most once a minute, and never the
reason that a page fails.

The hourly reading that reconciliation compares with the ledger is apart (results/money).
"""

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.environment import key_fingerprint
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Balance

FRESH_SECONDS = 60
FRESH_FAILURE_SECONDS = 15  # so that a gateway that came back is noticed soon
CONNECT_TIMEOUT, DEADLINE = 2.0, 5.0  # seconds; somebody waits for the page meanwhile


@dataclass(frozen=True, slots=True)
class CachedBalance:
    """An answer of the gateway. `balance` None: not available, for the reason `failure`."""

    balance: Balance | None
    at: float  # Unix time
    failure: str = ""


def load_balance() -> CachedBalance:
    """Return the balance as it was at most a minute ago."""
    cached = cache.get(_key())
    if isinstance(cached, CachedBalance):
        return cached
    try:
        answer = CachedBalance(_request(), _now())
    except GatewayError as failure:
        answer = CachedBalance(None, _now(), failure.why)
    _keep(answer)
    return answer


def request_balance() -> Balance:
    """Ask the gateway now, and keep the answer for all pages. Raises GatewayError."""
    balance = _request()
    _keep(CachedBalance(balance, _now()))
    return balance


def _request() -> Balance:
    client = Client(
        settings.BSG_API_URL,
        settings.BSG_API_KEY,
        connect_timeout=CONNECT_TIMEOUT,
        deadline=DEADLINE,
    )
    try:
        return client.balance()
    finally:
        client.close()


def _key() -> str:
    return f"account-balance:{key_fingerprint()}"


def _now() -> float:
    return timezone.now().timestamp()


def _keep(answer: CachedBalance) -> None:
    cache.set(_key(), answer, FRESH_SECONDS if answer.balance else FRESH_FAILURE_SECONDS)
