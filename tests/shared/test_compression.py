"""Texts are compressed for browsers that accept it; files that are compressed already are not."""

import gzip
import zlib

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.test import Client

from campaigns.models import ContactList
from campaigns.team.models import Role, User
from viberdash.compression import CompressTexts

ROWS = [f"380971234{number:03}\n".encode() for number in range(1000)]


def respond(response: HttpResponseBase, accepted: str = "br, gzip") -> HttpResponse:
    request = HttpRequest()
    request.META["HTTP_ACCEPT_ENCODING"] = accepted
    return CompressTexts(lambda _request: response)(request)  # type: ignore[arg-type, return-value]


@pytest.mark.django_db
def test_a_page_is_a_tenth_and_the_same_text(client: Client) -> None:
    client.force_login(User.objects.create_user("anna", role=Role.MARKETER))
    ContactList.objects.bulk_create(ContactList(name=f"List {number}") for number in range(50))
    plain = client.get("/contacts/")
    compressed = client.get("/contacts/", headers={"Accept-Encoding": "gzip"})
    text = gzip.decompress(compressed.content).decode()
    assert compressed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed["Vary"]
    assert text.count("List 4") == plain.content.decode().count("List 4") > 0
    assert len(compressed.content) * 10 < len(plain.content) < 90_000


def test_a_streamed_file_is_compressed_piece_by_piece() -> None:
    response = respond(StreamingHttpResponse(iter(ROWS), content_type="text/csv; charset=utf-8"))
    reader, read = zlib.decompressobj(31), b""
    for piece in response.streaming_content:  # type: ignore[attr-defined]
        read += reader.decompress(piece)
    assert read == b"".join(ROWS)


@pytest.mark.parametrize("kind", ["image/png", "application/zip", "application/vnd.ms-excel"])
def test_compressed_files_stay_as_they_are(kind: str) -> None:
    response = respond(HttpResponse(b"a" * 10_000, content_type=kind))
    assert (response.content, response.get("Content-Encoding")) == (b"a" * 10_000, None)


def test_a_client_that_accepts_none_gets_plain_text() -> None:
    assert respond(HttpResponse(b"a" * 10_000), "identity").content == b"a" * 10_000


def test_the_same_page_has_another_size_each_time() -> None:
    """Sizes that vary hide what a guess changes (BREACH)."""
    sizes = {len(respond(HttpResponse("text " * 1000)).content) for _ in range(50)}
    assert len(sizes) > 5
