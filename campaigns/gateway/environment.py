"""Where messages go: to the real gateway with a live key, or nowhere."""

import hashlib
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

REAL_GATEWAY = "bsg.world"


class Environment(TextChoices):
    """What becomes of a message."""

    LIVE = "live", _("BSG")  # it is delivered, and costs money
    TEST = "test", _("Test key")  # nothing is sent, the gateway answers with random data
    SANDBOX = "sandbox", _("Sandbox")  # a simulated gateway keeps it


def is_real_gateway() -> bool:
    """Whether BSG_API_URL is the real gateway, not a sandbox."""
    host = urlsplit(settings.BSG_API_URL).hostname or ""
    return host == REAL_GATEWAY or host.endswith(f".{REAL_GATEWAY}")


def key_kind() -> str:
    """All that a page may show of the API key: "live", "test" or "other"."""
    kinds = (kind for kind in ("live", "test") if settings.BSG_API_KEY.startswith(f"{kind}_"))
    return next(kinds, "other")


def key_fingerprint() -> str:
    """SHA-256 over BSG_API_URL and BSG_API_KEY: tells keys apart without storing them."""
    address = settings.BSG_API_URL.rstrip("/")
    return hashlib.sha256(f"{address}\n{settings.BSG_API_KEY}".encode()).hexdigest()


def environment() -> Environment:
    """The environment of BSG_API_URL and BSG_API_KEY. A sandbox takes a test key as BSG does."""
    if key_kind() == "test":
        return Environment.TEST
    return Environment.LIVE if is_real_gateway() else Environment.SANDBOX
