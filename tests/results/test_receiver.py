"""Reports as they come in: what is turned away before anything is spent on it, and what is kept of
the rest.
"""

import asyncio
import io
import re
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.gateway.bsg.delivery_reports import BODY_MAX, callback_url
from campaigns.results.delivery_reports import receiver, server
from campaigns.results.delivery_reports.receiver import Inbox

Written = list[list[str]]
REFERENCE = "0123456789abcdef" * 2
REPORT = b'{"reference": "%s", "status": "read"}' % REFERENCE.encode()


@pytest.fixture
def path(settings: Settings) -> str:
    settings.PUBLIC_BASE_URL = "http://here"
    return callback_url().removeprefix("http://here")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Written:
    """What the inbox writes down at `flush`. No test here has a database."""
    result: list[list[str]] = []
    monkeypatch.setattr(receiver, "inbox", Inbox(result.append, by_itself=False))
    return result


def by_wsgi(method: str, path: str, body: bytes, length: str | None = None) -> int:
    values: list[str] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
    }  # fmt: skip
    assert server.wsgi(environ, lambda status, headers: values.append(status)) == []
    return int(values[0][:3])


def by_socket(method: str, path: str, body: bytes, length: str | None = None) -> int:
    told = f"Content-Length: {len(body) if length is None else length}\r\n" if length != "" else ""
    head = f"{method} {path} HTTP/1.1\r\nHost: here\r\n{told}\r\n".encode()
    [status] = over_a_socket(head[:20], head[20:] + body[:9], body[9:])
    return status


def over_a_socket(*pieces: bytes) -> list[int]:
    """The statuses of the answers to what is sent in `pieces`, by the process of its own."""

    async def talk() -> bytes:
        door = await asyncio.get_running_loop().create_server(server.Reports, "127.0.0.1", 0)
        async with door:
            reader, writer = await asyncio.open_connection(*door.sockets[0].getsockname())
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            told = await reader.read()
            writer.close()
        return told

    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", asyncio.run(talk()))]


@pytest.mark.parametrize("door", [by_wsgi, by_socket])
def test_report_is_taken_in(door: Any, path: str, written: Written) -> None:
    assert door("POST", path, REPORT) == 200
    receiver.inbox.flush()
    assert written == [[REFERENCE]]


@pytest.mark.parametrize("door", [by_wsgi, by_socket])
def test_rubbish_is_turned_away(door: Any, path: str, written: Written) -> None:
    assert door("POST", f"{path[:-1]}!", REPORT) == 404
    assert door("POST", "/delivery-reports/", REPORT) == 404
    assert door("GET", path, b"") == 405
    assert door("POST", path, REPORT, "") == 411
    # the parser of the process of its own knows no such number
    assert door("POST", path, REPORT, "-1") in (400, 411)
    assert door("POST", path, REPORT, str(BODY_MAX + 1)) == 413
    assert door("POST", path, REPORT, "9" * 5000) in (400, 413)
    assert door("POST", path, b"{]") == 400
    assert door("POST", path, b'{"status": "read"}') == 400
    receiver.inbox.flush()
    assert written == []


def test_reports_come_in_many_at_once_and_what_is_refused_does_not_end_the_connection(
    path: str, written: Written
) -> None:
    def report(where: str, body: bytes) -> bytes:
        return f"POST {where} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body

    other = REPORT.replace(b"0123", b"3210")
    stream = (
        report(path, REPORT)
        + report("/elsewhere", b"x" * 30_000)
        + report(path, b"{")
        + report(path, other)
    )
    assert over_a_socket(stream[:50], stream[50:25_000], stream[25_000:]) == [200, 404, 400, 200]
    receiver.inbox.flush()
    assert written == [[REFERENCE, other[15:47].decode()]]


class Wire(asyncio.Transport):
    """The other end of a connection whose pieces arrive one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.told = b""
        self.ended = False

    def write(self, data: Any) -> None:
        self.told += data

    def write_eof(self) -> None:
        self.ended = True


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ((b"GET\0",), b"400"),
        (
            (
                (
                    b"POST / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade:"
                    b" websocket\r\nContent-Length: 0\r\n\r\n"
                ),
            ),
            b"404",
        ),
        ((b"POST /", b"x" * 9_000, b"x" * 9_000), b"431"),
        ((b"POST / HTTP/1.1\r\n", b"A: b\r\n" * 1_500, b"A: b\r\n" * 1_500), b"431"),
    ],
)
def test_what_is_no_request_ends_its_connection(pieces: tuple[bytes, ...], status: bytes) -> None:
    async def hear() -> Wire:
        wire, reports = Wire(), server.Reports()
        reports.connection_made(wire)
        for piece in pieces:
            reports.data_received(piece)
        # nobody listens any more
        reports.data_received(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        reports.connection_lost(None)
        return wire

    wire = asyncio.run(hear())
    assert (wire.told[:12], wire.told.count(b"HTTP/1.1"), wire.ended) == (
        b"HTTP/1.1 " + status,
        1,
        True,
    )


def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "CONNECTIONS_MAX", 0)
    assert over_a_socket(b"") == [503]


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
    inbox.put(str(number) for number in range(receiver.AT_ONCE + 5))
    inbox.flush()
    inbox.flush()
    assert [len(one) for one in written] == [receiver.AT_ONCE, 5]


def test_pages_and_reports_share_the_web_server(path: str, written: Written) -> None:
    from viberdash.wsgi import application

    values: list[str] = []
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "CONTENT_LENGTH": str(len(REPORT))}
    application(
        environ | {"wsgi.input": io.BytesIO(REPORT)}, lambda status, headers: values.append(status)
    )
    assert values == ["200 OK"]
    receiver.inbox.flush()
    assert written == [[REFERENCE]]
