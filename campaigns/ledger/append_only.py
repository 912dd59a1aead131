"""Triggers that refuse UPDATE, DELETE and TRUNCATE of ledger entries in the database itself.

They are created after each migration, not by one: SQLite changes a table by creating it anew,
which drops its triggers.
"""

from collections.abc import Sequence

from django.db import connections

TABLE = "campaigns_ledgerentry"
MESSAGE = "the ledger is append-only"
SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS ledger_no_{verb} BEFORE {verb} ON {TABLE} BEGIN SELECT"
    f" RAISE(ABORT, '{MESSAGE}'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    (
        "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{MESSAGE}'; END $$"
    ),
    f"DROP TRIGGER IF EXISTS ledger_append_only ON {TABLE}",
    # A statement trigger does not slow inserts down.
    (
        f"CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
    ),
]


def ensure_append_only(using: str = "default", **_signal: object) -> None:
    """Create the triggers on the ledger's table, if the table exists."""
    execute_on(using, TABLE, SQLITE, POSTGRESQL)


def execute_on(using: str, table: str, sqlite: Sequence[str], postgresql: Sequence[str]) -> None:
    """Execute the statements of the engine, if `table` exists."""
    connection = connections[using]
    if table not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for statement in sqlite if connection.vendor == "sqlite" else postgresql:
            cursor.execute(statement)
