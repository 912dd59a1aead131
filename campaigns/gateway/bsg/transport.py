"""HTTP for the client: pooled connections, and a deadline for the whole exchange.

The time-out of `requests` applies to each read, so a server that sends a byte now and then can
keep a call for ever. Here each wait on the socket gets the time that remains until one deadline,
which covers name resolution, connecting, TLS, writing, waiting and reading.

It also records whether a byte of the request was written, which no exception tells.
"""

import os
import socket
import threading
import time
from collections.abc import Mapping
from io import BufferedReader, RawIOBase
from typing import Any, cast

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import PoolManager, ProxyManager
from urllib3.util import Timeout

ANSWER_MAX = 48 * 1024 * 1024  # bytes; a longer answer counts as none
TOO_LONG = "the answer is too long"
# ValueError: for a host or header that `requests` refuses
LIBRARY_ERRORS = (requests.RequestException, HTTPError, OSError, ValueError)


class _Exchange(threading.local):
    """The current exchange of this thread."""

    deadline = 0.0  # on the monotonic clock
    written = False  # whether a byte of the request was written
    waits_for_body = False  # the head of the request is held back until its body comes
    head = b""

    def remaining(self) -> float:
        """The seconds until the deadline. Raises TimeoutError after it."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the call timed out")
        return seconds


_exchange = _Exchange()


class _Reader(RawIOBase):
    """The file of a socket; each read waits until the deadline at most."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_exchange.remaining())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _DeadlineSocket:
    """A connected socket, plain or TLS, that waits until the deadline of its exchange at most.

    Head and body of a request leave in one write: two writes would cost twice the system calls,
    packets and TLS records.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def sendall(self, data: Any, flags: int = 0) -> None:
        if _exchange.waits_for_body:
            _exchange.waits_for_body, _exchange.head = False, data
            return
        self._sock.settimeout(_exchange.remaining())
        _exchange.written = True
        self._sock.sendall(_exchange.head + data)
        _exchange.head = b""

    def makefile(self, *_args: Any, **_options: Any) -> BufferedReader:
        return BufferedReader(_Reader(self._sock), 16_384)  # type: ignore[type-var, unused-ignore]


def _resolve(host: str, port: int) -> list[tuple[Any, ...]]:
    """The addresses of `host`.

    The system's resolver has no deadline, so a thread of its own asks it.
    """
    answer: list[Any] = []

    def resolve() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.append(OSError(f"cannot resolve {host}: {error}"))

    resolver = threading.Thread(target=resolve, daemon=True)
    resolver.start()
    resolver.join(_exchange.remaining())
    if not answer:
        raise TimeoutError(f"resolving {host} timed out")
    if isinstance(answer[0], OSError):
        raise answer[0]
    return list(answer[0])


def _connect(host: str, port: int, timeout: float, options: Any) -> socket.socket:
    """Connect to the first address that answers, all within `timeout` seconds."""
    failure: OSError = OSError(f"{host} has no address")
    deadline = time.monotonic() + timeout
    for family, kind, protocol, _name, address in _resolve(host, port):
        seconds = min(deadline - time.monotonic(), _exchange.remaining())
        if seconds <= 0:
            raise TimeoutError(f"connecting to {host} timed out")
        sock = socket.socket(family, kind, protocol)
        try:
            for option in options or ():
                sock.setsockopt(*option)
            sock.settimeout(seconds)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failure = error
        else:
            return sock
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(
            self._dns_host, self.port or 80, float(self.timeout or 0), self.socket_options
        )

    def connect(self) -> None:
        super().connect()
        self.sock = _DeadlineSocket(self.sock)


class _TlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(
            self._dns_host, self.port or 443, float(self.timeout or 0), self.socket_options
        )

    def connect(self) -> None:
        super().connect()
        self.sock = _DeadlineSocket(self.sock)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """The adapter of `requests` with our connections."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        _use_our_connections(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **options)
        _use_our_connections(manager)
        return manager


def _use_our_connections(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class HttpAnswer:
    """A complete HTTP answer."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content = content


class NoAnswer(Exception):  # noqa: N818
    """No answer came. `written`: the gateway may have received the request or a part of it."""

    def __init__(self, why: str, written: bool) -> None:
        super().__init__(why)
        self.why = why
        self.written = written


class Transport:
    """Exchanges requests with one host, from any number of threads, also after a fork.

    It never retries, follows no redirect and keeps no cookie. `connect_timeout` and `deadline` (of
    a whole exchange) are in seconds; `connections` is how many are kept open.
    """

    def __init__(
        self, base_url: str, connect_timeout: float, deadline: float, connections: int
    ) -> None:
        self._connect_timeout = connect_timeout
        self._deadline = deadline
        self._connections = connections
        self._proxies = get_environ_proxies(base_url)
        self._verify = (
            os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        )
        self._open()

    def _open(self) -> None:
        self._adapter = _Adapter(pool_connections=4, pool_maxsize=self._connections, max_retries=0)
        self._pool: HTTPConnectionPool | None = None
        self._process = os.getpid()

    def _own_pool(self, prepared: requests.PreparedRequest) -> HTTPConnectionPool:
        """The connections of this process; two processes on one would mix up their answers.

        `requests` opens the pool, by its rules for proxies and certificates. It is used only for
        that, since it and its Response take as long as the exchange itself.
        """
        if self._process != os.getpid():
            self._open()
        pool = self._pool
        if pool is not None:
            return pool
        fresh = self._adapter.get_connection_with_tls_context(
            prepared, self._verify, proxies=self._proxies
        )
        self._adapter.cert_verify(fresh, prepared.url, self._verify, None)  # type: ignore[no-untyped-call]
        self._pool = cast(HTTPConnectionPool, fresh)
        return self._pool

    def exchange(self, prepared: requests.PreparedRequest) -> HttpAnswer:
        """Send `prepared` once and read the answer. Raises NoAnswer, at the deadline at latest."""
        _exchange.deadline = time.monotonic() + self._deadline
        _exchange.written = False
        _exchange.waits_for_body, _exchange.head = bool(prepared.body), b""
        try:
            return self._exchange_once(prepared)
        except LIBRARY_ERRORS as error:
            failure = NoAnswer(_root_cause(error), _exchange.written)
        # Raised outside of the handler: a chained traceback would show the library's frames with
        # the API key in them.
        raise failure

    def _exchange_once(self, prepared: requests.PreparedRequest) -> HttpAnswer:
        raw = self._own_pool(prepared).urlopen(
            str(prepared.method),
            self._adapter.request_url(prepared, self._proxies)
            if self._proxies
            else prepared.path_url,
            body=prepared.body,
            headers=prepared.headers,
            redirect=False,
            retries=self._adapter.max_retries,
            assert_same_host=False,
            timeout=Timeout(connect=self._connect_timeout, read=self._deadline),
            preload_content=False,
            decode_content=False,
        )
        complete = False
        try:
            content: bytes = raw.read(ANSWER_MAX + 1, decode_content=True)
            complete = len(content) <= ANSWER_MAX
        finally:
            if not complete:
                raw.close()  # half an answer is still in it
        if not complete:
            raise OSError(TOO_LONG)
        raw.release_conn()
        return HttpAnswer(raw.status, raw.headers, content)

    def close(self) -> None:
        """Close the connections that are kept open; the transport can be used again."""
        self._pool = None
        self._adapter.close()


def _root_cause(error: BaseException) -> str:
    """The innermost cause of `error`, such as "ConnectionRefusedError: [Errno 111] …"."""
    cause = error
    while True:
        inner = cause.__cause__ or cause.__context__ or _wrapped(cause)
        if inner is None or inner is cause:
            break
        cause = inner
    return f"{type(cause).__name__}: {cause}"[:255]


def _wrapped(error: BaseException) -> BaseException | None:
    """The exception among the arguments of `error`, where `requests` and urllib3 put it."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return reason
    return next((argument for argument in error.args if isinstance(argument, BaseException)), None)
