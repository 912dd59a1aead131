"""Web addresses in a message: what the gateway and the people who get it can reach."""

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from django.conf import settings

LOCAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "lan",
    "home",
    "intranet",
    "test",
    "example",
    "invalid",
)


def is_private(host: str) -> bool:
    """Whether nobody outside the own network reaches `host`: private addresses, localhost, names
    without a dot.
    """
    host = host.strip("[]").rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if host.replace(".", "").isdigit() or host.startswith("0x"):
        return True  # 127.1, 2130706433: browsers read them as addresses, nobody honest writes them
    return "." not in host or host.rsplit(".", 1)[1] in LOCAL_NAMES


@lru_cache(maxsize=8)
def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or (is_private(host) and host.startswith(("127.", "::1")))


def gateway_is_local() -> bool:
    """Whether messages go to a gateway on this machine, the sandbox: it reaches what others
    can't.
    """
    return _is_local(settings.BSG_API_URL)


def host_of(url: str) -> str:
    """The host that `url` names, without user, password and port; empty where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def has_credentials(url: str) -> bool:
    """Whether `url` carries a user name or a password."""
    return "@" in url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]


def punycode(host: str) -> str:
    """`host` as the network knows it: "xn--…" where it has letters outside ASCII; empty where it is
    no host.
    """
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""
