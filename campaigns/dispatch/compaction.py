"""Give back the room in the pages of recipients that their outcomes no longer need (PostgreSQL).

Half of each page is left free at the freeze, so that outcomes are written beside their rows. Once
a campaign has ended, its half is of no use, and neither inserts nor autovacuum give it back.
"""

from django.db import connection, transaction

from campaigns.dispatch.models import Recipient

TABLE = Recipient._meta.db_table
FILLFACTOR = 50  # as migration 0002 sets it
LOCK_PATIENCE = "10s"


def count_connections() -> int:
    """How many others are connected to the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND usename IS NOT NULL"  # autovacuum is no user
        )
        return int(cursor.fetchone()[0])


def size() -> int:
    """The bytes of recipients with their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s)", [TABLE])
        return int(cursor.fetchone()[0])


def compact() -> None:
    """Write all recipients anew into full pages, with new indexes; no row changes.

    Nobody can read or write recipients meanwhile. It is one transaction of its own, so what is
    frozen later has its room as before, also after an error or if the process is killed.
    """
    with transaction.atomic(durable=True):  # CLUSTER can be part of one, VACUUM FULL can't
        _run(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE}'")
        _run(f"ALTER TABLE {TABLE} SET (fillfactor = 100)")
        _run(f"CLUSTER {TABLE} USING {TABLE}_pkey")
        _run(f"ALTER TABLE {TABLE} SET WITHOUT CLUSTER, SET (fillfactor = {FILLFACTOR})")
    # the statistics, and which rows are visible to all, for scans of indexes alone
    _run(f"VACUUM (ANALYZE) {TABLE}")


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
