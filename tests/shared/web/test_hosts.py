"""Which IP addresses may be connected to."""

import ipaddress

import pytest
from pytest_django import Settings

from campaigns.shared.web import hosts
from campaigns.shared.web.errors import FetchError
from tests.file_server import Resolver

INTERNAL = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "100.64.0.1", "169.254.1.1", "224.0.0.1", "239.1.2.3", "240.0.0.1",
    "255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.5", "::1", "::", "fe80::1",
    "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1",
]  # fmt: skip
TRANSLATED = [
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::808:808",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2001:0:1::1", "::ffff:0:7f00:1",
]  # fmt: skip
METADATA = [
    "169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
    "192.0.0.192",
]  # fmt: skip


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert hosts.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", [*INTERNAL, *TRANSLATED, *METADATA])
def test_internal_addresses_are_not_public(text: str) -> None:
    assert not hosts.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "::1", "fd12::1"])
def test_named_hosts_may_be_in_a_private_network(text: str) -> None:
    assert hosts.is_allowed_internal(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", [*METADATA, *TRANSLATED, "169.254.1.1", "fe80::1", "0.0.0.0", "::", "224.0.0.1"]
)
def test_named_hosts_are_never_the_metadata_of_a_cloud(text: str) -> None:
    assert not hosts.is_allowed_internal(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "017700000001", "::1", "localhost"]
)
def test_forms_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(FetchError, match="is in an internal network, which is not allowed"):
        hosts.resolve(host, 80, 5)


def test_host_with_one_internal_address_is_refused(resolver: Resolver) -> None:
    resolver.names["both.test"] = ["8.8.8.8", "10.0.0.1"]
    with pytest.raises(FetchError, match=r"both\.test is in an internal network"):
        hosts.resolve("both.test", 80, 5)


def test_only_the_named_host_may_be_internal(resolver: Resolver, settings: Settings) -> None:
    settings.INTERNAL_HOSTS = ["crm.test"]
    resolver.names |= {"crm.test": ["10.0.0.5"], "other.test": ["10.0.0.5"]}
    assert hosts.resolve("crm.test", 80, 5)[0][4] == ("10.0.0.5", 80)
    with pytest.raises(FetchError, match="internal network"):
        hosts.resolve("other.test", 80, 5)


def test_host_without_an_address_is_named(resolver: Resolver) -> None:
    resolver.names["nowhere.test"] = []
    with pytest.raises(FetchError, match=r"There is no host nowhere\.test"):
        hosts.resolve("nowhere.test", 80, 5)
