"""The balance of the account, as pages show it: asked for at most once a minute, and never the
reason that a page fails.

The hourly reading that reconciliation compares with the ledger is apart (results/money).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from campaigns.gateway.bsg.client import new_client
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
    if cached := _read(cache.get(_key())):
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
    client = new_client(CONNECT_TIMEOUT, DEADLINE)
    try:
        return client.balance()
    finally:
        client.close()


def _key() -> str:
    return f"account-balance:{key_fingerprint()}"


def _now() -> float:
    return timezone.now().timestamp()


def _keep(answer: CachedBalance) -> None:
    balance = answer.balance
    stored = {"at": answer.at, "failure": answer.failure}
    if balance:
        stored |= {
            "amount": str(balance.amount),
            "currency": balance.currency,
            "limit": str(balance.limit),
        }
    cache.set(_key(), stored, FRESH_SECONDS if balance else FRESH_FAILURE_SECONDS)


def _read(stored: Any) -> CachedBalance | None:
    """What `_keep` stored; None if it is not there, or if it is something else."""
    try:
        balance = (
            Balance(Decimal(stored["amount"]), str(stored["currency"]), Decimal(stored["limit"]))
            if "amount" in stored
            else None
        )
        return CachedBalance(balance, float(stored["at"]), str(stored["failure"]))
    except (TypeError, KeyError, ValueError, ArithmeticError):
        return None
