"""What the engines are told on every connection."""

import threading

import pytest
from django.conf import settings
from django.db import connection, transaction

pytestmark = pytest.mark.django_db(transaction=True)


def promises() -> dict[str, object]:
    """What this connection was told, of what makes a commit last."""
    names = (
        ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        if settings.SQLITE
        else ("synchronous_commit",)
    )
    result = {}
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"PRAGMA {name}" if settings.SQLITE else f"SHOW {name}")
            result[name] = cursor.fetchone()[0]
    return result


def test_commits_last_on_every_connection() -> None:
    result = [promises()]

    def another() -> None:
        try:
            result.append(promises())
        finally:
            connection.close()

    thread = threading.Thread(target=another)
    thread.start()
    thread.join()
    connection.close()
    result.append(promises())
    sqlite = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 20_000}
    assert result == [sqlite if settings.SQLITE else {"synchronous_commit": "on"}] * 3


def test_transactions_begin_as_the_engine_needs() -> None:
    """SQLite takes the lock for writing at once: two that read first follow each other, instead of
    one failing.
    """
    connection.ensure_connection()
    if not settings.SQLITE:
        assert connection.settings_dict["CONN_HEALTH_CHECKS"]
        return
    seen: list[str] = []
    connection.connection.set_trace_callback(seen.append)
    with transaction.atomic():
        pass
    connection.connection.set_trace_callback(None)
    assert seen == ["BEGIN IMMEDIATE", "COMMIT"]
