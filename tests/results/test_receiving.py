"""Reports as they come in: what is turned away before anything is spent on it, and what is kept of the rest."""

import asyncio
import io
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.gateway.delivery_reports import BODY_MAX, address
from campaigns.results import receiving, server
from campaigns.results.receiving import Inbox

Written = list[list[str]]
REFERENCE = "0123456789abcdef" * 2
REPORT = b'{"reference": "%s", "status": "read"}' % REFERENCE.encode()


@pytest.fixture
def path(settings: Settings) -> str:
    settings.PUBLIC_BASE_URL = "http://here"
    return address().removeprefix("http://here")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """What the inbox writes down at `flush`. No test here has a database."""
    found: list[list[str]] = []
    monkeypatch.setattr(receiving, "inbox", Inbox(found.append, by_itself=False))
    return found


def by_wsgi(method: str, path: str, body: bytes, length: str | None = None) -> int:
    said: list[str] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
    }  # fmt: skip
    assert server.wsgi(environ, lambda status, headers: said.append(status)) == []
    return int(said[0][:3])


def by_asgi(method: str, path: str, body: bytes, length: str | None = None) -> int:
    pieces = [{"type": "http.request", "body": body[:9], "more_body": True}, {"type": "http.request", "body": body[9:]}]
    said: list[Any] = []

    async def listen() -> Any:
        return pieces.pop(0)

    async def answer(event: Any) -> None:
        said.append(event)

    headers = [(b"content-length", (str(len(body)) if length is None else length).encode())]
    asyncio.run(server.asgi({"method": method, "path": path, "headers": headers}, listen, answer))
    return int(said[0]["status"])


@pytest.mark.parametrize("door", [by_wsgi, by_asgi])
def test_report_is_taken_in(door: Any, path: str, written: Written) -> None:
    assert door("POST", path, REPORT) == 200
    receiving.inbox.flush()
    assert written == [[REFERENCE]]


@pytest.mark.parametrize("door", [by_wsgi, by_asgi])
def test_rubbish_is_turned_away(door: Any, path: str, written: Written) -> None:
    assert door("POST", f"{path[:-1]}!", REPORT) == 404
    assert door("POST", "/delivery-reports/", REPORT) == 404
    assert door("GET", path, b"") == 405
    assert door("POST", path, REPORT, "") == 411
    assert door("POST", path, REPORT, "-1") == 411
    assert door("POST", path, REPORT, str(BODY_MAX + 1)) == 413
    assert door("POST", path, REPORT, "9" * 5000) == 413
    assert door("POST", path, b"{]") == 400
    assert door("POST", path, b'{"status": "read"}') == 400
    receiving.inbox.flush()
    assert written == []


def test_inbox_keeps_each_reference_once_and_no_more_than_it_may() -> None:
    written: Written = []
    inbox = Inbox(written.append, most=3, by_itself=False)
    inbox.put(["a", "b", "a", "c", "d", "b"])
    inbox.flush()
    inbox.put(["d"])
    inbox.flush()
    inbox.flush()
    assert written == [["a", "b", "c"], ["d"]]


def test_inbox_writes_a_bounded_number_at_a_time() -> None:
    written: Written = []
    inbox = Inbox(written.append, by_itself=False)
    inbox.put(str(number) for number in range(receiving.AT_ONCE + 5))
    inbox.flush()
    inbox.flush()
    assert [len(one) for one in written] == [receiving.AT_ONCE, 5]


def test_pages_and_reports_share_the_web_server(path: str, written: Written) -> None:
    from viberdash.wsgi import application

    said: list[str] = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": str(len(REPORT))}
    application(environ | {"wsgi.input": io.BytesIO(REPORT)}, lambda status, headers: said.append(status))
    assert said == ["200 OK"]
    receiving.inbox.flush()
    assert written == [[REFERENCE]]
