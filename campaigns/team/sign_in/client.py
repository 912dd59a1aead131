"""Where a request comes from: the client's address, and whether its device signed in before."""

import ipaddress
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

SALT = "device"
COOKIE_AGE = 180 * 24 * 3600  # seconds
ACCOUNTS = 5  # that one device remembers
IPV6_NETWORK = 64  # bits: what one client usually has


def client_address(request: HttpRequest) -> str:
    """The address of the client: see `address_of`."""
    return address_of(request.META)


def address_of(environ: Mapping[str, Any]) -> str:
    """The address of the client of a request with this WSGI environment, as the outermost of
    PROXY_COUNT proxies saw it.

    What stands before it in X-Forwarded-For the client may have written itself. Fewer entries than
    proxies did not come through all of them: then the address of the connection counts.
    """
    entries = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    count = settings.PROXY_COUNT
    if 0 < count <= len(entries):
        try:
            return str(ipaddress.ip_address(entries[-count].strip()))
        except ValueError:
            pass
    return str(environ.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - of a Unix socket


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, IPV6_NETWORK), strict=False))


def known_device(request: HttpRequest, account: str) -> str:
    """The id of the device, if `account` signed in on it before; else ""."""
    device, accounts = _read(request)
    return device if account in accounts else ""


def remember_device(request: HttpRequest, response: HttpResponseBase, account: str) -> None:
    """Have `response` tell the device that `account` signed in on it."""
    device, accounts = _read(request)
    kept = [account, *(other for other in accounts if other != account)][:ACCOUNTS]
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps([device or secrets.token_hex(8), kept], salt=SALT),
        max_age=COOKIE_AGE,
        httponly=True,
        secure=settings.HTTPS_ONLY,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, Iterable[str]]:
    try:
        device, accounts = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=SALT, max_age=COOKIE_AGE
        )
    except (signing.BadSignature, ValueError):
        return "", []
    return device, accounts
