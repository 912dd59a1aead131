"""Which hosts may be connected to: those of the Internet, and internal ones that a setting names.

The check is of the IP addresses that a name resolves to, never of the name, so `127.1`, `0x7f.1`
and names that point to 127.0.0.1 are all refused. Whoever connects has to use the addresses
returned here: a second look-up may be answered differently (DNS rebinding).
"""

import ipaddress
import socket
import threading
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns.shared.web.errors import FetchError, time_is_up

IpAddress = IPv4Address | IPv6Address
# Of clouds: they give the keys of the machine to every caller. Never allowed, not even by name.
METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",  # Amazon, Google, Azure and others
        "169.254.170.2",  # Amazon's containers
        "fd00:ec2::254",  # Amazon
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure
        "192.0.0.192",  # Oracle
    )
)
# Networks of IPv6 whose addresses stand for one of IPv4, perhaps an internal one.
TRANSLATED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated
        "64:ff9b::/96",  # NAT64
        "64:ff9b:1::/48",  # local NAT64
        "2001::/32",  # Teredo
        "2002::/16",  # 6to4
    )
)


@dataclass(frozen=True, slots=True)
class Internal:
    """Internal hosts that may be connected to, by name in small letters, and internal networks.

    `only`: no other host may be, not even one of the Internet.
    """

    hosts: Collection[str]
    networks: Collection[IPv4Network | IPv6Network] = ()
    only: bool = False

    def fits(self, host: str, address: IpAddress) -> bool:
        """Whether `host` may be connected to at `address`."""
        if host.lower() in self.hosts:
            return is_allowed_internal(address)
        is_in_network = any(address in network for network in self.networks)
        if is_in_network and is_allowed_internal(address):
            return True
        return not self.only and is_public(address)


def is_public(address: IpAddress) -> bool:
    """Whether `address` is one of the Internet: not loopback, private, link-local, multicast,
    reserved, of a cloud's metadata, or of IPv4 in the form of IPv6.
    """
    if address in METADATA or _is_translated(address):
        return False
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    is_reserved = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not is_reserved and not is_site_local


def is_allowed_internal(address: IpAddress) -> bool:
    """Whether a host that a setting names may have `address`: one of a private network or this
    machine.
    """
    if address in METADATA or address.is_link_local or address.is_multicast:
        return False
    if address.is_unspecified:
        return False
    if isinstance(address, IPv6Address) and address.is_loopback:
        return True
    return not _is_translated(address) and (
        address.is_private or address.is_loopback or is_public(address)
    )


def _is_translated(address: IpAddress) -> bool:
    return isinstance(address, IPv6Address) and any(address in network for network in TRANSLATED)


def resolve(
    host: str, port: int, seconds: float, internal: Internal | None = None
) -> list[tuple[Any, ...]]:
    """The addresses of `host` as of `socket.getaddrinfo`, each checked. Raises FetchError.

    `internal`: None for INTERNAL_HOSTS. A host with one address that is refused is refused: it
    would be a matter of chance otherwise.
    """
    found = _look_up(host, port, seconds)
    allowed = internal or Internal(settings.INTERNAL_HOSTS)
    if not all(allowed.fits(host, ipaddress.ip_address(sockaddr[0])) for *_kind, sockaddr in found):
        raise FetchError(
            _("The host %(host)s is in an internal network, which is not allowed.") % {"host": host}
        )
    return found


def _look_up(host: str, port: int, seconds: float) -> list[tuple[Any, ...]]:
    """Ask the system's resolver, which has no deadline, from a thread of its own."""
    answer: list[list[Any]] = []

    def look_up() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError):
            answer.append([])

    resolver = threading.Thread(target=look_up, name="resolver", daemon=True)
    resolver.start()
    resolver.join(max(seconds, 0))
    if not answer:
        raise time_is_up()
    if not answer[0]:
        raise FetchError(_("There is no host %(host)s. Check the address.") % {"host": host})
    return answer[0]
