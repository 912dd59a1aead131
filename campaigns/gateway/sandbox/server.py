"""The sandbox as an HTTP server: keep-alive, a thread for each connection, one write an answer."""

import re
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from campaigns.gateway.sandbox import answers
from campaigns.gateway.sandbox.account import Account
from campaigns.gateway.sandbox.answers import Reply
from campaigns.gateway.sandbox.calls import Calls
from campaigns.gateway.sandbox.control import Control, ReceivedCall, refuse_visitor
from campaigns.gateway.sandbox.faults import Faults
from campaigns.gateway.sandbox.journal import Journal

BODY_MAX = 4 * 1024 * 1024  # bytes
DRIP = 0.2  # seconds between two bytes of an answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024
    sandbox: "Sandbox"

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(address, _Handler)
        self.stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore it: callers that break a connection are normal here."""

    def close_connections(self) -> None:
        """Close the connections that are kept alive, so that their threads end."""
        self.stopping.set()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + 2
        while self._connections and time.monotonic() < deadline:
            time.sleep(0.005)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # with it, an answer would wait 40 ms for an acknowledgement

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing: the sandbox has a page."""

    def _handle(self) -> None:
        length = self.headers.get("Content-Length", "0")
        is_acceptable = re.fullmatch("[0-9]{1,9}", length) and int(length) <= BODY_MAX
        if self.headers.get("Transfer-Encoding") or not is_acceptable:
            self.close_connection = True
            self._write(answers.http_error(400, "a Content-Length of up to 4 MB is required"))
            return
        body = self.rfile.read(int(length))
        address = urlsplit(self.path)
        if address.path.startswith("/rest/"):
            reply = self.server.sandbox.call(
                self.command, address.path[5:], address.query, self.headers, body
            )
        else:
            reply = self.server.sandbox.control_call(
                self.command, address.path, address.query, self.headers, body
            )
        self._write(reply)

    def _write(self, reply: Reply) -> None:
        if reply.manner == "none":
            self.close_connection = True
            return
        data = _head(reply, self.close_connection) + reply.body
        if reply.manner == "half":
            self.close_connection = True
            data = data[: len(data) - len(reply.body) // 2]
        if reply.manner == "drip":
            self._drip(data)
        else:
            self.wfile.write(data)

    def _drip(self, data: bytes) -> None:
        self.close_connection = True
        for position in range(len(data)):
            if self.server.stopping.wait(DRIP):
                return
            self.wfile.write(data[position : position + 1])


def _head(reply: Reply, closing: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}",
        f"Content-Type: {reply.content_type}",
        f"Content-Length: {len(reply.body)}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
        "Connection: close" if closing else "Connection: keep-alive",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Sandbox:
    """A gateway that sends nothing and charges nothing.

    - `port`: 0 for a free one.
    - `latency`: milliseconds that are added to each call.
    - `pace`: how many times as fast as the wall clock messages progress.
    - `seed`: decides what happens to each message and which calls the faults affect.
    - `journal`: a file from which a restart restores the messages.
    - `faults`: those of the start. `balance`: what the account holds, in EUR.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        latency: float = 0.0,
        pace: float = 1.0,
        seed: int = 1,
        journal: Path | None = None,
        faults: Mapping[str, object] | None = None,
        balance: Decimal = Decimal(1_000_000),
    ) -> None:
        self._host = host.lower()
        self._latency = latency / 1000
        self._journal = Journal(journal) if journal else None
        self.faults = Faults(seed, faults)
        self.account = Account(self.faults, seed, pace, self._journal, balance)
        self.calls = Calls(self.account, self.faults, pace, self._latency)
        self.control = Control(self.account, self.faults, self.calls)
        self._server = _Server((host, port))
        self._server.sandbox = self
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address of the page; the gateway's calls are under `url` + "/rest"."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def call(self, method: str, path: str, query: str, headers: Any, body: bytes) -> Reply:
        """Answer a call under /rest."""
        whole = f"{path}?{query}" if query else path
        self.control.received.append(
            ReceivedCall(time.time(), method, whole, headers.get("X-API-SOURCE", ""), body)
        )
        return self.calls.answer(
            method, path, headers.get("X-API-KEY"), body, self._server.stopping.wait, query
        )

    def control_call(self, method: str, path: str, query: str, headers: Any, body: bytes) -> Reply:
        """Answer a call of a person or a test, at any other address."""
        refusal = refuse_visitor(headers, self._host)
        return refusal or self.control.answer(method, path, query, body)

    def serve(self) -> None:
        """Answer calls until `stop` is called from another thread or a signal handler."""
        self._server.serve_forever(poll_interval=0.05)

    def start(self) -> None:
        """Answer calls from a thread of its own."""
        self._thread = threading.Thread(target=self.serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Undo `start`: when it returns, no call is being answered and the port is free."""
        if self._thread:
            self._server.shutdown()
            self._thread.join()
        self.close()

    def close(self) -> None:
        """Close all connections and the journal; to be called after `serve`."""
        self._server.close_connections()
        self._server.server_close()
        self.calls.stop()
        if self._journal:
            self._journal.close()
