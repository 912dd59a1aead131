"""Delivery reports over HTTP: beside the pages in the web server, or from a process of their
own.
"""

import asyncio
import signal
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

import httptools

from campaigns.results.delivery_reports.receiver import receive, refusal

CONNECTIONS_MAX = 512  # beyond it: 503, and polling finds what was to be told
HEAD_MAX = 16_384  # bytes of a request before its body
LINGER_S = 1.0  # from the last answer to the end of a connection
IDLE_S = 30.0  # a connection that has brought no whole report for so long is closed


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One report in the web server, before Django and all its middleware."""
    length = environ.get("CONTENT_LENGTH") or ""
    status = refusal(environ["REQUEST_METHOD"], environ["PATH_INFO"], length)
    if not status:
        status = receive(environ["wsgi.input"].read(int(length)))
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
    return []


def _answer(status: int, *, last: bool = False) -> bytes:
    close = "Connection: close\r\n" if last else ""
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    return f"{head}{close}Content-Length: 0\r\n\r\n".encode()


ANSWERS = {status: _answer(status) for status in (200, 400, 404, 405)}
LAST_ANSWERS = {status: _answer(status, last=True) for status in (*ANSWERS, 411, 413, 431, 503)}
UNBOUNDED = (411, 413)  # nobody waits for the end of such a body


class Reports(asyncio.Protocol):
    """One connection of the process that takes nothing else (`manage.py reports`): requests, also
    several at once.

    What is refused by its head is not kept: its body runs through the parser and is gone.
    """

    open: set["Reports"] = set()

    def __init__(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.answers: list[bytes] = []
        self.closing = False
        self.since = asyncio.get_running_loop().time()
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if len(self.open) >= CONNECTIONS_MAX:
            self._end(503)
            self._say()
        self.open.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        self.open.discard(self)

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # whoever does not read the answers is not listened to

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        if self.closing:
            return
        self.head += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.closing = True  # it is answered, and what follows is no HTTP
        except httptools.HttpParserError:
            self._end(400)
        if self.head > HEAD_MAX:
            self._end(431)
        self._say()

    def on_message_begin(self) -> None:
        self.path, self.length, self.body = b"", b"", b""
        self.status = 0  # that it was refused with
        self.head = 0  # bytes of it that came without its head having ended

    def on_url(self, url: bytes) -> None:
        self.path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-length":
            self.length = value

    def on_headers_complete(self) -> None:
        self.head = 0
        method, path = (
            self.parser.get_method().decode("latin-1"),
            self.path.decode("latin-1").partition("?")[0],
        )
        self.status = refusal(method, path, self.length.decode("latin-1"))
        if self.status in UNBOUNDED:
            self._end(self.status)

    def on_body(self, body: bytes) -> None:
        self.head = 0
        if not self.status:
            self.body += body

    def on_message_complete(self) -> None:
        if self.closing:
            return
        self.since = asyncio.get_running_loop().time()
        status = self.status or receive(self.body)
        if self.parser.should_keep_alive():
            self.answers.append(ANSWERS[status])
        else:
            self._end(status)

    def _end(self, status: int) -> None:
        """Answer for the last time, and read no further."""
        if not self.closing:
            self.closing = True
            self.answers.append(LAST_ANSWERS[status])

    def _say(self) -> None:
        if self.answers:
            self.transport.write(b"".join(self.answers))
            self.answers.clear()
        if self.closing:
            # and not close yet: what still comes would make the answer undone
            self.transport.write_eof()
            asyncio.get_running_loop().call_later(LINGER_S, self.transport.abort)


async def serve(host: str, port: int) -> None:
    """Take reports in at `host` and `port` until this process is told to end."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with await loop.create_server(Reports, host, port):
        while not ended.is_set():
            for one in [one for one in Reports.open if loop.time() - one.since > IDLE_S]:
                one.transport.abort()
            try:
                await asyncio.wait_for(ended.wait(), IDLE_S / 10)
            except TimeoutError:
                continue
        for one in list(Reports.open):
            one.transport.abort()
