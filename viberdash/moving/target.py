"""The PostgreSQL database that is moved to: whether it can be used, how far the move has come, and
its indexes and constraints, which are away while rows are copied.
"""

# ruff: noqa: S608 - names of our own tables

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections, transaction

from campaigns.contacts.models import ContactList
from campaigns.dispatch.failpoints import failpoint
from viberdash.backups.errors import Refused
from viberdash.moving import guard
from viberdash.moving.tables import Table

LOCK = guard.MARK  # of PostgreSQL's advisory locks: one move at a time
SESSION = (
    "-c jit=off -c synchronous_commit=off -c maintenance_work_mem=256MB -c lock_timeout=30s"
    " -c client_min_messages=warning"
)
STATE = (
    f"CREATE TABLE {guard.TABLE} (token text NOT NULL, finished_at timestamptz)",
    (
        "CREATE TABLE database_move_table (name text PRIMARY KEY, position text,"
        " rows bigint NOT NULL DEFAULT 0, is_copied boolean NOT NULL DEFAULT FALSE)"
    ),
    # what makes an index or a constraint again, in this order
    (
        "CREATE TABLE database_move_index (id int GENERATED ALWAYS AS IDENTITY,"
        " creation text NOT NULL)"
    ),
)
# all but primary keys: dropped by the first statement, made again by the second
INDEXES = """
    SELECT 1, i.relname, t.relname, 'DROP INDEX ' || quote_ident(i.relname),
        pg_get_indexdef(i.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relnamespace = CURRENT_SCHEMA()::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.oid
            AND c.contype IN ('p', 'u', 'x'))
    UNION ALL
    SELECT CASE contype WHEN 'f' THEN 3 ELSE 2 END, conname, t.relname,
        format('ALTER TABLE %I DROP CONSTRAINT %I', t.relname, conname),
        format('ALTER TABLE %I ADD CONSTRAINT %I %s', t.relname, conname,
            pg_get_constraintdef(c.oid))
    FROM pg_constraint c JOIN pg_class t ON t.oid = conrelid
    WHERE t.relnamespace = CURRENT_SCHEMA()::regnamespace AND contype IN ('u', 'x', 'f')
    ORDER BY 1, 3, 2
"""


@contextmanager
def as_default(options: dict[str, Any]) -> Iterator[None]:
    """Let Django's database be the one of `options`, so that all code of ours works on it."""
    own = connections["default"]
    own.close()
    address = {**options, "OPTIONS": {"connect_timeout": 10, **options.get("OPTIONS", {})}}
    address["OPTIONS"]["options"] = f"{address['OPTIONS'].get('options', '')} {SESSION}".strip()
    earlier = connections.settings["default"]
    connections.settings["default"] = connections.configure_settings({"default": address})[
        "default"
    ]
    connections["default"] = connections.create_connection("default")
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections["default"].close()
        connections.settings["default"] = earlier
        connections["default"] = own
        ContentType.objects.clear_cache()


def execute(statement: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute a statement; its rows, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [*parameters] or None)
        return cursor.fetchall() if cursor.description else []


def look() -> guard.Mark | None:
    """The move that the database holds; None if it is empty.

    Raises Refused if the database can't be moved to.
    """
    if execute("SHOW server_encoding")[0][0] != "UTF8":
        raise Refused("The database to move to has to be of the encoding UTF8. Create it anew.")
    if not execute(f"SELECT PG_TRY_ADVISORY_LOCK({LOCK})")[0][0]:
        raise Refused("Another process is moving to this database. Wait for it, or end it.")
    names = connection.introspection.table_names()
    if guard.TABLE in names:
        [(token, finished_at)] = execute(f"SELECT token, finished_at FROM {guard.TABLE}")
        return guard.Mark(token, finished_at is not None)
    if names:
        raise Refused("The database to move to is not empty. Create a new one, and name it.")
    return None


def begin(token: str) -> None:
    """Begin the move `token`; from then on the database can't be used for anything else."""
    with transaction.atomic():
        for statement in STATE:
            execute(statement)
        execute(f"INSERT INTO {guard.TABLE} VALUES (%s, NULL)", [token])


def prepare(tables: list[Table]) -> None:
    """Make the tables without indexes, and delete what a new installation has in them."""
    if execute("SELECT 1 FROM database_move_table LIMIT 1"):
        return
    failpoint("move_migrate")
    call_command("migrate", interactive=False, verbosity=0)
    failpoint("move_migrated")
    names = {table.name for table in tables}
    with transaction.atomic():
        indexes = [row for row in execute(INDEXES) if row[2] in names]
        for *_names, creation in indexes:
            execute("INSERT INTO database_move_index (creation) VALUES (%s)", [creation])
        for *_names, removal, _creation in reversed(indexes):
            execute(removal)
        for table in tables:
            with without_triggers(table.name):
                execute(f"DELETE FROM {table.name}")
            execute("INSERT INTO database_move_table (name) VALUES (%s)", [table.name])


@contextmanager
def without_triggers(table: str) -> Iterator[None]:
    """Our triggers of a table do nothing meanwhile. In a transaction: so they can't stay away."""
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def make_indexes() -> None:
    """Make the indexes and constraints that are still away, each in a transaction of its own."""
    for pk, creation in execute("SELECT id, creation FROM database_move_index ORDER BY id"):
        with transaction.atomic():
            execute(creation)
            execute("DELETE FROM database_move_index WHERE id = %s", [pk])
        failpoint("move_index")


def set_sequence(table: Table, highest: int) -> None:
    """Let PostgreSQL number the next row after `highest`, the highest number that was ever used."""
    if table.identity:
        execute(
            "SELECT SETVAL(PG_GET_SERIAL_SEQUENCE(%s, %s), %s, %s)",
            [table.name, table.key, max(highest, 1), highest > 0],
        )


def finish(settle: Callable[[], None]) -> None:
    """Let the database be used, in one transaction with `settle`; searches are indexed anew."""
    with transaction.atomic():
        execute("SET LOCAL synchronous_commit = on")
        ContactList.objects.update(searched_to=0)
        settle()
        execute("DROP TABLE database_move_table, database_move_index")
        execute(f"UPDATE {guard.TABLE} SET finished_at = CLOCK_TIMESTAMP()")
