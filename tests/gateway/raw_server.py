"""A server that answers byte by byte as a test tells it to, also wrongly."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.gateway.requests_made import SAMPLES

Script = Callable[[socket.socket], None]


class RawServer:
    """Runs `script` once for each connection; `requests` holds what was read by `read_request`."""

    def __init__(self, script: Script, tls: bool = False) -> None:
        self._script = script
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._tls:
            self._tls.load_cert_chain(SAMPLES / "localhost.pem")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/rest"

    def _accept(self) -> None:
        while True:
            try:
                connection, _address = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if not self._tls:
                self._script(connection)
                return
            with self._tls.wrap_socket(connection, server_side=True) as wrapped:
                self._open.append(wrapped)
                self._script(wrapped)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()


@contextmanager
def raw_server(script: Script, tls: bool = False) -> Iterator[RawServer]:
    server = RawServer(script, tls)
    try:
        yield server
    finally:
        server.close()


def read_request(connection: socket.socket) -> bytes:
    """One whole request, head and body; b"" if the caller has disconnected."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65_536)
        if not more:
            return b""
        received += more
    head, _gap, body = received.partition(b"\r\n\r\n")
    lengths = [
        int(line[15:])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < sum(lengths):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def wait_for_hang_up(connection: socket.socket) -> None:
    while connection.recv(65_536):
        pass


def drip(connection: socket.socket, data: bytes) -> None:
    """One byte at a time, each within any time-out of a read, until the caller disconnects."""
    connection.settimeout(0.02)
    for position in range(len(data)):
        connection.sendall(data[position : position + 1])
        with suppress(TimeoutError):
            if not connection.recv(65_536):
                return
