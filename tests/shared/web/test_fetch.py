"""Fetching from a server on a real socket, also from hostile ones."""

import gzip
import socket
import zlib
from http.server import BaseHTTPRequestHandler

import pytest
from pytest_django import Settings

from campaigns.shared.web.errors import FetchError
from campaigns.shared.web.exchange import exchange, read_address
from campaigns.shared.web.fetch import Fetched, Limits, fetch
from tests.file_server import FileServer, Resolver, reply
from tests.gateway.raw_server import raw_server, read_request
from tests.gateway.requests_made import SAMPLES

LIMITS = Limits(seconds=10, size=1 << 20)


def content(address: str, limits: Limits = LIMITS) -> bytes:
    with fetch(address, limits) as fetched:
        return b"".join(fetched.chunks())


def refusal(address: str, limits: Limits = LIMITS) -> str:
    with pytest.raises(FetchError) as refused:
        content(address, limits)
    return str(refused.value)


def test_fetch_gives_the_content(file_server: FileServer) -> None:
    file_server.files["/clients.csv?key=1"] = b"phone\n380671112233\n"
    assert content(file_server.url("/clients.csv?key=1#part")) == b"phone\n380671112233\n"
    assert file_server.requests == ["GET /clients.csv?key=1"]
    assert file_server.headers[0] == {
        "host": f"files.test:{file_server.port}",
        "user-agent": "ViberDash",
        "accept-encoding": "gzip",
    }


def test_fetch_encodes_what_is_not_ascii(file_server: FileServer) -> None:
    file_server.files["/%D1%97%20x"] = b"phone\n"
    assert content(file_server.url("/ї%20x")) == b"phone\n"


@pytest.mark.parametrize("parts", [1, 3])
def test_fetch_unpacks_gzip(file_server: FileServer, parts: int) -> None:
    rows = b"380671112233\n" * 20_000
    packed = gzip.compress(rows) * parts
    file_server.pages["/"] = lambda request: reply(request, 200, packed, Content_Encoding="gzip")
    assert content(file_server.url("/")) == rows * parts


def test_file_of_just_the_limit_fits(file_server: FileServer) -> None:
    file_server.files["/"] = bytes(1000)
    assert len(content(file_server.url("/"), Limits(10, 1000))) == 1000
    assert refusal(file_server.url("/"), Limits(10, 999)) == "The file is larger than 0 MB."


def test_endless_body_ends_at_the_limit(file_server: FileServer) -> None:
    sent = 0

    def endless(request: BaseHTTPRequestHandler) -> None:
        nonlocal sent
        request.send_response(200)
        request.end_headers()
        while not file_server.over.is_set():
            request.wfile.write(bytes(1 << 16))
            sent += 1 << 16

    file_server.pages["/"] = endless
    assert refusal(file_server.url("/")) == "The file is larger than 1 MB."
    assert sent < 100 << 20


def test_gzip_bomb_ends_at_the_limit(file_server: FileServer) -> None:
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(50)) + packer.flush()
    assert len(bomb) < 1 << 20
    file_server.pages["/"] = lambda request: reply(request, 200, bomb, Content_Encoding="gzip")
    assert refusal(file_server.url("/")) == "The file is larger than 1 MB."
    read: list[int] = []
    with fetch(file_server.url("/"), LIMITS) as fetched, pytest.raises(FetchError):
        read.extend(len(chunk) for chunk in fetched.chunks())
    assert max(read) <= 1 << 16
    assert sum(read) <= 1 << 20


@pytest.mark.parametrize("part", ["head", "body"])
def test_slow_drip_ends_at_the_deadline(file_server: FileServer, part: str) -> None:
    def drip(request: BaseHTTPRequestHandler) -> None:
        if part == "body":
            request.send_response(200)
            request.end_headers()
        else:
            request.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        while not file_server.over.wait(0.02):
            request.wfile.write(b"x")

    file_server.pages["/"] = drip
    assert refusal(file_server.url("/"), Limits(0.2, 1 << 20)) == (
        "The server took too long to answer."
    )


def test_server_that_says_nothing_ends_at_the_deadline(file_server: FileServer) -> None:
    def silent(request: BaseHTTPRequestHandler) -> None:
        file_server.over.wait()

    file_server.pages["/"] = silent
    assert refusal(file_server.url("/"), Limits(0.2, 1 << 20)) == (
        "The server took too long to answer."
    )


def test_half_a_body_is_no_content(file_server: FileServer) -> None:
    file_server.pages["/"] = lambda request: reply(request, 200, b"phone\n", Content_Length="999")
    assert refusal(file_server.url("/")) == "The connection to files.test failed."


def test_half_of_gzip_is_no_content(file_server: FileServer) -> None:
    half = gzip.compress(b"380671112233\n" * 1000)[:-9]
    file_server.pages["/"] = lambda request: reply(request, 200, half, Content_Encoding="gzip")
    assert refusal(file_server.url("/")) == "The file did not arrive completely."


def test_unknown_encoding_is_refused(file_server: FileServer) -> None:
    file_server.pages["/"] = lambda request: reply(request, 200, b"x", Content_Encoding="br")
    assert refusal(file_server.url("/")) == (
        "The server sends the file in a form that was not requested."
    )


def test_what_is_no_http_is_refused(file_server: FileServer) -> None:
    def greeting(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"220 mail ready\r\n")

    file_server.pages["/"] = greeting
    assert refusal(file_server.url("/")) == "The connection to files.test failed."


def test_three_redirects_are_followed(file_server: FileServer) -> None:
    file_server.redirect("/1", "/2")
    file_server.redirect("/2", file_server.url("/3"))
    file_server.redirect("/3", "4?x=1#top")
    file_server.files["/4?x=1"] = b"phone\n"
    assert content(file_server.url("/1")) == b"phone\n"
    file_server.redirect("/0", "/1")
    assert refusal(file_server.url("/0")) == "The address redirects more than 3 times."


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:{port}/secret",
        "http://localhost:{port}/secret",
        "//2130706433:{port}/secret",
        "http://[::ffff:127.0.0.1]:{port}/secret",
    ],
)
def test_redirect_into_the_internal_network_is_refused(
    file_server: FileServer, location: str
) -> None:
    file_server.redirect("/", location.format(port=file_server.port))
    file_server.files["/secret"] = b"secret"
    assert "is in an internal network" in refusal(file_server.url("/"))
    assert file_server.requests == ["GET /"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://files.test/", "gopher://x", ""])
def test_redirect_to_another_scheme_is_refused(file_server: FileServer, location: str) -> None:
    file_server.redirect("/", location)
    texts = {
        "": "The address redirects more than 3 times.",
        "other": "Enter an address that begins with https:// or http://.",
    }
    assert refusal(file_server.url("/")) == texts["other" if location else ""]


def test_name_is_looked_up_once_for_each_request(
    file_server: FileServer, resolver: Resolver, settings: Settings
) -> None:
    """DNS rebinding: a second look-up, after the check, would lead to this machine."""
    settings.INTERNAL_HOSTS = []
    resolver.names["rebind.test"], resolver.later["rebind.test"] = ["8.8.8.8"], ["127.0.0.1"]
    with pytest.raises(FetchError):
        content(file_server.url("/", "rebind.test"), Limits(0.2, 1 << 20))
    assert resolver.asked == ["rebind.test"]
    assert resolver.connected == [("8.8.8.8", file_server.port)]
    assert "is in an internal network" in refusal(file_server.url("/", "rebind.test"))
    assert resolver.connected == [("8.8.8.8", file_server.port)]
    assert file_server.requests == []


def test_proxy_of_the_environment_is_not_used(
    file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    file_server.files["/"] = b"phone\n"
    assert content(file_server.url("/")) == b"phone\n"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "The server refuses access (401). Share the file with everybody who has the link."),
        (403, "The server refuses access (403). Share the file with everybody who has the link."),
        (404, "There is no file at this address (404)."),
        (500, "The server files.test answers with an error (500)."),
        (204, "The server files.test answers with an error (204)."),
    ],
)
def test_other_statuses_are_named(file_server: FileServer, status: int, text: str) -> None:
    file_server.pages["/"] = lambda request: reply(request, status, b"")
    assert refusal(file_server.url("/")) == text


@pytest.mark.parametrize(
    "address",
    [
        "", "files.test/x", "ftp://files.test/", "file:///etc/passwd", "http://", "https:///x",
        "http://files.test:99999/", "http://files.test:x/", "http://files.test/a b",
        "http://files.test/\r\nX: 1", "http://[::1", "https://x/" + "y" * 2000,
    ],
)  # fmt: skip
def test_malformed_addresses_are_refused(address: str) -> None:
    assert refusal(address) == "Enter an address that begins with https:// or http://."


@pytest.mark.parametrize("user", ["marta:secret@", "marta@", ":@", "@"])
def test_password_in_an_address_is_refused_and_not_repeated(user: str) -> None:
    text = refusal(f"https://{user}files.test/")
    assert text == "Addresses with a user name and password are not supported. Use a share link."


@pytest.mark.parametrize(("port", "fits"), [(80, True), (443, True), (8080, True), (25, False)])
def test_ports_of_other_services_are_refused(port: int, fits: bool) -> None:
    if fits:
        assert read_address(f"http://files.test:{port}/").port == port
    else:
        with pytest.raises(FetchError, match=r"The port 25 is not allowed\."):
            read_address(f"http://files.test:{port}/")


def test_names_in_other_scripts_become_ascii() -> None:
    assert read_address("https://Приклад.укр/ціна").host == "xn--80aikifvh.xn--j1amh"


def test_conditional_request_may_be_answered_unchanged(file_server: FileServer) -> None:
    file_server.pages["/"] = lambda request: reply(request, 304, b"", ETag='"1"')
    with fetch(file_server.url("/"), LIMITS, {"If-None-Match": '"1"'}) as fetched:
        assert isinstance(fetched, Fetched)
        assert (fetched.status, fetched.headers["etag"]) == (304, '"1"')
    assert file_server.headers[0]["if-none-match"] == '"1"'


def test_exchange_posts_without_following(file_server: FileServer) -> None:
    file_server.redirect("/hook", "/other")
    target = read_address(file_server.url("/hook"))
    with exchange(target, 10, method="POST", body=b"{}") as answer:
        assert answer.status == 302
    assert (file_server.requests, file_server.bodies) == (["POST /hook"], [b"{}"])


@pytest.mark.parametrize(
    ("host", "text"),
    [("localhost", ""), ("files.test", "The certificate of files.test is not valid.")],
)
def test_certificate_has_to_be_of_the_name_in_the_address(
    resolver: Resolver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    text: str,
) -> None:
    settings.INTERNAL_HOSTS = ["localhost", "files.test"]
    resolver.names |= {"localhost": ["127.0.0.1"], "files.test": ["127.0.0.1"]}
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SAMPLES / "localhost.pem"))

    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nphone\n")

    with raw_server(script, tls=True) as server:
        address = f"https://{host}:{server.port}/"
        if text:
            assert refusal(address) == text
        else:
            assert content(address) == b"phone\n"


def test_unknown_certificate_is_refused(resolver: Resolver, settings: Settings) -> None:
    settings.INTERNAL_HOSTS = ["localhost"]
    resolver.names["localhost"] = ["127.0.0.1"]
    with raw_server(lambda connection: None, tls=True) as server:
        address = f"https://localhost:{server.port}/"
        assert refusal(address) == "The certificate of localhost is not valid."


def test_redirect_from_https_to_http_is_refused(
    resolver: Resolver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.INTERNAL_HOSTS = ["localhost"]
    resolver.names["localhost"] = ["127.0.0.1"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(SAMPLES / "localhost.pem"))

    def script(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://x.test/\r\n\r\n")

    with raw_server(script, tls=True) as server:
        address = f"https://localhost:{server.port}/"
        assert refusal(address) == "The address redirects from https to http."
