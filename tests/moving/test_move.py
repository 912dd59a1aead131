"""`manage.py move`: everything arrives, whatever is killed, and the source stays shut."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import CommandError
from django.db import NotSupportedError, OperationalError, connection
from django_q.models import OrmQ

from campaigns.management.commands.run import require_alone
from campaigns.models import AuditSeal, Campaign, Heartbeat, Installation, Recipient
from campaigns.results.money.rebuilding import differences
from campaigns.team import safe_mode
from campaigns.team.audit import chain
from tests.moving.conftest import HOSTILE, NAME, SERVER, SLEEP, Move, default_database
from viberdash import command_line, environment
from viberdash.management.commands import move as command
from viberdash.moving import copying, source, target

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(settings.SQLITE, reason="moves to PostgreSQL"),
]
PLACES = (
    "move_marked", "move_migrate", "move_migrated", "move_batch", "move_committed", "move_batch",
    "move_batch", "move_index", "move_index", "move_finished",
)  # fmt: skip


class Killed(BaseException):
    """Nothing after it runs, as after SIGKILL; what was not committed is gone."""


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all models in Django's database."""
    return {
        model._meta.db_table: list(model._base_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model is not Heartbeat
    }


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of places, at each of which one run is killed."""
    left: list[str] = []

    def failpoint(name: str) -> None:
        if left and name == left[0]:
            left.pop(0)
            raise Killed(name)

    for module in (command, target, copying):
        monkeypatch.setattr(module, "failpoint", failpoint)
    return left


def test_everything_arrives_however_often_it_is_killed(
    move: Move, empty: str, killing: list[str], installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 2)
    monkeypatch.setattr(copying, "CHUNK", 1)
    before = rows()
    next_campaign = Campaign.objects.latest("pk").pk + 2  # the last one was deleted
    killing += PLACES
    for place in PLACES:
        with pytest.raises(Killed, match=place):
            move("--to", empty)
        with pytest.raises(OperationalError, match="moved to PostgreSQL"):
            connection.ensure_connection()
    printed = move("--to", empty)

    assert "Moved. Set DATABASE_URL in .env to the address that you gave" in printed
    with default_database(environment.database(empty)):
        arrived = rows()
        [installed] = arrived.pop("campaigns_installation")
        [was] = before.pop("campaigns_installation")
        assert installed[2] == was[2] + 1 == 42
        assert Installation.objects.get().safe_since is None
        assert "moved" in arrived["campaigns_auditentry"].pop()
        assert all(row[7] == 0 for row in arrived["campaigns_contactlist"])  # indexed anew
        for table in arrived:
            if table != "campaigns_contactlist":
                assert arrived[table] == before[table], table
        assert Recipient.objects.filter(fields__name=HOSTILE).count() == 5
        assert Campaign.objects.create(name="next").pk == next_campaign
        assert OrmQ.objects.count() == len(before["django_q_ormq"]) == 1
        assert differences() == []
        trail = chain.verify()
        assert (trail.findings, trail.linked, trail.waiting) == ([], 1, 1)
        assert AuditSeal.objects.get().entries == 4
        with connection.cursor() as cursor:
            cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE 'database_move%'")
            assert cursor.fetchall() == [("database_move",)]
            with pytest.raises(Exception, match="append-only"):
                cursor.execute("DELETE FROM campaigns_ledgerentry")
        assert not safe_mode.detect_restore(datetime.now(UTC), under_way=True)
    assert move("--to", empty).startswith("Moved.")  # once more, and nothing is done
    with pytest.raises(OperationalError) as moved:
        connection.ensure_connection()
    line = command_line.explain(moved.value)
    assert f"can't be used: it was moved to PostgreSQL at 127.0.0.1/{NAME}. Name that" in line


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def refusal(move: Move, *arguments: str) -> str:
    """The one line that the command ends with."""
    with pytest.raises(CommandError) as refused:
        move(*arguments)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_postgresql_refuses_is_named_and_can_be_replaced(
    move: Move, empty: str, installation: Path
) -> None:
    key = Recipient.objects.order_by("pk")[2].pk
    connection.close()
    change(
        installation,
        f"UPDATE campaigns_recipient SET reason = 'a' || CHAR(0) || 'b' WHERE id = {key}",
        'UPDATE campaigns_recipient SET fields = \'{"a": "\\u0000 \\\\u0000"}\' WHERE id = '
        f"{key + 1}",
    )
    assert refusal(move, "--to", empty) == (
        f"PostgreSQL refuses campaigns_recipient, row {key}, column reason: invalid byte sequence"
        ' for encoding "UTF8": 0x00. Add --replace-nul, which puts U+FFFD in the place of each NUL,'
        " and start the same command again."
    )
    assert "Moved." in move("--to", empty, "--replace-nul")
    with default_database(environment.database(empty)):
        assert Recipient.objects.get(pk=key).reason == "a\ufffdb"
        assert Recipient.objects.get(pk=key + 1).fields == {"a": "\ufffd \\u0000"}


def test_row_that_does_not_fit_is_corrected_and_the_move_goes_on(
    move: Move, empty: str, installation: Path
) -> None:
    connection.close()
    change(installation, "UPDATE campaigns_sender SET name = 'much too long a name'")
    text = refusal(move, "--to", empty)
    assert text.startswith("PostgreSQL refuses campaigns_sender, row ")
    assert "column name: value too long for type character varying(14). Correct it in" in text
    with (
        default_database(environment.database(empty)),
        pytest.raises(OperationalError, match="not finished"),
    ):
        connection.ensure_connection()
    change(installation, "UPDATE campaigns_sender SET name = 'Shop ' || id")
    assert "Moved." in move("--to", empty)


def test_counts_and_totals_are_compared(
    move: Move, empty: str, installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_indexes = target.make_indexes

    def lose_an_amount() -> None:
        make_indexes()
        target.execute("UPDATE campaigns_ledgertotal SET amount = amount - 1")

    monkeypatch.setattr(target, "make_indexes", lose_an_amount)
    assert refusal(move, "--to", empty).startswith("The databases differ")
    change(installation, "UPDATE campaigns_ledgertotal SET amount = amount - 2")
    assert refusal(move, "--to", empty).startswith("Totals or the audit trail are damaged.")
    monkeypatch.setattr(target, "make_indexes", make_indexes)
    assert "Moved." in move("--to", empty, "--as-is")


@pytest.mark.parametrize("name", ["queue@here", "sweep", "send@here"])
def test_nothing_may_be_at_work(
    move: Move, empty: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    Heartbeat.objects.create(name=name, at=now, until=now + timedelta(seconds=15))

    def beat(seconds: float) -> None:
        Heartbeat.objects.filter(name=name).update(at=now + timedelta(seconds=seconds))

    monkeypatch.setattr(SLEEP, beat)
    assert refusal(move, "--to", empty) == f"{name} is at work. {source.HOW_TO_STOP}"
    connection.ensure_connection()  # nothing was changed


def test_what_stopped_a_moment_ago_is_waited_for(
    move: Move, empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Heartbeat.objects.create(name="queue@here", at=datetime.now(UTC))
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            Heartbeat.objects.filter(name="queue@here").delete()

    monkeypatch.setattr(SLEEP, wait)
    printed = move("--to", empty)
    assert "queue@here was at work a moment ago. Looking for up to 120 s" in printed
    assert len(waits) == 3


def test_run_and_open_connections_are_noticed(move: Move, empty: str, installation: Path) -> None:
    with require_alone(installation.with_name("run.lock")):
        assert refusal(move, "--to", empty).startswith("It is already running here, as process")
    with closing(sqlite3.connect(installation)) as other:
        other.execute("SELECT * FROM campaigns_user").fetchall()
        assert f"{installation} is in use by another process" in refusal(move, "--to", empty)


def test_target_has_to_be_empty(move: Move, empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as database:
        database.execute("CREATE TABLE something (id int)")
    assert refusal(move, "--to", empty) == (
        "The database to move to is not empty. Create a new one, and name it."
    )


def test_way_back_and_a_second_move(move: Move, empty: str, installation: Path) -> None:
    assert refusal(move, "--back") == f"{installation} was not moved: it can be used as it is."
    move("--to", empty)
    with psycopg.connect(f"{SERVER}/postgres", autocommit=True) as maintenance:
        maintenance.execute(f'ALTER DATABASE "{NAME}" RENAME TO "{NAME}_kept"')
        maintenance.execute(f'CREATE DATABASE "{NAME}"')
        text = refusal(move, "--to", empty)
        maintenance.execute(f'DROP DATABASE "{NAME}" WITH (FORCE)')
        maintenance.execute(f'ALTER DATABASE "{NAME}_kept" RENAME TO "{NAME}"')
    assert text.startswith(f"{installation} was moved to ")
    assert text.endswith(f"/{NAME} already. To use it again: manage.py move --back")
    assert f"{installation} can be used again." in move("--back")
    safe_mode.cache_state(safe=False)
    assert Installation.objects.get().safe_since  # nothing is sent from it
    Installation.objects.update(safe_since=None)
    # by its number too, should somebody end safe mode in the file
    assert safe_mode.detect_restore(datetime.now(UTC), under_way=True)
    assert refusal(move, "--to", empty) == (
        "The database holds another move. Create a new, empty one."
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("mysql://127.0.0.1/x", "--to must be postgres://user:password@host/name"),
        ("sqlite:///x.sqlite3", "--to must be postgres://user:password@host/name"),
        ("postgres://me:p@ss/w@127.0.0.1/x", "--to must be postgres://user:password@host/name"),
        (f"{SERVER}/{NAME}_none", "Create it, or correct its name in --to"),
        ("postgres://127.0.0.1:1/x", "or correct its host and port in --to"),
    ],
    ids=["mysql", "sqlite", "password", "no database", "no server"],
)
def test_bad_addresses(move: Move, address: str, expected: str) -> None:
    assert expected in refusal(move, "--to", address)
    connection.ensure_connection()


def test_source_that_is_none(move: Move, empty: str, installation: Path) -> None:
    connection.close()
    installation.write_bytes(b"")
    assert refusal(move, "--to", empty) == (
        f"{installation} has no tables of ViberDash: there is nothing to move."
    )
    installation.write_bytes(b"no database at all" * 100)
    assert "can't be read: file is not a database" in refusal(move, "--to", empty)
    installation.unlink()
    assert "does not exist. Correct DATABASE_URL" in refusal(move, "--to", empty)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            psycopg.errors.DiskFull('could not extend file "base/1": No space left on device'),
            "Free space on the disk of the database, and try again.",
        ),
        (
            NotSupportedError("PostgreSQL 14 or later is required (found 12.3)."),
            "Upgrade PostgreSQL, or name a database of a newer one in --to.",
        ),
        (
            OperationalError('FATAL:  password authentication failed for user "viberdash"'),
            "Correct the user and the password in --to",
        ),
    ],
)
def test_faults_of_the_server(
    move: Move, empty: str, fault: Exception, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.setattr(target, "look", fail)
    assert expected in refusal(move, "--to", empty)
