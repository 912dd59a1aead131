"""A process of the web server, in which no thread waits for a client.

gunicorn starts, watches and stops the processes. In each of them waitress reads the requests and
writes the responses of all connections in one loop. A thread starts on a request when all of it has
arrived, and is free again when its response is complete, however slow the client is. Meanwhile
large requests and responses are kept in temporary files.
"""

import logging
import os
import resource
import sys
import time
from collections.abc import Iterable
from copy import copy
from types import FrameType
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

CONNECTIONS_MAX = 1_000  # further ones wait until one of these is closed
OPEN_FILES = 4_096  # a connection uses up to three: its socket, its request, its response
IDLE_S = 60  # seconds after which a connection on which nothing moves is closed
HEADERS_MAX = 32 << 10  # bytes, with the first line
BODY_OF_ANYBODY = 64 << 10  # bytes; a larger one depends on who sends it to where
BODY_MAX = 520 << 20  # bytes of any: a contact file, and the form around it
REQUEST_IN_MEMORY = 64 << 10  # bytes; a larger one is kept in a temporary file
RESPONSE_IN_MEMORY = 256 << 10
RESPONSE_MAX = 1 << 30  # bytes of a response that wait for the client; then its thread waits too
SEND_AT_ONCE = 128 << 10  # bytes; read anew at each attempt, even if the client takes fewer
# Seconds after which a busy thread lets the loop run. With Python's 0.005 the loop, which needs
# little but often, gets its turn so late that threads wait for requests.
SWITCH_INTERVAL = 0.001
TOO_LARGE_HEADERS = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
]


class Request(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """A request as it arrives; refused when its headers say, or its body shows, that it is too
    large for who sends it to where.
    """

    adj: Any

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        if self.chunked or self.content_length > BODY_OF_ANYBODY:
            from campaigns.team.pages import body_limits  # after the models

            limit = body_limits.limit(
                self.path, self.headers.get("COOKIE", ""), self.headers.get("AUTHORIZATION", "")
            )
            self.adj = copy(self.adj)
            self.adj.max_request_body_size = limit + 1  # waitress refuses from there on
            if self.content_length > limit:
                self.expect_continue = False  # nobody is asked for what is refused


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to a request that is not read: to a browser a page, if it is too large."""

    def execute(self) -> None:
        is_page = "text/html" in self.request.headers.get("ACCEPT", "")
        if is_page and isinstance(self.request.error, RequestEntityTooLarge):
            self.request.error = TooLargePage(self.request.error.body)
        super().execute()


class TooLargePage(RequestEntityTooLarge):  # type: ignore[misc]
    def to_response(self, ident: Any = None) -> tuple[str, list[tuple[str, str]], bytes]:
        from viberdash.observation.error_page import without_request  # after the settings

        body = without_request("413.html").encode()
        return f"{self.code} {self.reason}", TOO_LARGE_HEADERS, body


class Connection(HTTPChannel):  # type: ignore[misc]
    parser_class = Request
    error_task_class = Refusal

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.sendbuf_len = SEND_AT_ONCE

    def handle_expt(self) -> None:
        """Close a connection that sends urgent data. HTTP has none, and nothing would read it: the
        loop would find it again at once, for ever.
        """
        self.handle_close()


class BufferingWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """Runs until gunicorn stops it; requests that have arrived are then still answered."""

    server: Any = None

    def run(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)
        raise_open_files_limit(OPEN_FILES)
        # It would log a line for each request that waits for a thread.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self.connections: dict[int, Any] = {}
        self.server = create_server(
            without_body_for_head(self.wsgi),
            map=self.connections,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            backlog=self.cfg.backlog,
            asyncore_use_poll=True,
            connection_limit=CONNECTIONS_MAX,
            channel_timeout=IDLE_S,
            cleanup_interval=IDLE_S // 6,
            max_request_header_size=HEADERS_MAX,
            max_request_body_size=BODY_MAX,
            recv_bytes=REQUEST_IN_MEMORY,
            inbuf_overflow=REQUEST_IN_MEMORY,
            outbuf_overflow=RESPONSE_IN_MEMORY,
            outbuf_high_watermark=RESPONSE_MAX,
            clear_untrusted_proxy_headers=False,  # Django decides: BEHIND_PROXY
            ident=None,
        )
        self.server.channel_class = Connection
        while self.alive and os.getppid() == self.ppid:
            self._serve_once()
        self._finish()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.server:
            self.server.pull_trigger()  # ends the wait in _serve_once

    def _serve_once(self) -> None:
        """Read and write wherever it is possible; wait up to a second until it is."""
        self.notify()
        wasyncore.loop(timeout=1, use_poll=True, map=self.connections, count=1)

    def _finish(self) -> None:
        """Accept no more connections, and answer the requests whose headers have arrived."""
        self.server.del_channel()
        for listener in self.sockets:
            listener.close()
        deadline = time.monotonic() + self.cfg.graceful_timeout
        channels = self.server.active_channels
        while channels and time.monotonic() < deadline:
            for connection in [*channels.values()]:
                if not has_request(connection):
                    connection.close_when_flushed = True
            self._serve_once()


def has_request(connection: HTTPChannel) -> bool:
    """Whether a request is being answered, or its headers are complete and its body is arriving."""
    arriving = connection.request
    return bool(connection.requests or (arriving and arriving.headers_finished))


def without_body_for_head(application: WSGIApplication) -> WSGIApplication:
    """`application` with empty responses to HEAD. waitress would send the body that Django makes,
    and the client would take it for the next response.
    """

    def respond(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        body = application(environ, start_response)
        if environ["REQUEST_METHOD"] != "HEAD":
            return body
        if hasattr(body, "close"):
            body.close()
        return ()

    return respond


def raise_open_files_limit(wanted: int) -> None:
    """Let this process open `wanted` files, or as many as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
