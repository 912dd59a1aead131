"""Delivery reports: what the gateway posts to the `callback_url` of a message.

From docs/gateway-contract.md, "Delivery reports". A report is unsigned, so only its reference is
used, as a hint to ask for the status. The path contains a secret that is derived from SECRET_KEY,
so nothing is stored and nobody else can guess it.
"""

import json
import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

PATH = "/delivery-reports/"
BODY_MAX = 16_384  # bytes; a report has a few hundred
REFERENCE = re.compile(r"[0-9a-f]{32}")  # as the freeze makes them
_SALT = "campaigns.gateway.bsg.delivery_reports"


def callback_url() -> str:
    """The `callback_url` of a message that is sent now; "" if this site has no public address."""
    return (
        f"{settings.PUBLIC_BASE_URL}{PATH}{_secret(settings.SECRET_KEY)}"
        if settings.PUBLIC_BASE_URL
        else ""
    )


def is_ours(path: str) -> bool:
    """Whether `path` has the secret of this SECRET_KEY or of an earlier one, in constant time."""
    if not path.startswith(PATH):
        return False
    secret = path.removeprefix(PATH)
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(secret, _secret(key)) for key in keys)


@lru_cache(maxsize=16)
def _secret(key: str) -> str:
    return salted_hmac(_SALT, "address", secret=key, algorithm="sha256").hexdigest()[:40]


def references(body: bytes) -> list[str]:
    """The references in a report: a JSON object, a list of them, or a form.

    A malformed report has none.
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


def _entries(report: Any) -> list[Any]:
    return report if isinstance(report, list) else [report]


def _reference(entry: Any) -> str:
    reference = entry.get("reference") if isinstance(entry, dict) else None
    return reference if isinstance(reference, str) and REFERENCE.fullmatch(reference) else ""
