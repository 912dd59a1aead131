from unittest.mock import patch

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.models import Role, User
from tests.sandbox_fixture import RunningSandbox

PASSWORD = "long-and-odd-7"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user(
        "olena", password=PASSWORD, first_name="Olena", role=Role.MARKETER
    )


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


# Signing in


@pytest.mark.parametrize(
    "address", ["/settings/", "/account/", "/account/password/", "/settings/gateway-check"]
)
def test_pages_ask_who_it_is(client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"] == f"/sign-in/?next={address}"


def test_fragment_without_a_session_reloads_the_page(client: Client, db: None) -> None:
    response = client.post("/settings/gateway-check", headers={"HX-Request": "true"})
    assert response.status_code == 204
    assert response.headers["HX-Refresh"] == "true"


# The account


def test_account_saves_only_the_users_own_fields(signed_in: Client, person: User) -> None:
    response = signed_in.post(
        "/account/",
        {
            "first_name": "Olena",
            "last_name": "Koval",
            "email": "olena@example.com",
            "time_zone": "Europe/Kyiv",
            "role": "administrator",
            "is_superuser": "on",
        },
    )
    assert response.headers["Location"] == "/account/"
    person.refresh_from_db()
    assert (person.last_name, person.email, person.time_zone) == (
        "Koval",
        "olena@example.com",
        "Europe/Kyiv",
    )
    assert (person.role, person.is_superuser) == (Role.MARKETER, False)


@pytest.mark.parametrize("field", [{"time_zone": "Europe/Nowhere"}, {"email": "olena"}])
def test_account_refuses_and_keeps_the_input(
    signed_in: Client, person: User, field: dict[str, str]
) -> None:
    response = signed_in.post("/account/", {"first_name": "Oksana"} | field)
    assert response.status_code == 200
    page = response.content.decode()
    assert 'value="Oksana"' in page
    assert "is-invalid" in page
    person.refresh_from_db()
    assert person.first_name == "Olena"


# Settings


@pytest.mark.parametrize("role", Role.values)
def test_settings_are_for_everybody_and_never_show_the_key(
    client: Client, person: User, settings: Settings, role: str
) -> None:
    settings.BSG_API_KEY = "live_secret_7"
    User.objects.update(role=role)
    client.force_login(person)
    response = client.get("/settings/")
    assert response.status_code == 200
    page = response.content.decode()
    assert "live_secret_7" not in page
    assert "Live key" in page
    assert settings.BSG_API_URL in page


def test_settings_take_few_queries(
    signed_in: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(4):  # session, user, brands, how many people
        signed_in.get("/settings/")


def test_settings_lead_administrators_to_the_team(signed_in: Client, person: User) -> None:
    assert "/settings/team/" not in signed_in.get("/settings/").content.decode()
    User.objects.update(role=Role.ADMINISTRATOR)
    assert "/settings/team/" in signed_in.get("/settings/").content.decode()


def test_gateway_check_shows_the_balance(
    signed_in: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    sandbox.fund("12.5")
    page = signed_in.post(
        "/settings/gateway-check", headers={"HX-Request": "true"}
    ).content.decode()
    assert "accepts the key" in page
    assert "12.50" in page


def test_gateway_check_says_what_is_wrong(
    signed_in: Client, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, "nobodys_key"
    page = signed_in.post(
        "/settings/gateway-check", headers={"HX-Request": "true"}
    ).content.decode()
    assert "BSG does not accept the API key." in page
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    page = signed_in.post(
        "/settings/gateway-check", headers={"HX-Request": "true"}
    ).content.decode()
    assert "The gateway does not answer." in page
    settings.BSG_API_URL = sandbox.url  # the sandbox's own page: HTML, not the API
    page = signed_in.post(
        "/settings/gateway-check", headers={"HX-Request": "true"}
    ).content.decode()
    assert "notice-error" in page


def test_gateway_check_without_javascript_comes_back_to_the_page(
    signed_in: Client, settings: Settings
) -> None:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    response = signed_in.post("/settings/gateway-check", follow=True)
    assert response.redirect_chain == [("/settings/", 302)]
    assert "The gateway does not answer." in response.content.decode()


def test_gateway_check_takes_a_post(signed_in: Client) -> None:
    assert signed_in.get("/settings/gateway-check").status_code == 405


def test_gateway_check_is_not_for_viewers(signed_in: Client) -> None:
    User.objects.update(role=Role.VIEWER)
    assert signed_in.post("/settings/gateway-check").status_code == 403


# Health


def test_healthz(client: Client, db: None) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response.headers["Cache-Control"]


def test_healthz_says_that_the_database_is_gone(client: Client, db: None) -> None:
    with patch("django.db.backends.utils.CursorWrapper.execute", side_effect=DatabaseError):
        assert client.get("/healthz").status_code == 503


def test_favicon_at_the_old_place(client: Client) -> None:
    assert client.get("/favicon.ico").headers["Location"] == "/static/img/favicon.svg"


# Errors


def test_errors_have_a_way_on(signed_in: Client) -> None:
    User.objects.update(role=Role.VIEWER)
    for response, number in (
        (signed_in.get("/nothing/"), 404),
        (signed_in.post("/settings/gateway-check"), 403),
        (Client(enforce_csrf_checks=True).post("/sign-in/", {}), 403),
    ):
        assert response.status_code == number
        assert "Go to the dashboard" in response.content.decode()


def test_error_of_ours_has_a_way_on(signed_in: Client) -> None:
    signed_in.raise_request_exception = False
    with (
        patch("campaigns.team.pages.navigation.environment", side_effect=RuntimeError("boom")),
        patch("campaigns.team.pages.views.key_kind", side_effect=RuntimeError("boom")),
    ):
        response = signed_in.get("/settings/")
    assert response.status_code == 500
    assert "Go to the dashboard" in response.content.decode()
    assert "boom" not in response.content.decode()
