"""The database into a file and back, on both engines, with what was in it at that moment."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.client import DatabaseClient

from viberdash.backups import facts, tools
from viberdash.backups.errors import Refused

FILE_NAMES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
MUST_BE_LISTED = [f"TABLE DATA public {table} " for table in facts.TABLES]


def engine() -> str:
    return "sqlite" if settings.SQLITE else "postgresql"


def dump(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Write the database into a file of `folder` while it is in use, and verify the file.

    Returns the file, and the facts of the very state that it holds. Raises Refused.
    """
    file = folder / FILE_NAMES[engine()]
    with _faults_of_sqlite():
        return file, (_dump_sqlite(file) if settings.SQLITE else _dump_postgresql(file))


def require_empty() -> None:
    """Raise Refused if DATABASE_URL names a database that is in use or not empty."""
    if settings.SQLITE:
        file = _sqlite_file()
        for path in (file, *(file.with_name(file.name + end) for end in ("-wal", "-shm"))):
            if path.exists():
                raise Refused(f"{path} is there already. Stop everything, and move it away.")
        return
    with connection.cursor() as cursor:
        if connection.introspection.table_names(cursor):
            raise Refused(
                "The database of DATABASE_URL is not empty. Create a new one, and name it there."
            )
        cursor.execute(
            "SELECT COUNT(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if cursor.fetchone()[0]:
            raise Refused("The database of DATABASE_URL is in use. Stop everything first.")


def load(file: Path, expected: dict[str, Any]) -> None:
    """Load a dump into the empty database, all of it or nothing. Raises Refused.

    SQLite's file gets its name only if it holds what is `expected`; `require_same` looks for both.
    """
    if settings.SQLITE:
        with _faults_of_sqlite():
            _load_sqlite(file, expected)
        return
    arguments, variables = _postgresql_access()
    place = [*arguments[:-1], "--dbname", arguments[-1]]
    whole = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-acl"]
    connection.close()
    tools.run(["pg_restore", *whole, *place, str(file)], variables)


def require_same(expected: dict[str, Any]) -> None:
    """Raise Refused if the database holds something else than the backup did."""
    with connection.cursor() as cursor:
        _require_same(facts.read(_reader(cursor)), expected)


@contextmanager
def _faults_of_sqlite() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as fault:
        raise Refused(f"SQLite: {fault}. Nothing is kept.") from fault


def _dump_sqlite(file: Path) -> dict[str, Any]:
    address = f"{_sqlite_file().absolute().as_uri()}?mode=rw"  # not a new one where there is none
    with (
        closing(sqlite3.connect(address, uri=True)) as source,
        closing(sqlite3.connect(file)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without another beside it
        return _facts_of_sound(copy)


def _dump_postgresql(file: Path) -> dict[str, Any]:
    arguments, variables = _postgresql_access()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")  # as long as it takes
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        command = ["pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={file}"]
        tools.run([*command, *arguments], variables)
        found = facts.read(_reader(cursor))
    content = tools.run(["pg_restore", "--list", str(file)])
    if missing := [line for line in MUST_BE_LISTED if line not in content]:
        raise Refused(f"pg_dump wrote no {missing[0].strip()}: nothing is kept.")
    return found


def _load_sqlite(file: Path, expected: dict[str, Any]) -> None:
    place = _sqlite_file()
    draft = place.with_name(f"{place.name}.restoring")
    draft.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            _require_same(_facts_of_sound(copy), expected)
        connection.close()
        os.replace(draft, place)
    finally:
        draft.unlink(missing_ok=True)


def _facts_of_sound(copy: sqlite3.Connection) -> dict[str, Any]:
    [(verdict,), *_more] = copy.execute("PRAGMA integrity_check").fetchall()
    if verdict != "ok":
        raise Refused(f"The copy of the database is damaged ({verdict}): nothing is kept.")
    return facts.read(lambda query: copy.execute(query).fetchall())


def _require_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if found[name] != value:
            raise Refused(
                f"The restored database differs from the manifest in its {name}: delete it."
            )


def _reader(cursor: Any) -> facts.Execute:
    def execute(query: str) -> Any:
        cursor.execute(query)
        return cursor.fetchall()

    return execute


def _postgresql_access() -> tuple[list[str], dict[str, str]]:
    """Arguments that name server and database, and variables with the password and TLS."""
    arguments, variables = DatabaseClient.settings_to_cmd_args_env(connection.settings_dict, [])
    return arguments[1:], {"LC_ALL": "C"} | (variables or {})


def _sqlite_file() -> Path:
    return Path(str(connection.settings_dict["NAME"]))
