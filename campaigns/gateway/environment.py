"""Where messages go: to the real gateway with a live key, or nowhere."""

import hashlib
from urllib.parse import urlsplit

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.key_in_use import GatewayKey, key_in_use

REAL_GATEWAY = "bsg.world"


class Environment(TextChoices):
    """What becomes of a message."""

    LIVE = "live", _("BSG")  # it is delivered, and costs money
    TEST = "test", _("Test key")  # nothing is sent, the gateway answers with random data
    SANDBOX = "sandbox", _("Sandbox")  # a simulated gateway keeps it


def is_real_gateway() -> bool:
    """Whether the address in use is the real gateway, not a sandbox."""
    host = urlsplit(key_in_use().address).hostname or ""
    return host == REAL_GATEWAY or host.endswith(f".{REAL_GATEWAY}")


def key_kind() -> str:
    """All that a page may show of the API key in use: "live", "test" or "other"."""
    return kind_of(key_in_use().secret)


def kind_of(secret: str) -> str:
    """All that a page may show of an API key: "live", "test" or "other"."""
    kinds = (kind for kind in ("live", "test") if secret.startswith(f"{kind}_"))
    return next(kinds, "other")


def key_fingerprint() -> str:
    """The fingerprint of address and key in use: tells keys apart without storing them."""
    return fingerprint_of(key_in_use())


def fingerprint_of(key: GatewayKey) -> str:
    """SHA-256 over address and key. One that can't be used has a fingerprint like no other's."""
    text = f"{key.address.rstrip('/')}\n{key.secret}"
    if key.problem:
        text += f"\n{key.owner}"
    return hashlib.sha256(text.encode()).hexdigest()


def environment() -> Environment:
    """The environment of the address and key in use. A sandbox takes a test key as BSG does."""
    if key_kind() == "test":
        return Environment.TEST
    return Environment.LIVE if is_real_gateway() else Environment.SANDBOX
