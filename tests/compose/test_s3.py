"""Images in a bucket: written, served and deleted over the S3 protocol, with a fake server."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from campaigns.compose.library import pictures
from campaigns.compose.message.pictures import store_picture
from campaigns.compose.models import Picture
from tests.compose.factories import person
from tests.compose.test_crop import halves


class Bucket(BaseHTTPRequestHandler):
    """Stores what is put; requires a signature, but does not verify it."""

    objects: dict[str, bytes]
    requests: list[str]

    def do_PUT(self) -> None:
        self.objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(200)

    def do_GET(self) -> None:
        content = self.objects.get(self.path)
        self.answer(404 if content is None else 200, content or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self.answer(204)

    def answer(self, status: int, content: bytes = b"") -> None:
        self.requests.append(f"{self.command} {self.headers['Authorization'][:42]}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Tue, 24 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_words: object) -> None:
        """Quiet."""


@pytest.fixture
def bucket(settings: Settings) -> Iterator[type[Bucket]]:
    Bucket.objects, Bucket.requests = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    Thread(target=server.serve_forever, daemon=True).start()
    options = {
        **settings.S3_STORAGE["OPTIONS"],
        "bucket_name": "shop",
        "endpoint_url": f"http://127.0.0.1:{server.server_address[1]}",
        "region_name": "eu-central-1",
        "access_key": "AKIA",
        "secret_key": "secret",
    }
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.S3_STORAGE, "OPTIONS": options},
    }
    yield Bucket
    server.shutdown()
    server.server_close()


@pytest.mark.django_db
def test_images_are_stored_in_a_bucket_and_served_by_the_site(
    bucket: type[Bucket], client: Client
) -> None:
    olena = person()
    picture = store_picture(
        SimpleUploadedFile("sale.png", halves().read(), "image/png"), olena, square=True
    )
    [(path, content)] = bucket.objects.items()
    assert path == f"/shop/{picture.file.name}"
    assert content.startswith(b"\x89PNG")
    assert len(content) == picture.size
    answer = client.get(picture.path)  # as a phone does: not signed in
    assert b"".join(answer.streaming_content) == content  # type: ignore[attr-defined]
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    pictures.delete(Picture.objects.get(), olena)
    assert bucket.objects == {}
    assert client.get(picture.path).status_code == 404
    assert {line.partition(" ")[2][:26] for line in bucket.requests} == {
        "AWS4-HMAC-SHA256 Credentia"
    }
