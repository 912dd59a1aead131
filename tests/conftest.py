"""What every test rests on: a database of its own, fast passwords, and the sandbox gateway where
one is asked for.
"""

import gc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.core.management.color import Style
from django.core.management.commands import flush
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.creation import DatabaseCreation
from django.utils import timezone

from campaigns.reports.alerts import open_alerts
from campaigns.shared import database_clock
from campaigns.team import accounts, safe_mode
from campaigns.team.brands import ensure_first_brand
from tests import migrated
from tests.platforms import POSTGRESQL

APPEND_ONLY = ("ledgerentry", "auditentry", "auditlink", "auditseal")  # tables

pytest_plugins = [
    "tests.file_server",
    "tests.mail_server",
    "tests.oidc_provider",
    "tests.other_database",
    "tests.plain_rendering",
    "tests.s3_server",
    "tests.sandbox_fixture",
    "tests.scripted_gateway",
    "tests.dispatch.workers",  # imports the sandbox
]


def pytest_configure() -> None:
    # the same examples in each run, and no clock that could fail them
    hypothesis.settings.register_profile(
        "tests",
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=30,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )
    hypothesis.settings.load_profile("tests")
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # static files as they stand in the tree: nothing is collected before the tests
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def pytest_collection_finish() -> None:
    """What was loaded up to here stays: the collector of garbage need not go through it, nor look
    for rubbish after every few hundred objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_use_migrations: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """A copy of a database that was migrated. SQLite in a file, as in an installation: in memory it
    locks otherwise, and threads could not share it.
    """
    test_settings = settings.DATABASES["default"].setdefault("TEST", {})
    with pytest.MonkeyPatch.context() as patch:
        if settings.SQLITE:
            test_settings["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")
            if django_db_use_migrations:
                patch.setattr(DatabaseCreation, "_create_test_db", _copy_of_sqlite)
        elif django_db_use_migrations and (template := migrated.template(POSTGRESQL)):
            test_settings["TEMPLATE"] = template
        yield


def _copy_of_sqlite(creation: DatabaseCreation, *_options: object) -> str:
    name: str = creation.connection.settings_dict["TEST"]["NAME"]
    migrated.copy_sqlite(Path(name))
    return name


def _deletions(style: Style, connection: BaseDatabaseWrapper, **options: Any) -> list[str]:
    """Statements that empty all tables, past the triggers of those that only grow; a tenth of what
    TRUNCATE takes for few rows.
    """
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    deletions = [f"DELETE FROM {table}" for table in tables]
    if connection.vendor == "postgresql":
        off, on = (
            [f"ALTER TABLE campaigns_{table} {state} TRIGGER USER" for table in APPEND_ONLY]
            for state in ("DISABLE", "ENABLE")
        )
        return [*off, *deletions, *on]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            " AND (name LIKE 'ledger%' OR name LIKE 'audit%')"
        )
        triggers = dict(cursor.fetchall())
    off, on = [f"DROP TRIGGER {name}" for name in triggers], list(triggers.values())
    return [*off, *deletions, *on]


def _after_flush(_verbosity: int, _interactive: bool, using: str) -> None:
    ensure_first_brand(using)


@pytest.fixture(scope="session", autouse=True)
def quick_flush() -> Iterator[None]:
    """After a test with real transactions the tables are emptied but for the first brand. That is
    all: permissions and schedules, which a migration leaves behind, are of no use to the next one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", _deletions)
        patch.setattr(flush, "emit_post_migrate_signal", _after_flush)
        yield


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test keeps for a minute is not there for the next, in Redis either."""
    cache.clear()
    monkeypatch.setattr(safe_mode, "CACHED_FOR", float("inf"))  # making a database can take longer
    safe_mode.cache_state(safe=False)  # known, so that no page asks for it
    monkeypatch.setattr(accounts, "CACHED_FOR", float("inf"))
    accounts.forget()
    accounts.cache_state(accounts.Accounts())
    monkeypatch.setattr(open_alerts, "CACHED_FOR", float("inf"))
    open_alerts.cache_state(())


@pytest.fixture(autouse=True)
def clocks_that_travel_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test moves this machine's clock, that of the database moves too."""
    of_the_server = database_clock.now

    def now() -> datetime:
        is_travelling = time_machine.escape_hatch.is_travelling()
        return timezone.now() if is_travelling else of_the_server()

    monkeypatch.setattr(database_clock, "now", now)
