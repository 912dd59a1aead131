"""Disk space that recipients no longer need is returned, and nothing else changes."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client

from campaigns.dispatch import compaction
from campaigns.dispatch.models import Recipient
from campaigns.ledger.models import LedgerEntry
from campaigns.results.money.rebuilding import differences
from campaigns.team.models import AuditEntry, User
from tests.benchmarks import report_rows
from tests.chaos.processes import database_url

ROOM = [
    "autovacuum_analyze_scale_factor=0",
    "autovacuum_analyze_threshold=100000",
    "fillfactor=50",
]


@pytest.mark.skipif(not settings.SQLITE, reason="PostgreSQL leaves room in pages")
@pytest.mark.django_db
def test_sqlite_has_nothing_to_return() -> None:
    with pytest.raises(CommandError, match="there is nothing to return"):
        call_command("compact")


@pytest.mark.skipif(settings.SQLITE, reason="SQLite leaves no room in pages")
@pytest.mark.django_db(transaction=True)  # no transaction can compact
class TestCompact:
    def test_returns_space_and_changes_nothing(
        self, monkeypatch: pytest.MonkeyPatch, client: Client, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # which leaves the tables without a journal, for later tests too
        monkeypatch.setattr(report_rows, "_without_indexes", nullcontext)
        newest = report_rows.make_steady(6_000, part=600)
        client.force_login(User.objects.get(username="olena"))
        addresses = [
            f"/campaigns/{newest.pk}/recipients.csv",
            f"/spend/entries.csv?campaign={newest.pk}",
            "/spend/export.csv?period=30",
        ]
        before = [read(client, address) for address in addresses], stored()
        assert [len(file.splitlines()) for file in before[0][:2]] == [301, 361]
        assert b"EUR" in before[0][2]
        size = compaction.size()

        call_command("compact")

        assert ([read(client, address) for address in addresses], stored()) == before
        assert differences() == []
        now = compaction.size()
        assert now < 0.75 * size
        assert "MB before" in capsys.readouterr().out
        assert AuditEntry.objects.filter(subject="command:compact", action="compacted").count() == 1

    def test_refuses_while_others_are_connected(self) -> None:
        with (
            psycopg.connect(database_url(connection)),
            pytest.raises(CommandError, match=r"in use \(1 other connection"),
        ):
            call_command("compact")

    def test_leaves_room_again_after_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compaction, "LOCK_PATIENCE", "20ms")
        with reader(), pytest.raises(OperationalError, match="lock timeout"):
            compaction.compact()
        assert options() == ROOM

    def test_leaves_room_again_where_it_was_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run = compaction._run

        def run_until_killed(statement: str) -> None:
            run(statement)
            if statement.startswith("CLUSTER"):
                run("SELECT pg_terminate_backend(pg_backend_pid())")

        monkeypatch.setattr(compaction, "_run", run_until_killed)
        with pytest.raises(OperationalError, match="terminating connection"):
            compaction.compact()
        connection.close()
        assert options() == ROOM


@contextmanager
def reader() -> Iterator[None]:
    """Somebody who reads recipients in a transaction."""
    with psycopg.connect(database_url(connection)) as other:
        other.execute("SELECT 1 FROM campaigns_recipient")
        yield


def read(client: Client, address: str) -> bytes:
    return b"".join(client.get(address))


def stored() -> tuple[Any, ...]:
    """All recipients and entries, the indexes, and what is set for the table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'campaigns_recipient'")
        indexes = sorted(cursor.fetchall())
    rows = [list(model.objects.order_by("pk").values()) for model in (Recipient, LedgerEntry)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_index WHERE indisclustered")
        clustered = cursor.fetchone()
    return (*rows, indexes, options(), clustered)


def options() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'campaigns_recipient'")
        return sorted(cursor.fetchone()[0])
