"""The web server as an installation starts it: stalled clients, large bodies, limits, shutdown."""

import hashlib
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path

import pytest
from django.conf import settings

from campaigns.compose.message.pictures import UPLOAD_MAX
from campaigns.contacts.importing.file_types import MAX_BYTES
from campaigns.gateway.bsg import delivery_reports
from campaigns.team.pages import body_limits
from tests.project import web_application
from viberdash import web_worker

pytestmark = pytest.mark.processes

WORKERS, THREADS = 2, 2
STALLED = WORKERS * THREADS + 50
TIMEOUT = 20.0  # seconds without a response after which a test fails
EDITOR, USER = (f"body={body_limits.cookie_of(is_editor)}" for is_editor in (True, False))
Stall = Callable[[int], socket.socket]


@contextmanager
def running(folder: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port and the process of a web server with the product's configuration."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {
        "PORT": str(port), "WEB_WORKERS": str(WORKERS), "WEB_THREADS": str(THREADS),
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    command = ["gunicorn", "--config", "viberdash/gunicorn.py", "tests.project.web_application"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=settings.BASE_DIR, env=os.environ | variables,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert "ViberDash is ready" in process.stdout.readline()
        yield port, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with running(tmp_path_factory.mktemp("web")) as (port, _process):
        yield port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)


def request(
    port: int, method: str, path: str, body: bytes | Iterator[bytes] = b"", **headers: str
) -> tuple[int, bytes]:
    """Status and body of the response on a new connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body or None, named)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def incomplete_headers(port: int) -> socket.socket:
    client = connect(port)
    client.sendall(b"GET /sign-in/ HTTP/1.1\r\nHost: localhost\r\nX-Ha")
    return client


def closes(client: socket.socket) -> bool:
    """Whether the server closes the connection without a response."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def slow_body(port: int) -> socket.socket:
    client = connect(port)
    client.sendall(b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\nx")
    return client


def unread_response(port: int) -> socket.socket:
    client = socket.socket()
    client.settimeout(TIMEOUT)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /test/large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert client.recv(1) == b"H"  # the response has begun
    return client


@pytest.mark.parametrize("stall", [incomplete_headers, slow_body, unread_response])
def test_pages_respond_while_clients_stall(port: int, stall: Stall) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(stall(port)) for _ in range(STALLED)]
        assert request(port, "GET", "/healthz") == (200, b"ok\n")
        for client in clients:
            if stall is slow_body:
                client.sendall(b"x")
        assert request(port, "GET", "/campaigns/")[0] == 302  # to sign in
        assert request(port, "GET", "/healthz") == (200, b"ok\n")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("size", [1_000, web_worker.REQUEST_IN_MEMORY * 50 + 1])
def test_body_arrives_complete_and_a_large_one_in_a_file(
    port: int, size: int, chunked: bool
) -> None:
    body = bytes(range(251)) * (size // 251 + 1)
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    sent = pieces if chunked else body
    status, content = request(port, "POST", "/contacts/import", sent, Cookie=EDITOR)
    assert status == 200
    assert json.loads(content) == {
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
        "in_memory": size < web_worker.REQUEST_IN_MEMORY,
        "scheme": None,
    }


def test_large_response_arrives_complete(port: int) -> None:
    status, content = request(port, "GET", "/test/large")
    assert (status, len(content)) == (200, web_application.LARGE)


def test_scheme_of_the_proxy_reaches_django(port: int) -> None:
    status, content = request(port, "GET", "/test/received", X_Forwarded_Proto="https")
    assert (status, json.loads(content)["scheme"]) == (200, "https")


def test_response_to_head_has_no_body(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    connection.request("HEAD", "/healthz")
    head = connection.getresponse()
    assert (head.status, head.headers["Content-Length"], head.read()) == (200, "3", b"")
    used = connection.sock
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok\n"
    assert connection.sock is used
    connection.close()


def status_of_headers(port: int, path: str, *headers: str) -> int:
    """The status of a POST of whose body nothing is sent; 0 where the server waits for it."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Expect: 100-continue", *headers, "", ""]
    with connect(port) as client:
        client.sendall("\r\n".join(lines).encode())
        status = int(client.recv(12)[9:])
    return 0 if status == HTTPStatus.CONTINUE else status


def test_headers_above_the_limit_are_refused(port: int) -> None:
    assert status_of_headers(port, "/sign-in/", f"X-Long: {'x' * web_worker.HEADERS_MAX}") == 431


@pytest.mark.parametrize(
    ("path", "cookie", "limit"),
    [
        ("/contacts/import", "", body_limits.ANONYMOUS),
        ("/contacts/import", "Cookie: body=editor", body_limits.ANONYMOUS),
        ("/contacts/import", f"Cookie: {USER}", body_limits.FORM),
        ("/contacts/import", f"Cookie: {EDITOR}", body_limits.FILE),
        ("/contacts/stop-list/", f"Cookie: {EDITOR}", body_limits.FILE),
        ("/campaigns/pictures/add", f"Cookie: {EDITOR}", body_limits.IMAGE),
        ("/campaigns/7/autosave", f"Cookie: a=b; {EDITOR}", body_limits.IMAGE),
        ("/contacts/", f"Cookie: {EDITOR}", body_limits.FORM),
        ("/nowhere", f"Cookie: {EDITOR}", body_limits.ANONYMOUS),
        (delivery_reports.PATH, "", body_limits.ANONYMOUS),
    ],
    ids=itertools.count(),  # the cookies are signed with the time
)
def test_body_above_the_limit_is_refused_before_it_is_sent(
    port: int, path: str, cookie: str, limit: int
) -> None:
    headers = [cookie] if cookie else []
    assert status_of_headers(port, path, f"Content-Length: {limit}", *headers) == 0
    assert status_of_headers(port, path, f"Content-Length: {limit + 1}", *headers) == 413


def test_body_of_unknown_length_is_cut_off_at_the_limit(port: int) -> None:
    pieces = (b"x" * 1_000 for _piece in range(body_limits.ANONYMOUS // 1_000 + 1))
    assert request(port, "POST", "/sign-in/", pieces)[0] == 413


def test_browser_is_told_in_a_page_that_it_is_too_large(port: int) -> None:
    body = b"x" * (body_limits.ANONYMOUS + 1)
    status, page = request(port, "POST", "/sign-in/", iter([body]), Accept="text/html,*/*")
    assert status == 413
    assert b"<h1>Too large</h1>" in page
    assert b"waitress" not in page
    assert request(port, "POST", "/sign-in/", iter([body]))[1].startswith(b"Request Entity Too Lar")


def test_limits_of_the_web_server_are_those_of_the_pages() -> None:
    assert web_worker.BODY_OF_ANYBODY == body_limits.ANONYMOUS
    assert web_worker.BODY_MAX == body_limits.FILE > MAX_BYTES
    assert body_limits.IMAGE > UPLOAD_MAX


def test_urgent_data_closes_the_connection(port: int) -> None:
    with incomplete_headers(port) as client:
        client.send(b"!", socket.MSG_OOB)
        assert closes(client)


def test_server_answers_requests_before_it_stops(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    responses: list[tuple[int, bytes]] = []
    with running(tmp_path) as (port, process):
        waiting = threading.Thread(
            target=lambda: responses.append(request(port, "GET", f"/test/blocked?{fifo}"))
        )
        waiting.start()
        # Opening waits until the application reads.
        with open(fifo, "wb") as writer, incomplete_headers(port) as stalled:
            process.send_signal(signal.SIGTERM)
            assert closes(stalled)
            writer.write(b"done")
        waiting.join(TIMEOUT)
        assert responses == [(200, b"done")]
        assert process.wait(TIMEOUT) == 0
        with pytest.raises(ConnectionRefusedError):
            connect(port)
