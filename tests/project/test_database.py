"""What the engines are told on every connection."""

import threading

import pytest
from django.conf import settings
from django.db import connection, transaction

pytestmark = pytest.mark.django_db(transaction=True)


def pragmas() -> dict[str, object]:
    with connection.cursor() as cursor:
        found = {}
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout"):
            cursor.execute(f"PRAGMA {name}")
            found[name] = cursor.fetchone()[0]
    return found


@pytest.mark.skipif(not settings.SQLITE, reason="SQLite's own")
def test_sqlite_is_durable_and_patient_on_every_connection() -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    found = [pragmas()]

    def another() -> None:
        try:
            found.append(pragmas())
        finally:
            connection.close()

    thread = threading.Thread(target=another)
    thread.start()
    thread.join()
    connection.close()
    found.append(pragmas())
    assert found == [expected] * 3


@pytest.mark.skipif(not settings.SQLITE, reason="SQLite's own")
def test_sqlite_transactions_take_the_write_lock_at_once() -> None:
    """Two that read first and write later follow each other, instead of one failing."""
    connection.ensure_connection()
    seen: list[str] = []
    connection.connection.set_trace_callback(seen.append)
    with transaction.atomic():
        pass
    connection.connection.set_trace_callback(None)
    assert seen == ["BEGIN IMMEDIATE", "COMMIT"]


@pytest.mark.skipif(settings.SQLITE, reason="PostgreSQL's own")
def test_postgresql_commits_are_durable() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
