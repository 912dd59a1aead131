"""Pages for what fails, without a session, the database or this version's static files."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.db import InterfaceError, OperationalError, ProgrammingError
from django.test import Client

from viberdash.observation import missing_migrations

NEWER = ("campaigns", "9999_newer")
VIEW = "campaigns.team.pages.views.key_kind"  # of the settings page
EXECUTE = "django.db.backends.utils.CursorWrapper.execute"


@pytest.fixture
def failing(admin_client: Client) -> Iterator[Client]:
    missing_migrations._all_applied.clear()
    admin_client.raise_request_exception = False
    yield admin_client
    missing_migrations._all_applied.clear()


@pytest.fixture
def waits_for_upgrade() -> Iterator[None]:
    known = missing_migrations.known_migrations() | {NEWER}
    with patch.object(missing_migrations, "known_migrations", return_value=known):
        yield


def test_page_says_that_tables_are_being_upgraded(failing: Client, waits_for_upgrade: None) -> None:
    with patch(VIEW, side_effect=ProgrammingError('column "secret" does not exist')):
        response = failing.get("/settings/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "60")
    assert response.headers["Cache-Control"] == "no-store"
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]
    text = response.content.decode()
    assert "ViberDash is being upgraded" in text
    assert "secret" not in text
    assert NEWER[1] not in text


def test_pages_that_work_ask_nothing_about_migrations(
    failing: Client, waits_for_upgrade: None
) -> None:
    with patch.object(missing_migrations, "MigrationRecorder", side_effect=AssertionError):
        assert failing.get("/settings/").status_code == 200


def test_migrations_are_asked_about_once_when_all_are_applied(failing: Client) -> None:
    with patch(VIEW, side_effect=RuntimeError("boom")):
        assert failing.get("/settings/").status_code == 500
        with patch.object(missing_migrations, "MigrationRecorder", side_effect=AssertionError):
            assert failing.get("/settings/").status_code == 500


@pytest.mark.parametrize("error", [OperationalError("at 10.0.0.7"), InterfaceError("at 10.0.0.7")])
def test_page_says_that_the_database_does_not_answer(failing: Client, error: Exception) -> None:
    with patch(EXECUTE, side_effect=error):  # sessions and migrations are not read either
        response = failing.get("/settings/")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    text = response.content.decode()
    assert "ViberDash can’t answer right now" in text
    assert f"<code>{response.headers['X-Request-ID']}</code>" in text
    assert "10.0.0.7" not in text


def test_page_is_there_before_static_files_are_collected(
    failing: Client, waits_for_upgrade: None
) -> None:
    missing = ValueError("Missing staticfiles manifest entry")
    with patch("django.templatetags.static.StaticNode.handle_simple", side_effect=missing):
        response = failing.get("/settings/")
    assert response.status_code == 503
    text = response.content.decode()
    assert "ViberDash is being upgraded" in text
    assert "stylesheet" not in text


def test_api_says_that_the_server_is_unavailable(failing: Client) -> None:
    with patch(EXECUTE, side_effect=OperationalError):
        response = failing.get("/api/v1/lists", headers={"Authorization": "Bearer vd_x"})
    assert (response.status_code, response.headers["Retry-After"]) == (503, "10")
    assert response.json()["code"] == "unavailable"
