"""A SQLite installation with a row in every table, and an empty PostgreSQL database beside it."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from campaigns.compose.models import CampaignState
from campaigns.dispatch.models import Pace, SendState
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind
from campaigns.models import AuditEntry, Campaign, Installation, LedgerTotal, Recipient, Tally
from campaigns.results.money.rebuilding import rebuild
from campaigns.shared.money import from_units
from campaigns.team.audit import append_only, chain, segments
from tests.made_rows import make_row
from tests.platforms import POSTGRESQL
from viberdash import environment
from viberdash.moving import guard, target

NAME = f"test_move_{os.getpid()}"
SERVER = POSTGRESQL.rpartition("/")[0]
HOSTILE = 'tab\there, back\\slash \\N \\. \r\nnew line, "quotes", ключ 🗝 \\u0000'
SLEEP = "viberdash.moving.source.time.sleep"
Move = Callable[..., str]
# what a trigger or a comparison adds up: made by the code that does it
ADDED_UP = {"ledgerentry", "ledgertotal", "tally", "auditentry", "auditlink", "auditseal"}


class NoMigrations:
    """Tables are made from the models, in a tenth of the time."""

    def __contains__(self, app: str) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None


@contextmanager
def default_database(address: dict[str, Any]) -> Iterator[None]:
    """Within it Django's database is another one."""
    own, earlier = connections["default"], connections.settings["default"]
    connections.settings |= connections.configure_settings({"default": address})
    connections["default"] = connections.create_connection("default")
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"], connections.settings["default"] = own, earlier
        ContentType.objects.clear_cache()


def sqlite_address(file: Path) -> dict[str, Any]:
    options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
    return environment.database(f"sqlite:///{file}") | {"OPTIONS": options}


@pytest.fixture(scope="session")
def filled(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Path]:
    """A SQLite database with rows in all tables, where nothing is at work any more."""
    file = tmp_path_factory.mktemp("moving") / "filled.sqlite3"
    with pytest.MonkeyPatch.context() as patch, django_db_blocker.unblock():
        patch.setattr("django.conf.settings.MIGRATION_MODULES", NoMigrations())
        with default_database(sqlite_address(file)):
            MigrationRecorder(connection).ensure_schema()
            call_command("migrate", run_syncdb=True, verbosity=0)
            fill()
        yield file


def fill() -> None:
    for model in apps.get_models():
        if model._meta.model_name not in ADDED_UP and not model._meta.proxy:
            make_row(model)
    Pace.objects.update(tokens=0.1 + 0.2)
    long_ago = timezone.now() - timedelta(days=1)
    Installation.objects.filter(pk__gt=1).delete()
    Installation.objects.update(number=41, at=long_ago, safe_since=None)
    campaign = make_row(Campaign, text=HOSTILE, state=CampaignState.FINISHED)
    people = [
        make_row(
            Recipient,
            campaign=campaign,
            fields={"name": HOSTILE, "empty": None},
            send_state=SendState.ACCEPTED,
        )
        for _number in range(5)
    ]
    amounts = [(person.pk, from_units(2_345_678_901_234_567)) for person in people]
    write_entries(
        [Movement(Kind.CHARGE, Channel.VIBER, campaign.pk, "UA", "EUR", amounts)], timezone.now()
    )
    count_again()
    for number in range(4):  # the oldest are sealed and gone
        make_row(AuditEntry, at=long_ago - timedelta(days=1_000 - number), detail=HOSTILE)
    chain.link_next()
    segments.remove_oldest(timezone.now())
    make_row(AuditEntry, detail=HOSTILE, at=timezone.now())
    chain.link_next()
    make_row(Campaign).delete()  # its number is not given again
    with connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_heartbeat SET at = '2026-01-01', until = NULL")
        cursor.execute("UPDATE campaigns_batch SET lease_until = NULL")


def count_again() -> None:
    rebuild()
    assert LedgerTotal.objects.exists()
    assert Tally.objects.exists()
    append_only.ensure_append_only()


@pytest.fixture
def installation(
    filled: Path,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Path]:
    """The file of an installation of its own, which is Django's database."""
    file = tmp_path / "viberdash.sqlite3"
    with closing(sqlite3.connect(filled)) as database, closing(sqlite3.connect(file)) as copy:
        database.backup(copy)
        copy.execute("PRAGMA journal_mode=WAL")
    settings.MIGRATION_MODULES = NoMigrations()
    settings.SQLITE, settings.DATA_ROOT = True, tmp_path
    settings.STATE_FILE = tmp_path / "state.json"
    settings.AUDIT_KEEP_DAYS = 730

    def quick_migrate(name: str, **options: Any) -> None:
        call_command(name, run_syncdb=True, **options)

    monkeypatch.setattr(target, "call_command", quick_migrate)
    monkeypatch.setattr(SLEEP, lambda seconds: None)
    monkeypatch.setitem(guard._state, "complete", "")
    with django_db_blocker.unblock(), default_database(sqlite_address(file)):
        yield file


@pytest.fixture
def empty() -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    with psycopg.connect(POSTGRESQL, autocommit=True) as maintenance:
        maintenance.execute(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')
        maintenance.execute(f'CREATE DATABASE "{NAME}"')
        yield f"{SERVER}/{NAME}"
        maintenance.execute(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')


@pytest.fixture
def move(installation: Path) -> Move:
    """`move("--to", address)` runs the command; what it prints."""

    def run(*arguments: str) -> str:
        output = StringIO()
        call_command("move", *arguments, stdout=output)
        return output.getvalue()

    return run
