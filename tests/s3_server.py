"""The fixture `bucket`: a server that speaks as much of S3 as backups use."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest
from pytest_django import Settings

KEY_ID, SECRET = "AKIDTESTS", "s3-secret-of-the-tests"


class Bucket:
    """Keeps `objects` (key -> bytes) of the bucket "safe"; `requests` has method and key of each.

    It refuses requests that are not signed with KEY_ID, and bodies of another hash than was signed;
    what stands in `refused` (method and key) it answers 403.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.refused: set[str] = set()
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                bucket.answer(self)

            do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        bucket, _slash, key = unquote(parts.path).lstrip("/").partition("/")
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        self.requests.append(f"{request.command} {key}".strip())
        if bucket != "safe" or not is_signed(request, body) or self.requests[-1] in self.refused:
            reply(request, 403, b"<Error><Code>AccessDenied</Code><Message>No</Message></Error>")
        elif request.command == "PUT":
            self.objects[key] = body
            reply(request, 200)
        elif request.command == "DELETE":
            del self.objects[key]
            reply(request, 204)
        elif not key:
            reply(request, 200, self._listing(parse_qs(parts.query)["prefix"][0]))
        elif key in self.objects:
            reply(request, 200, self.objects[key])
        else:
            reply(request, 404, b"<Error><Code>NoSuchKey</Code><Message>No</Message></Error>")

    def _listing(self, prefix: str) -> bytes:
        rows = [
            f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size></Contents>"
            for key, content in sorted(self.objects.items())
            if key.startswith(prefix)
        ]
        return f"<ListBucketResult>{''.join(rows)}</ListBucketResult>".encode()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def is_signed(request: BaseHTTPRequestHandler, body: bytes) -> bool:
    signature = request.headers.get("Authorization", "")
    signed_hash = request.headers.get("x-amz-content-sha256", "")
    return (
        signature.startswith(f"AWS4-HMAC-SHA256 Credential={KEY_ID}/")
        and "x-amz-content-sha256" in signature
        and signed_hash == hashlib.sha256(body).hexdigest()
    )


def reply(request: BaseHTTPRequestHandler, status: int, content: bytes = b"") -> None:
    request.send_response(status)
    request.send_header("ETag", f'"{hashlib.md5(content).hexdigest()}"')
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


@pytest.fixture
def bucket(settings: Settings) -> Iterator[Bucket]:
    """An empty bucket, in whose folder "daily" backups go."""
    server = Bucket()
    settings.BACKUP_S3_URL = "s3://safe/daily"
    settings.BACKUP_S3_ENDPOINT, settings.BACKUP_S3_REGION = server.url, "eu-central-1"
    settings.BACKUP_S3_ACCESS_KEY, settings.BACKUP_S3_SECRET_KEY = KEY_ID, SECRET
    yield server
    server.close()
