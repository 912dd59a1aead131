"""Each new connection asks whether the database was moved away, or is not complete yet: so no
process can work on it by mistake, whatever started it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError
from django.db.backends.signals import connection_created

TABLE = "database_move"  # in both databases, one row
MARK = 0x56424D56  # SQLite's user_version of a database that was moved, or is being moved
_state = {"lifted": False, "complete": ""}


@dataclass(frozen=True, slots=True)
class Mark:
    """A move that a database takes part in: its token is the same on both sides. `place`: where to,
    as far as this database knows.
    """

    token: str
    is_finished: bool
    place: str = ""


@contextmanager
def lifted() -> Iterator[None]:
    """Let this process use both databases: it moves them."""
    _state["lifted"] = True
    try:
        yield
    finally:
        _state["lifted"] = False


def watch_connections() -> None:
    connection_created.connect(_look, dispatch_uid="moved databases")


def moved_to(database: sqlite3.Connection) -> str | None:
    """Where the data of a SQLite database went or is going; None if it was not moved."""
    [number] = database.execute("PRAGMA user_version").fetchone()
    if number != MARK:
        return None
    [target] = database.execute(f"SELECT target FROM {TABLE}").fetchone()  # noqa: S608
    return target.decode() if isinstance(target, bytes) else str(target)


def _look(connection: Any, **_signal: object) -> None:
    """Close a connection that must not be used. Raises OperationalError."""
    if _state["lifted"]:
        return
    is_postgresql = connection.vendor == "postgresql"
    text = (_incomplete if is_postgresql else _moved)(connection)
    if text:
        connection.close()
        raise OperationalError(text)


def _moved(connection: Any) -> str:
    target = moved_to(connection.connection)
    return "" if target is None else f"it was moved to PostgreSQL at {target}"


def _incomplete(connection: Any) -> str:
    """Asked once: what is complete stays so."""
    place = connection.settings_dict
    name = f"{place['HOST']}:{place['PORT']}/{place['NAME']}"
    if _state["complete"] == name:
        return ""
    with connection.connection.cursor() as cursor:
        if cursor.execute(f"SELECT TO_REGCLASS('{TABLE}')").fetchone()[0]:
            row = cursor.execute(f"SELECT finished_at FROM {TABLE}").fetchone()  # noqa: S608
            if row and row[0] is None:
                return "the move from SQLite is not finished"
    _state["complete"] = name
    return ""
