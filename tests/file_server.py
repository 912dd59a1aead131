"""The fixture `file_server`: a web server on a free port whose answers a test writes."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pytest_django import Settings

Page = Callable[[BaseHTTPRequestHandler], None]


class FileServer:
    """Gives `files` (path -> content), or calls what stands in `pages` (path -> function).

    `requests` has the method and path of each request, `headers` its headers.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.pages: dict[str, Page] = {}
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.over = threading.Event()  # what drips stops when the test has ended
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                server.requests.append(f"{self.command} {self.path}")
                server.headers.append({name.lower(): value for name, value in self.headers.items()})
                self.close_connection = True
                server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                with suppress(OSError):  # the client has hung up
                    server.answer(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if page := self.pages.get(request.path):
            page(request)
        elif request.path in self.files:
            reply(request, 200, self.files[request.path])
        else:
            reply(request, 404, b"")

    def url(self, path: str, host: str = "files.test") -> str:
        return f"http://{host}:{self.port}{path}"

    def redirect(self, path: str, location: str) -> None:
        """Have `path` lead to `location`."""
        self.pages[path] = lambda request: reply(request, 302, b"", Location=location)

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


def reply(request: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    """Answer with `content`; an underscore in a header's name stands for a hyphen."""
    request.send_response(status)
    for name, value in {"Content_Length": str(len(content)), **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(content)


@pytest.fixture
def file_server(settings: Settings, resolver: "Resolver") -> Iterator[FileServer]:
    """A server that the name files.test leads to, which INTERNAL_HOSTS allows."""
    server = FileServer()
    settings.INTERNAL_HOSTS = ["files.test"]
    resolver.names["files.test"] = ["127.0.0.1"]
    yield server
    server.close()


class Resolver:
    """Answers look-ups of `names` (host -> IP addresses); the last list of several stays.

    `asked` has each host that was looked up, `given` the answers, and `connected` the address and
    port of each connection to one of them, before which `on_connect` is called.
    """

    def __init__(self) -> None:
        self.names: dict[str, list[str]] = {}
        self.later: dict[str, list[str]] = {}  # from the second look-up on
        self.asked: list[str] = []
        self.given: set[str] = set()
        self.connected: list[tuple[str, int]] = []
        self.on_connect: Callable[[], object] = lambda: None


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """The name server of this machine, as far as the socket module shows it."""
    made = Resolver()
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host not in made.names:
            return look_up(host, port, *args, **options)
        addresses = made.names[host]
        if host in made.asked and host in made.later:
            addresses = made.later[host]
        made.asked.append(host)
        made.given.update(addresses)
        return [
            found
            for address in addresses
            for found in look_up(address, port, type=socket.SOCK_STREAM)
        ]

    def connects(self: socket.socket, address: Any) -> None:
        if address[0] in made.given:
            made.connected.append(address[:2])
            made.on_connect()
        return connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", connects)
    return made
