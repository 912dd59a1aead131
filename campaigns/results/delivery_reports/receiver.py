"""Delivery reports as they come in: turned away cheaply, gathered, and stored once a second.

A report costs no session, no sign-in and no database: what is not at the secret address, too long
or unreadable is answered at once, and of the rest the references are kept in memory, each once, up
to a limit. Whatever is lost on the way is found by polling.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIEnvironment

from django.db import DatabaseError, close_old_connections

from campaigns.gateway.bsg import delivery_reports
from campaigns.results.tasks import note

WAITING_MAX = 20_000  # references in memory; beyond it reports are answered and dropped
EVERY = 1.0  # seconds between two inserts
AT_ONCE = 2_000  # references in one of them

logger = logging.getLogger(__name__)


class Inbox:
    """References waiting to be stored by `keep`: each second, in a thread of its own, or without
    `threaded` by calls of `flush`.

    Safe for many threads.
    """

    def __init__(
        self, keep: Callable[[list[str]], None], most: int = WAITING_MAX, *, threaded: bool = True
    ) -> None:
        self._threaded = threaded
        self._keep = keep
        self._most = most
        self._waiting: dict[str, None] = {}
        self._lock = threading.Lock()
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, references: Iterable[str]) -> None:
        """Take `references` in, each once, as far as there is room."""
        with self._lock:
            for reference in references:
                if len(self._waiting) < self._most:
                    self._waiting[reference] = None
            # not before: a server forks after it was loaded
            if self._threaded and self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="delivery reports", daemon=True
                )
                self._thread.start()
        self._arrived.set()

    def flush(self) -> None:
        """Store the oldest of the waiting references."""
        with self._lock:
            taken = list(self._waiting)[:AT_ONCE]
            for reference in taken:
                del self._waiting[reference]
            if not self._waiting:
                self._arrived.clear()
        if taken:
            self._keep(taken)

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            time.sleep(EVERY)
            close_old_connections()
            try:
                self.flush()
            except DatabaseError as error:
                logger.warning("Delivery reports could not be stored: %s", type(error).__name__)
            finally:
                close_old_connections()


inbox = Inbox(note)


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request below delivery_reports.PATH, without Django and its middleware (WSGI)."""
    length = environ.get("CONTENT_LENGTH") or ""
    status = refusal(environ["REQUEST_METHOD"], environ["PATH_INFO"], length)
    if not status:
        status = receive(environ["wsgi.input"].read(int(length)))
    start_response(f"{status} {HTTPStatus(status).phrase}", [("Content-Length", "0")])
    return []


def refusal(method: str, path: str, length: str) -> int:
    """The HTTP status that turns a report away before its body is read; 0: read it."""
    if not delivery_reports.is_ours(path):
        return 404
    if method not in ("POST", "PUT"):
        return 405
    if not (length.isdecimal() and length.isascii()):
        return 411
    return 413 if len(length) > 9 or int(length) > delivery_reports.BODY_MAX else 0


def receive(body: bytes) -> int:
    """Take in the body of a report that was not turned away. The HTTP status to answer."""
    references = delivery_reports.references(body)
    if not references:
        return 400
    inbox.put(references)
    return 200
