"""Web addresses in a message: their hosts, and whether others can reach them."""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urlsplit

import idna

from campaigns.gateway.key_in_use import key_in_use

LABEL_MAX = 63  # characters between two dots of a host
_HOST = re.compile(r"[a-z0-9._\-\u0080-\U0010ffff]+")  # what a host may hold once it is mapped
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
    """Whether `host` cannot be reached from outside the own network.

    Private addresses, localhost, reserved domains and names without a dot.
    """
    host = host.strip("[]")
    host = (punycode(host) or host).rstrip(".").lower()
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        pass
    if host.replace(".", "").isdigit() or host.startswith("0x"):
        return True  # browsers read 127.1 and 2130706433 as addresses; only attackers write them
    return "." not in host or host.rsplit(".", 1)[1] in LOCAL_NAMES


@lru_cache(maxsize=8)
def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or (is_private(host) and host.startswith(("127.", "::1")))


def gateway_is_local() -> bool:
    """Whether the gateway runs on this machine, as the sandbox does: it reaches local addresses."""
    return _is_local(key_in_use().address)


def host_of(url: str) -> str:
    """The host of `url`, without user, password and port; "" if it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_reachable(url: str) -> bool:
    """Whether the gateway can reach `url`, as far as its host tells."""
    host = host_of(url)
    return bool(host) and (gateway_is_local() or not is_private(host))


def has_credentials(url: str) -> bool:
    """Whether `url` contains a user name or a password."""
    return "@" in url.split("://", 1)[-1].split("/", 1)[0].split("?", 1)[0].split("#", 1)[0]


@lru_cache(maxsize=256)
def punycode(host: str) -> str:
    """`host` as browsers look it up: "xn--…" by IDNA 2008 if it has letters outside ASCII.

    "" if it is not a host. Symbols, which IDNA 2008 refuses and some domains have, are encoded as
    browsers do (UTS 46, not transitional).
    """
    try:
        if host.isascii():
            return host.encode("idna").decode()
        mapped = idna.uts46_remap(host, std3_rules=False, transitional=False)
        if not _HOST.fullmatch(mapped) or ".." in mapped:
            return ""
        return ".".join(map(_ascii_label, mapped.split(".")))
    except UnicodeError:
        return ""


def _ascii_label(label: str) -> str:
    if label.isascii():
        return label.encode("idna").decode()
    try:
        return idna.alabel(label).decode()
    except idna.InvalidCodepoint:
        encoded = "xn--" + label.encode("punycode").decode()
        if len(encoded) > LABEL_MAX:
            raise
        return encoded
