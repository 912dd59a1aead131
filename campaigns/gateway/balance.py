"""The balance of the account, as pages show it: asked for at most once a minute, and never the
reason that a page fails.

The hourly reading that reconciliation compares with the ledger is apart (results/money).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.bsg.client import new_client
from campaigns.gateway.environment import key_fingerprint
from campaigns.gateway.errors import (
    GatewayError,
    GatewayRefused,
    GatewayUnreachable,
    error_meaning,
)
from campaigns.gateway.types import Balance, LazyText

FRESH_SECONDS = 60
FRESH_FAILURE_SECONDS = 15  # so that a gateway that came back is noticed soon
CONNECT_TIMEOUT, DEADLINE = 2.0, 5.0  # seconds; somebody waits for the page meanwhile


@dataclass(frozen=True, slots=True)
class CachedBalance:
    """An answer of the gateway. `balance` None: not available, for the reason `failure`; `code` is
    the error that the gateway named, 0 for none. `is_silent`: no answer came.
    """

    balance: Balance | None
    at: float  # Unix time
    failure: str = ""
    code: int = 0
    is_silent: bool = False

    @property
    def problem(self) -> LazyText:
        """Why there is no balance, for users."""
        if self.code:
            return error_meaning(self.code).sentence
        return _("The gateway does not answer.") if self.is_silent else _("It can't be read.")


def load_balance() -> CachedBalance:
    """Return the balance as it was at most a minute ago."""
    if cached := cached_balance():
        return cached
    try:
        answer = CachedBalance(_request(), _now())
    except GatewayError as failure:
        answer = CachedBalance(
            None,
            _now(),
            failure.why,
            failure.code if isinstance(failure, GatewayRefused) else 0,
            isinstance(failure, GatewayUnreachable),
        )
    _keep(answer)
    return answer


def cached_balance() -> CachedBalance | None:
    """What the gateway answered last, if that was a moment ago; it is not asked."""
    return _read(cache.get(_key()))


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
    stored: dict[str, Any] = {
        "at": answer.at,
        "failure": answer.failure,
        "code": answer.code,
        "silent": answer.is_silent,
    }
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
        return CachedBalance(
            balance,
            float(stored["at"]),
            str(stored["failure"]),
            int(stored.get("code", 0)),
            bool(stored.get("silent", False)),
        )
    except (TypeError, KeyError, ValueError, ArithmeticError):
        return None
