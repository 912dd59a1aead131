"""One HTTP request to an address that a user typed.

The connection goes to an IP address that was checked; the host's name is used for the header Host
and for TLS. No proxy, cookie or password of the environment is used. A timer ends the connection
at the deadline, wherever it is: the time-out of a socket applies to each read, so a server that
sends a byte now and then could keep it for ever.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

import idna
from django.utils.translation import gettext as _
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse

from campaigns.shared.web.errors import FetchError, time_is_up
from campaigns.shared.web.hosts import Internal, resolve

PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024  # below it there are services that take a request for something else
MAX_ADDRESS = 2000  # characters
CONNECT_SECONDS = 10.0
USER_AGENT = "ViberDash"
FAILURES = (HTTPError, HTTPException, OSError, ValueError)


class Target(NamedTuple):
    """An address in parts. `path` has the query string, and begins with a slash."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """The header Host."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def read_address(address: str) -> Target:
    """The parts of `address`. Raises FetchError unless it is one of http or https that may be
    requested; which IP addresses it has is checked at the connection.
    """
    if len(address) > MAX_ADDRESS or any(sign.isspace() or sign < " " for sign in address):
        raise FetchError(_("Enter an address that begins with https:// or http://."))
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        parts, port, host = SplitResult("", "", "", "", ""), None, ""
    if parts.scheme not in PORTS or not host:
        raise FetchError(_("Enter an address that begins with https:// or http://."))
    if parts.username is not None or parts.password is not None:
        raise FetchError(
            _("Addresses with a user name and password are not supported. Use a share link.")
        )
    port = PORTS[parts.scheme] if port is None else port
    if port not in PORTS.values() and port < FIRST_FREE_PORT:
        raise FetchError(_("The port %(port)d is not allowed.") % {"port": port})
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, _ascii_host(host), port, _ascii_path(path))


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host.rstrip(".")
    try:
        return idna.encode(host, uts46=True).decode().rstrip(".")
    except idna.IDNAError as error:
        raise FetchError(_("There is no host %(host)s. Check the address.") % {"host": host}) from (
            error
        )


def _ascii_path(path: str) -> str:
    """The path with percent-encoding for what is not ASCII; what is encoded already stays."""
    return "".join(
        sign if sign.isascii() else "".join(f"%{byte:02X}" for byte in sign.encode())
        for sign in path
    )


class _Connector:
    """Connects to the checked addresses of a host, and ends the connection at the deadline."""

    def __init__(self, target: Target, deadline: float, internal: Internal | None) -> None:
        self.target = target
        self.deadline = deadline
        self.internal = internal
        self.is_over = False
        self._connected: socket.socket | None = None  # a second handle, which TLS leaves alone
        self._timer: threading.Timer | None = None

    def remaining(self) -> float:
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise time_is_up()
        return seconds

    def connect(self) -> socket.socket:
        """A connected socket. Raises OSError or FetchError."""
        failure = OSError("no address")
        found = resolve(self.target.host, self.target.port, self.remaining(), self.internal)
        for family, kind, protocol, _name, sockaddr in found:
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(min(CONNECT_SECONDS, self.remaining()))
                connection.connect(sockaddr)
                connection.settimeout(self.remaining())
                self._limit(connection)
            except OSError as error:
                connection.close()
                failure = error
            except FetchError:
                connection.close()
                raise
            else:
                return connection
        raise failure

    def _limit(self, connection: socket.socket) -> None:
        self._connected = connection.dup()
        self._timer = threading.Timer(self.remaining(), self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        self.is_over = True
        with suppress(OSError):
            assert self._connected
            self._connected.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer.join()
        if self._connected:
            self._connected.close()


class _Connection(HTTPConnection):
    connector: _Connector

    def _new_conn(self) -> socket.socket:
        return self.connector.connect()


class _TlsConnection(HTTPSConnection):
    connector: _Connector

    def _new_conn(self) -> socket.socket:
        return self.connector.connect()


def _connection(target: Target) -> _Connection | _TlsConnection:
    if target.scheme == "http":
        return _Connection(target.host, target.port)
    ca_file = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    return _TlsConnection(
        target.host,
        target.port,
        cert_reqs="CERT_REQUIRED",
        ca_certs=ca_file or DEFAULT_CA_BUNDLE_PATH,
    )


class Answer:
    """Status and headers (without regard to capitals) of an answer, and its body in parts."""

    def __init__(self, response: HTTPResponse, connector: _Connector) -> None:
        self.status: int = response.status
        self.headers: Mapping[str, str] = response.headers
        self.target = connector.target
        self._response = response
        self._connector = connector

    def chunks(self, size: int) -> Iterator[bytes]:
        """The body as it is sent, at most `size` bytes at a time. Raises FetchError."""
        try:
            yield from self._response.stream(size, decode_content=False)
        except FAILURES as error:
            raise _failure(error, self._connector) from None
        if self._connector.is_over:  # a body without a length seems to end there
            raise time_is_up()


@contextmanager
def exchange(
    target: Target,
    seconds: float,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    internal: Internal | None = None,
) -> Iterator[Answer]:
    """Send one request and give its answer, whose body is to be read within the block.

    `internal`: which internal hosts are allowed; None for INTERNAL_HOSTS. Nothing is unpacked, and
    no redirect is followed. All of it, with the reading, has `seconds`. Raises FetchError.
    """
    connection = _connection(target)
    connector = _Connector(target, time.monotonic() + seconds, internal)
    connection.connector = connector
    try:
        with closing(_ask(connection, connector, method, headers or {}, body)) as response:
            yield Answer(response, connector)
    finally:
        connector.close()
        connection.close()


def _ask(
    connection: _Connection | _TlsConnection,
    connector: _Connector,
    method: str,
    headers: Mapping[str, str],
    body: bytes | None,
) -> HTTPResponse:
    target = connector.target
    sent = {"Host": target.origin, "User-Agent": USER_AGENT, **headers}
    try:
        connection.request(
            method, target.path, body, sent, preload_content=False, decode_content=False
        )
        return connection.getresponse()
    except FAILURES as error:
        raise _failure(error, connector) from None  # its traceback would show the address


def _failure(error: Exception, connector: _Connector) -> FetchError:
    names = {"host": connector.target.host}
    if connector.is_over or isinstance(error, TimeoutError):
        return time_is_up()
    if "CERTIFICATE" in str(error).upper():
        return FetchError(_("The certificate of %(host)s is not valid.") % names)
    return FetchError(_("The connection to %(host)s failed.") % names)
