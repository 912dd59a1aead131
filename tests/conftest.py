"""What every test rests on: a database of its own, fast passwords, and the sandbox gateway where one is asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection

from campaigns.team import restoring

pytest_plugins = ["tests.sandbox_fixture"]
FLUSHING = {"transactional_db", "live_server", "django_db_reset_sequences"}  # fixtures


def pytest_configure() -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # static files as they stand in the tree: nothing is collected before the tests
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite in a file, as in an installation: in memory it locks otherwise, and threads could not share it."""
    if settings.SQLITE:
        name: Path = tmp_path_factory.mktemp("database") / "test.sqlite3"
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(name)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test keeps for a minute is not there for the next, in Redis either."""
    cache.clear()
    monkeypatch.setattr(restoring, "KNOWN_FOR", float("inf"))  # making the database can take longer
    restoring.note(safe=False)  # known, so that no page asks for it


@pytest.fixture(autouse=True)
def ledger_emptied_between_tests(request: pytest.FixtureRequest) -> Iterator[None]:
    """The flush after a test with real transactions empties every table, which the ledger refuses: without its triggers
    for that long, as each flush makes sure of them again.
    """
    marker = request.node.get_closest_marker("django_db")
    flushed = FLUSHING & set(request.fixturenames) or bool(marker and marker.kwargs.get("transaction"))
    if not flushed:
        yield
        return
    request.getfixturevalue("_django_db_helper")  # before its own end, not after
    yield
    with connection.cursor() as cursor:
        for trigger in ("ledger_no_UPDATE", "ledger_no_DELETE") if settings.SQLITE else ("ledger_append_only",):
            on = "" if settings.SQLITE else " ON campaigns_ledgerentry"
            cursor.execute(f"DROP TRIGGER IF EXISTS {trigger}{on}")
