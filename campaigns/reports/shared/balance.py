"""The account's balance for the pages: asked at most once a minute, and never the reason that a
page fails.
"""

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Balance

KEY = "balance"
FRESH = 60  # seconds
FRESH_FAILURE = 15  # a gateway that came back is noticed sooner
CONNECT_TIMEOUT, DEADLINE = 2.0, 5.0  # seconds; somebody looks at the page meanwhile


@dataclass(frozen=True, slots=True)
class Reading:
    """`balance` None: not available, and `why` says it in the gateway's words."""

    balance: Balance | None
    at: float
    why: str = ""


def read_balance() -> Reading:
    """The balance as it was at most a minute ago."""
    known = cache.get(KEY)
    if isinstance(known, Reading):
        return known
    reading = _ask()
    cache.set(KEY, reading, FRESH if reading.balance else FRESH_FAILURE)
    return reading


def _ask() -> Reading:
    now = timezone.now().timestamp()
    client = Client(
        settings.BSG_API_URL,
        settings.BSG_API_KEY,
        connect_timeout=CONNECT_TIMEOUT,
        deadline=DEADLINE,
    )
    try:
        return Reading(client.balance(), now)
    except GatewayError as failure:
        return Reading(None, now, failure.why)
    finally:
        client.close()
