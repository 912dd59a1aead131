"""No browser keeps what a signed-in user was shown."""

from pathlib import Path

import pytest
from django.test import Client
from django.test.utils import override_settings
from pytest_django import Settings

from campaigns.compose.message.pictures import store_picture
from campaigns.team.models import Role
from tests.compose.factories import contact_list, ukrainians
from tests.compose.test_library import upload
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
CLEARS = "Clear-Site-Data"


@pytest.fixture
def marketer(client: Client) -> Client:
    client.force_login(make_user("olena", Role.MARKETER))
    return client


@pytest.mark.parametrize(
    "address",
    ["/", "/contacts/", "/contacts/{list}/", "/contacts/people/?q=38050", "/contacts/nowhere",
     "/contacts/{list}/export.csv", "/contacts/person/{contact}/edit", "/campaigns/new"],
)  # fmt: skip
def test_pages_are_not_stored(marketer: Client, address: str) -> None:
    contacts = contact_list("Readers", ukrainians(1))
    contact = contacts.contacts.get()
    response = marketer.get(address.format(list=contacts.pk, contact=contact.pk))
    assert "no-store" in response.headers["Cache-Control"]


def test_errors_are_not_stored(client: Client) -> None:
    refused = Client(enforce_csrf_checks=True).post("/sign-in/", {})
    for response, status in ((client.get("/nowhere"), 404), (refused, 403)):
        assert response.status_code == status
        assert "no-store" in response.headers["Cache-Control"]


def test_images_are_stored(marketer: Client, settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    picture = store_picture(upload(), None)
    response = marketer.get(f"/media/{picture.file.name}")
    assert "immutable" in response.headers["Cache-Control"]
    response.close()


def test_signing_out_clears_what_the_browser_keeps(marketer: Client) -> None:
    assert marketer.post("/sign-out/").headers[CLEARS] == '"cache", "storage"'
    assert CLEARS not in marketer.post("/sign-out/").headers


def test_session_that_ends_by_itself_clears_nothing(marketer: Client) -> None:
    marketer.session.flush()
    response = marketer.get("/contacts/")
    assert (response.status_code, CLEARS in response.headers) == (302, False)


def test_no_page_may_use_devices(client: Client) -> None:
    response = client.get("/sign-in/")
    assert "camera=(), " in response.headers["Permissions-Policy"]
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Cache-Control" in response.headers  # never stored: it holds a token


def test_cookies_over_https_are_bound_to_the_host(client: Client) -> None:
    names = {
        "SESSION_COOKIE_NAME": "__Host-sessionid", "CSRF_COOKIE_NAME": "__Host-csrftoken",
        "BODY_LIMIT_COOKIE_NAME": "__Host-body", "DEVICE_COOKIE_NAME": "__Host-device",
        "SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True, "HTTPS_ONLY": True,
    }  # fmt: skip
    make_user("olena")
    with override_settings(**names):
        client.get("/sign-in/", secure=True)
        fields = {"login": "olena", "password": "secret-enough-1"}
        assert client.post("/sign-in/", fields, secure=True).status_code == 302
        client.get("/contacts/", secure=True)
        cookies = client.cookies
    assert {name for name in cookies if name.startswith("__Host-")} == set(list(names.values())[:4])
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["path"], bool(cookie["domain"])) == (True, "/", False)
