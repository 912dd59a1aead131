"""Where messages go: to the real gateway with a live key, or nowhere."""

from urllib.parse import urlsplit

from django.conf import settings

REAL_GATEWAY = "bsg.world"


def is_real_gateway() -> bool:
    """Whether BSG_API_URL is the real gateway, not a sandbox."""
    host = urlsplit(settings.BSG_API_URL).hostname or ""
    return host == REAL_GATEWAY or host.endswith(f".{REAL_GATEWAY}")


def key_kind() -> str:
    """All that a page may show of the API key: "live", "test" or "other"."""
    kinds = (kind for kind in ("live", "test") if settings.BSG_API_KEY.startswith(f"{kind}_"))
    return next(kinds, "other")
