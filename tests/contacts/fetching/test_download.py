"""Imports from addresses, up to the choice of columns."""

import gzip
from pathlib import Path

import pytest
from pytest_django import Settings

from campaigns.contacts import tasks
from campaigns.contacts.fetching import download
from campaigns.contacts.fetching.download import receive_address
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.models import Import, ImportState
from campaigns.models import User
from campaigns.shared.web.fetch import Limits
from tests.contacts.fetching.conftest import table
from tests.file_server import FileServer, Resolver, reply

pytestmark = pytest.mark.django_db


def imported(address: str, actor: User) -> Import:
    """An import of `address` whose tasks have been done."""
    made = receive_address(address, None, "Clients", "UA", actor)
    for _ in range(2):
        tasks.open_file(made.pk)
    made.refresh_from_db()
    return made


def test_address_becomes_an_import_like_that_of_a_file(
    file_server: FileServer, marketer: User, uploads: Path
) -> None:
    file_server.files["/list/clients.csv"] = table(3)
    made = receive_address(file_server.url("/list/clients.csv"), None, "Clients", "UA", marketer)
    assert (made.state, made.path, file_server.requests) == (ImportState.READING, "", [])
    tasks.open_file(made.pk)
    made.refresh_from_db()
    assert (made.state, made.file_name) == (ImportState.READING, "clients.csv")
    assert (uploads / made.path).read_bytes() == table(3)
    tasks.open_file(made.pk)
    made.refresh_from_db()
    assert (made.state, made.mapping["phones"]) == (ImportState.UPLOADED, [0])
    assert file_server.requests == ["GET /list/clients.csv"]


def test_workbook_is_opened_as_one(file_server: FileServer, marketer: User, book: Path) -> None:
    file_server.files["/book"] = book.read_bytes()
    made = imported(file_server.url("/book"), marketer)
    assert (made.state, made.mapping["kind"], made.mapping["sheet"]) == ("uploaded", "xlsx", "Київ")


def test_server_names_the_file(file_server: FileServer, marketer: User) -> None:
    disposition = "attachment; filename=\"x.csv\"; filename*=UTF-8''..%2F%D1%97%0A.csv"
    file_server.pages["/get"] = lambda request: reply(
        request, 200, table(1), Content_Disposition=disposition
    )
    assert imported(file_server.url("/get"), marketer).file_name == "ї.csv"


def test_packed_content_is_unpacked(file_server: FileServer, marketer: User) -> None:
    packed = gzip.compress(table(3))
    file_server.pages["/"] = lambda request: reply(request, 200, packed, Content_Encoding="gzip")
    assert imported(file_server.url("/"), marketer).state == ImportState.UPLOADED


@pytest.mark.parametrize(
    ("content", "failure"),
    [
        (
            b"\n<!DOCTYPE html><title>Sign in</title>" + b"x" * 200_000,
            "The address answers with a web page. Publish the sheet, or share it with everybody who"
            " has the link.",
        ),
        (b"", "The file is empty."),
        (b"%PDF-1.7 " + b"x" * 100, "This is a PDF file, not a table. Save it as CSV or XLSX and"),
    ],
)
def test_what_is_no_table_is_named(
    file_server: FileServer, marketer: User, uploads: Path, content: bytes, failure: str
) -> None:
    file_server.files["/"] = content
    made = imported(file_server.url("/"), marketer)
    assert made.state == ImportState.FAILED
    assert made.failure.startswith(failure)
    assert not list(uploads.iterdir())


def test_failed_fetch_ends_the_import_and_leaves_no_file(
    file_server: FileServer, marketer: User, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = imported(file_server.url("/none"), marketer)
    assert (made.state, made.failure) == ("failed", "There is no file at this address (404).")
    monkeypatch.setattr(download, "LIMITS", Limits(10, 1 << 20))
    file_server.files["/large"] = bytes(2 << 20)
    made = imported(file_server.url("/large"), marketer)
    assert (made.state, made.failure) == ("failed", "The file is larger than 1 MB.")
    assert not uploads.exists() or not list(uploads.iterdir())


def test_internal_address_is_not_requested(
    file_server: FileServer, marketer: User, settings: Settings
) -> None:
    made = imported(file_server.url("/", "127.0.0.1"), marketer)
    assert made.failure == "The host 127.0.0.1 is in an internal network, which is not allowed."
    assert file_server.requests == []


def test_cancelled_import_keeps_no_file(
    file_server: FileServer, resolver: Resolver, marketer: User, uploads: Path
) -> None:
    file_server.files["/"] = table(1)
    made = receive_address(file_server.url("/"), None, "Clients", "UA", marketer)
    resolver.on_connect = lambda: lifecycle.cancel(made.pk)
    tasks.open_file(made.pk)
    made.refresh_from_db()
    assert (made.state, made.path) == (ImportState.CANCELLED, "")
    assert file_server.requests == ["GET /"]
    assert not list(uploads.iterdir())
