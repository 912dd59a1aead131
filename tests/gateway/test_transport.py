"""Deadline, written bytes, connections, and an API key that shows nowhere."""

import logging
import os
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from campaigns.gateway.bsg.client import Client, client_in_use
from campaigns.gateway.errors import (
    GatewayError,
    GatewayRefused,
    GatewayUnreachable,
    GatewayUnreadable,
)
from campaigns.gateway.types import Accepted, Refusal, SendAnswer, Unknown
from tests.gateway.raw_server import answer, drip, raw_server, read_request, wait_for_hang_up
from tests.gateway.requests_made import SAMPLES, sample, text_request, to_references

KEY = "live_5f1d0c9b8a7e"
REQUEST = to_references("ext19", "ext20")
ANSWER_A = answer(sample("answer_a.json"))
FOREVER = answer(b" " * 100_000)

Clients = Callable[..., Client]


@pytest.fixture
def make_client() -> Iterator[Clients]:
    made: list[Client] = []

    def make(url: str, **options: float) -> Client:
        made.append(Client(url, KEY, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        client.close()


def assert_unknown(read: SendAnswer, *, not_sent: bool) -> None:
    assert read.verdicts.keys() == {"ext19", "ext20"}
    assert all(isinstance(verdict, Unknown) for verdict in read.verdicts.values())
    assert (read.not_sent, read.refused_whole, read.throttled) == (not_sent, None, False)


def answering(*answers: bytes) -> Callable[[socket.socket], None]:
    def script(connection: socket.socket) -> None:
        for answer_part in answers:
            if not read_request(connection):
                return
            connection.sendall(answer_part)
        wait_for_hang_up(connection)

    return script


def test_send_writes_head_and_body_as_documented(make_client: Clients) -> None:
    requests_seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests_seen.append(read_request(connection))
        connection.sendall(ANSWER_A)

    with raw_server(script) as server:
        make_client(server.url).send(text_request())
    head, _gap, body = requests_seen[0].partition(b"\r\n\r\n")
    assert body == sample("request_text.json")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /rest/viber/create HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        [
            f"Host: 127.0.0.1:{server.port}",
            "Accept-Encoding: identity",
            f"X-API-KEY: {KEY}",
            "X-API-SOURCE: ViberDash",
            "User-Agent: ViberDash",
            "Accept: application/json",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
    )


def test_send_keeps_its_connection(make_client: Clients) -> None:
    with raw_server(answering(*[ANSWER_A] * 5)) as server:
        client = make_client(server.url)
        for _ in range(5):
            assert client.send(REQUEST).verdicts["ext19"] == Accepted("217", Decimal("0.23"), "EUR")
        client.close()
    assert server.connections == 1


def test_send_reads_a_chunked_answer(make_client: Clients) -> None:
    body = sample("answer_a.json")
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(body[i : i + 10]), body[i : i + 10]) for i in range(0, len(body), 10)
    )
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with raw_server(answering(head + chunks + b"0\r\n\r\n")) as server:
        assert make_client(server.url).send(REQUEST).verdicts["ext20"] == Refusal(
            43, "External ID already exists"
        )


def test_send_to_a_closed_port_was_not_sent(make_client: Clients) -> None:
    with raw_server(lambda connection: None) as server:
        pass
    read = make_client(server.url).send(REQUEST)
    assert_unknown(read, not_sent=True)
    assert "refused" in str(read.verdicts["ext19"])


def test_send_to_an_unknown_name_was_not_sent(make_client: Clients) -> None:
    assert_unknown(make_client("http://gateway.invalid/rest").send(REQUEST), not_sent=True)


def test_send_to_a_name_that_is_never_resolved_was_not_sent(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: answered.wait(30) and [])
    read = make_client("http://gateway.example/rest", deadline=0.2).send(REQUEST)
    answered.set()
    assert_unknown(read, not_sent=True)


def test_send_to_a_host_that_does_not_take_the_connection_was_not_sent(
    make_client: Clients,
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        queue = [socket.socket() for _ in range(4)]
        for waiting in queue:  # the queue of connections not yet taken is full from here on
            waiting.setblocking(False)
            waiting.connect_ex(address)
        read = make_client(f"http://127.0.0.1:{address[1]}/rest", connect_timeout=0.2).send(REQUEST)
        for waiting in queue:
            waiting.close()
    assert_unknown(read, not_sent=True)


def test_send_that_was_read_and_not_answered_is_unknown(make_client: Clients) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)

    with raw_server(script) as server:
        assert_unknown(make_client(server.url).send(REQUEST), not_sent=False)


def test_send_that_was_reset_is_unknown(make_client: Clients) -> None:
    def script(connection: socket.socket) -> None:
        connection.recv(10)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with raw_server(script) as server:
        assert_unknown(make_client(server.url).send(REQUEST), not_sent=False)


def test_send_on_a_connection_closed_under_it_is_unknown_and_is_not_repeated(
    make_client: Clients,
) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(ANSWER_A)
        connection.recv(1)

    with raw_server(script) as server:
        client = make_client(server.url)
        assert isinstance(client.send(REQUEST).verdicts["ext19"], Accepted)
        assert_unknown(client.send(REQUEST), not_sent=False)
        assert server.connections == 1


def test_send_opens_a_new_connection_when_the_old_one_is_known_to_be_closed(
    make_client: Clients,
) -> None:
    closed = threading.Semaphore(0)

    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(ANSWER_A)
        connection.shutdown(socket.SHUT_WR)
        closed.release()
        wait_for_hang_up(connection)

    with raw_server(script) as server:
        client = make_client(server.url)
        for _ in range(2):
            assert isinstance(client.send(REQUEST).verdicts["ext19"], Accepted)
            closed.acquire()
        assert server.connections == 2


def test_send_with_half_an_answer_is_unknown(make_client: Clients) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(ANSWER_A[:-20])

    with raw_server(script) as server:
        assert_unknown(make_client(server.url).send(REQUEST), not_sent=False)


@pytest.mark.parametrize(
    "data",
    [FOREVER, b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 60_000, b"HTTP/1.1 100 Continue\r\n\r\n" * 9999],
)
@pytest.mark.parametrize("tls", [False, True])
def test_send_ends_at_its_deadline_however_slowly_bytes_drip(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch, data: bytes, tls: bool
) -> None:
    """The server would go on for minutes; without a total deadline, so would this test."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SAMPLES / "localhost.pem"))

    def script(connection: socket.socket) -> None:
        read_request(connection)
        drip(connection, data)

    with raw_server(script, tls) as server:
        read = make_client(server.url, deadline=0.3).send(REQUEST)
    assert_unknown(read, not_sent=False)
    assert "Timeout" in str(read.verdicts["ext19"])


def test_send_ends_at_its_deadline_if_the_server_does_not_read(make_client: Clients) -> None:
    taken = threading.Event()

    def script(connection: socket.socket) -> None:
        taken.wait(30)

    with raw_server(script) as server:
        huge = text_request(*((f"38097{k:07d}", f"{k:032d}") for k in range(200_000)))
        read = make_client(server.url, deadline=0.3).send(huge)
        taken.set()
    assert read.not_sent is False
    assert set(map(type, read.verdicts.values())) == {Unknown}


def test_send_speaks_tls_and_keeps_the_connection(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SAMPLES / "localhost.pem"))
    with raw_server(answering(ANSWER_A, ANSWER_A), tls=True) as server:
        client = make_client(server.url)
        for _ in range(2):
            assert isinstance(client.send(REQUEST).verdicts["ext19"], Accepted)
        client.close()
    assert server.connections == 1


def test_send_to_a_wrong_certificate_was_not_sent(make_client: Clients) -> None:
    with raw_server(answering(ANSWER_A), tls=True) as server:
        assert_unknown(make_client(server.url).send(REQUEST), not_sent=True)


def test_send_follows_no_redirect(make_client: Clients) -> None:
    with raw_server(answering(ANSWER_A)) as other:
        redirect = answer(
            b"", f"Location: {other.url}/viber/create", status="307 Temporary Redirect"
        )
        with raw_server(answering(redirect)) as server:
            read = make_client(server.url).send(REQUEST)
        assert other.connections == 0
    assert_unknown(read, not_sent=False)
    assert read.verdicts["ext19"] == Unknown("HTTP 307")


def test_send_reads_retry_after(make_client: Clients) -> None:
    busy = answer(b"", "Retry-After: 2", status="429 Too Many Requests")
    with raw_server(answering(busy)) as server:
        read = make_client(server.url).send(REQUEST)
    assert (read.throttled, read.retry_after, read.http_status) == (True, 2.0, 429)


def test_send_truncates_its_evidence(make_client: Clients) -> None:
    with raw_server(answering(answer(b"x" * 100_000))) as server:
        assert make_client(server.url).send(REQUEST).body == "x" * 16_384


def test_send_of_an_answer_without_end_is_unknown(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("campaigns.gateway.bsg.transport.ANSWER_MAX", 1000)
    with raw_server(answering(FOREVER)) as server:
        assert_unknown(make_client(server.url).send(REQUEST), not_sent=False)


@pytest.mark.parametrize("references", [("a", "a"), ("a", "")])
def test_send_refuses_recipients_without_unique_references(
    make_client: Clients, references: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match="reference of its own"):
        make_client("http://127.0.0.1:1").send(to_references(*references))


def test_other_calls_raise_errors(make_client: Clients) -> None:
    with raw_server(
        answering(answer(b"{}", status="503 X"), answer(b"<html>"), answer(sample("answer_c.json")))
    ) as server:
        client = make_client(server.url)
        with pytest.raises(GatewayUnreachable, match="HTTP 503"):
            client.balance()
        with pytest.raises(GatewayUnreadable) as unreadable:
            client.balance()
        assert (unreadable.value.http_status, unreadable.value.body) == (200, "<html>")
        with pytest.raises(GatewayRefused, match="error 48: Invalid validity period"):
            client.balance()
    with pytest.raises(GatewayUnreachable, match="refused"):
        client.balance()


def test_status_of_another_message_is_unreadable(make_client: Clients) -> None:
    status = answer(sample("status.json"))
    with raw_server(answering(*[status] * 4)) as server:
        client = make_client(server.url)
        assert client.status_by_reference("ext19") == client.status_by_id("470093225")
        with pytest.raises(GatewayUnreadable):
            client.status_by_reference("ext20")
        with pytest.raises(GatewayUnreadable):
            client.status_by_id("470093226")


BARE_STATUS = b'{"error": 0, "status": "READ", "price": "0.1", "currency": "EUR"%s}'


@pytest.mark.parametrize(
    ("fields", "gateway_id"),
    [
        (b"", ""),
        (b', "id": 380972920000', ""),
        (b', "id": "7", "msisdn": 380972920000, "reference": "ext19"', "7"),
        (b', "id": "380972920000", "msisdn": "+380972920000"', ""),
    ],
)
def test_status_by_reference_needs_no_id(
    make_client: Clients, fields: bytes, gateway_id: str
) -> None:
    with raw_server(answering(answer(BARE_STATUS % fields))) as server:
        status = make_client(server.url).status_by_reference("ext19", "380972920000")
    assert status
    assert (status.gateway_id, status.status, status.price) == (gateway_id, "read", Decimal("0.1"))
    assert (status.rounded, status.body) == (False, "")


def test_status_by_id_keeps_the_id_that_was_asked_for(make_client: Clients) -> None:
    with raw_server(answering(answer(BARE_STATUS % b""))) as server:
        status = make_client(server.url).status_by_id("470093225")
    assert status
    assert status.gateway_id == "470093225"


@pytest.mark.parametrize(
    "fields", [b', "reference": "ext20"', b', "msisdn": "380972920001"', b', "msisdn": 7']
)
def test_status_that_names_another_message_is_unreadable(
    make_client: Clients, fields: bytes
) -> None:
    body = BARE_STATUS % fields
    with (
        raw_server(answering(answer(body))) as server,
        pytest.raises(GatewayUnreadable, match="about another message") as unreadable,
    ):
        make_client(server.url).status_by_reference("ext19", "380972920000")
    assert (unreadable.value.http_status, unreadable.value.body) == (200, body.decode())


def test_status_keeps_the_answer_whose_noise_was_rounded_away(make_client: Clients) -> None:
    noisy = b'{"error": 0, "status": "read", "price": 0.06899999999999999, "currency": "EUR"}'
    with raw_server(answering(answer(noisy))) as server:
        status = make_client(server.url).status_by_reference("ext19")
    assert status
    assert (status.price, status.rounded) == (Decimal("0.069"), True)
    assert status.body.encode() == noisy


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("400 Bad Request", 7),
        ("401 Unauthorized", 1),
        ("403 Forbidden", 1),
        ("404 Not Found", 4),
        ("405 Method Not Allowed", 4),
        ("422 Unprocessable Content", 7),
    ],
)
def test_an_http_error_with_a_page_means_that_nothing_was_sent(
    make_client: Clients, line: str, code: int
) -> None:
    page = answer(sample("answer_502.html"), status=line)
    with raw_server(answering(page, page)) as server:
        client = make_client(server.url)
        read = client.send(REQUEST)
        with pytest.raises(GatewayRefused, match=f"error {code}: HTTP {line[:3]}"):
            client.status_by_reference("ext19")
    refusal = Refusal(code, f"HTTP {line[:3]}")
    assert (read.verdicts, read.refused_whole) == ({"ext19": refusal, "ext20": refusal}, refusal)


def test_status_quotes_the_path(make_client: Clients) -> None:
    requests_seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests_seen.append(read_request(connection))
        connection.sendall(answer(sample("status_not_found.json")))

    with raw_server(script) as server:
        assert make_client(server.url).status_by_reference("../a b?c") is None
    assert requests_seen[0].startswith(b"GET /rest/viber/reference/..%2Fa%20b%3Fc HTTP/1.1\r\n")


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_does_not_share_connections(make_client: Clients) -> None:
    with raw_server(answering(ANSWER_A, ANSWER_A)) as server:
        client = make_client(server.url)
        client.send(REQUEST)
        child = os.fork()
        if child == 0:
            os._exit(0 if isinstance(client.send(REQUEST).verdicts["ext19"], Accepted) else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert isinstance(client.send(REQUEST).verdicts["ext19"], Accepted)
        client.close()
        assert server.connections == 2


def test_the_key_is_in_no_answer(make_client: Clients) -> None:
    body = b'{"error": 1, "errorDescription": "no such key: %s"}' % KEY.encode()
    with raw_server(answering(answer(body), answer(body))) as server:
        client = make_client(server.url)
        read = client.send(REQUEST)
        with pytest.raises(GatewayRefused) as refused:
            client.balance()
    assert read.refused_whole == Refusal(1, "no such key: [key]")
    assert KEY not in repr(read)
    assert KEY not in repr(vars(refused.value)) + str(refused.value)


def test_the_key_is_in_no_log_and_no_traceback(
    make_client: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(ANSWER_A)
        read_request(connection)

    caplog.set_level(logging.DEBUG)
    with raw_server(script) as server:
        client = make_client(server.url)
        client.send(REQUEST)
        with pytest.raises(GatewayError) as raised:
            client.balance()
    shown = "".join(
        traceback.TracebackException.from_exception(raised.value, capture_locals=True).format()
    )
    assert "RemoteDisconnected" in shown
    assert KEY not in shown
    assert "/rest/viber/create" in caplog.text
    assert KEY not in caplog.text


def test_the_key_is_not_shown_by_the_client(make_client: Clients) -> None:
    client = make_client("http://127.0.0.1:1/rest")
    assert repr(client) == "<Client http://127.0.0.1:1/rest>"
    assert KEY not in repr(vars(client))
    with pytest.raises(TypeError, match="key"):
        client.__reduce__()


@pytest.mark.parametrize("key", ["", "  ", "live\nx", "live x", "ключ"])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ValueError, match="key") as refused:
        Client("http://127.0.0.1:1", key)
    assert not key.strip() or key not in str(refused.value)


def test_client_in_use_is_one_for_the_process(settings: object) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = "http://127.0.0.1:1/rest", KEY  # type: ignore[attr-defined]
    client = client_in_use()
    assert client is client_in_use()
    assert client.base_url == "http://127.0.0.1:1/rest"


def test_a_proxy_of_the_environment_is_used(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests_seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests_seen.append(read_request(connection))
        connection.sendall(ANSWER_A)

    with raw_server(script) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        client = make_client("http://gateway.example/rest")
        assert isinstance(client.send(REQUEST).verdicts["ext19"], Accepted)
        client.close()
    assert requests_seen[0].startswith(
        b"POST http://gateway.example/rest/viber/create HTTP/1.1\r\n"
    )
    assert_unknown(client.send(REQUEST), not_sent=True)


def test_a_proxy_is_asked_for_a_tunnel_and_never_sees_the_key(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests_seen: list[bytes] = []

    def script(connection: socket.socket) -> None:
        requests_seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(SAMPLES / "localhost.pem")
        with context.wrap_socket(connection, server_side=True) as inside:
            requests_seen.append(read_request(inside))
            drip(inside, FOREVER)

    with raw_server(script) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SAMPLES / "localhost.pem"))
        assert_unknown(
            make_client("https://localhost/rest", deadline=0.5).send(REQUEST), not_sent=False
        )
    assert requests_seen[0].startswith(b"CONNECT localhost:443 HTTP/1.")
    assert KEY.encode() not in requests_seen[0]
    assert KEY.encode() in requests_seen[1]
