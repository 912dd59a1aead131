"""Reports as they come in: what is turned away before anything is spent on it, and what is kept of
the rest.
"""

import io
from typing import Any

import pytest
from pytest_django import Settings

from campaigns.gateway.bsg.delivery_reports import BODY_MAX, callback_url
from campaigns.results.delivery_reports import receiver
from campaigns.results.delivery_reports.receiver import Inbox
from viberdash.wsgi import application

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
    monkeypatch.setattr(receiver, "inbox", Inbox(result.append, threaded=False))
    return result


def status_of(method: str, path: str, body: bytes, length: str | None = None) -> int:
    """The status with which the web server's application responds; the body must be empty."""
    statuses: list[str] = []
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)) if length is None else length,
    }  # fmt: skip

    def start_response(status: str, *_headers: Any) -> Any:
        statuses.append(status)

    assert application(environ, start_response) == []
    return int(statuses[0][:3])


def test_report_is_accepted(path: str, written: Written) -> None:
    assert status_of("POST", path, REPORT) == 200
    receiver.inbox.flush()
    assert written == [[REFERENCE]]


def test_request_that_is_no_report_is_refused(path: str, written: Written) -> None:
    assert status_of("POST", f"{path[:-1]}!", REPORT) == 404
    assert status_of("POST", "/delivery-reports/", REPORT) == 404
    assert status_of("GET", path, b"") == 405
    assert status_of("POST", path, REPORT, "") == 411
    assert status_of("POST", path, REPORT, "-1") == 411
    assert status_of("POST", path, REPORT, str(BODY_MAX + 1)) == 413
    assert status_of("POST", path, REPORT, "9" * 5000) == 413
    assert status_of("POST", path, b"{]") == 400
    assert status_of("POST", path, b'{"status": "read"}') == 400
    receiver.inbox.flush()
    assert written == []


def test_inbox_keeps_each_reference_once_and_no_more_than_it_may() -> None:
    written: Written = []
    inbox = Inbox(written.append, most=3, threaded=False)
    inbox.put(["a", "b", "a", "c", "d", "b"])
    inbox.flush()
    inbox.put(["d"])
    inbox.flush()
    inbox.flush()
    assert written == [["a", "b", "c"], ["d"]]


def test_inbox_writes_a_bounded_number_at_a_time() -> None:
    written: Written = []
    inbox = Inbox(written.append, threaded=False)
    inbox.put(str(number) for number in range(receiver.AT_ONCE + 5))
    inbox.flush()
    inbox.flush()
    assert [len(one) for one in written] == [receiver.AT_ONCE, 5]
