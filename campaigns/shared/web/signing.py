"""Signatures of requests, as Standard Webhooks 1.0 describes them (standardwebhooks.com)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret in the form that receivers' libraries take."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    message_id: str, at: datetime, body: bytes, secrets_in_use: Sequence[str]
) -> dict[str, str]:
    """The headers of a request with `body` that leaves at `at`: one signature for each secret, and
    none of that name without secrets.
    """
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    headers = {"webhook-id": message_id, "webhook-timestamp": timestamp}
    if secrets_in_use:
        signatures = [_signature(secret, content) for secret in secrets_in_use]
        headers["webhook-signature"] = " ".join(signatures)
    return headers


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
