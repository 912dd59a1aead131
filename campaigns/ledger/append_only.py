"""The ledger refuses UPDATE, DELETE and TRUNCATE in the database itself, whoever asks.

Made sure of after each migration, not by one: where SQLite changes a table it makes it anew, and
the triggers are gone.
"""

from django.db import connections

TABLE = "campaigns_ledgerentry"
WORDS = "the ledger is append-only"
SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS ledger_no_{verb} BEFORE {verb} ON {TABLE} BEGIN SELECT"
    f" RAISE(ABORT, '{WORDS}'); END"
    for verb in ("UPDATE", "DELETE")
]
POSTGRESQL = [
    (
        "CREATE OR REPLACE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$"
    ),
    f"DROP TRIGGER IF EXISTS ledger_append_only ON {TABLE}",
    # a statement trigger costs an insert nothing
    (
        f"CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}"
        " FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
    ),
]


def ensure_append_only(using: str = "default", **_signal: object) -> None:
    """Have the triggers on the ledger's table, if the table is there."""
    connection = connections[using]
    if TABLE not in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for statement in SQLITE if connection.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)
