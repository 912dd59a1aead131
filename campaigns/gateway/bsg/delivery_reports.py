"""Delivery reports: what the gateway posts to a message's `callback_url` (docs/gateway-contract.md,
Status).

They are unsigned, so nothing in one is believed but the reference, and that only as a hint that its
status is worth asking for. The address is a secret made out of SECRET_KEY: nothing is stored, and
whoever has not been told it can't guess it.
"""

import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

PATH = "/delivery-reports/"
BODY_MAX = 16_384  # bytes; a report has some hundreds
REFERENCE = re.compile(r"[0-9a-f]{32}")  # ours; the gateway would take others
_SALT = "campaigns.gateway.bsg.delivery_reports"


def callback_url() -> str:
    """The `callback_url` of messages that leave now; "" where nobody outside can reach this
    site.
    """
    return (
        f"{settings.PUBLIC_BASE_URL}{PATH}{_secret(settings.SECRET_KEY)}"
        if settings.PUBLIC_BASE_URL
        else ""
    )


def is_ours(path: str) -> bool:
    """Whether `path` is the secret one, of this SECRET_KEY or of an earlier one. Takes as long for
    any wrong one.
    """
    if not path.startswith(PATH):
        return False
    told = path.removeprefix(PATH)
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(told, _secret(key)) for key in keys)


@lru_cache(maxsize=16)
def _secret(key: str) -> str:
    return salted_hmac(_SALT, "address", secret=key, algorithm="sha256").hexdigest()[:40]


def references(body: bytes) -> list[str]:
    """The references that a report names: an object, a list of them, or a form. Of what is
    malformed, none.
    """
    try:
        text = body.decode()
        if text.lstrip()[:1] in ("{", "["):
            return [
                reference
                for entry in _entries(json.loads(text))
                if (reference := _reference(entry))
            ]
        return [
            reference
            for reference in parse_qs(text).get("reference", [])
            if REFERENCE.fullmatch(reference)
        ]
    except (ValueError, RecursionError):
        return []


def _entries(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


def _reference(entry: Any) -> str:
    reference = entry.get("reference") if isinstance(entry, dict) else None
    return reference if isinstance(reference, str) and REFERENCE.fullmatch(reference) else ""
