"""The SQLite database that is moved: nothing may use it, and a mark keeps it so."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from viberdash.backups.errors import Refused
from viberdash.moving import guard
from viberdash.moving.tables import JSON_FUNCTION
from viberdash.moving.unfit_texts import json_without_nul

LOOK_EVERY = 2.0  # seconds
# after its last sign of life each of these may still run; the names begin like this
SIGNS = {"queue@": timedelta(seconds=120), "sweep": timedelta(seconds=45)}
HOW_TO_STOP = (
    "Stop the installation (Ctrl-C in `make run`, or systemctl stop viberdash.target) and start"
    " the same command again."
)
INSTANT = "%Y-%m-%d %H:%M:%S.%f"  # as Django writes times to SQLite, in UTC


def existing(name: str) -> Path:
    """The file of the source. Raises Refused if there is none, or if it is no database of ours."""
    file = Path(name)
    if not file.is_file():
        raise Refused(f"{file} does not exist. Correct DATABASE_URL: it names what is moved.")
    try:
        with opened(file) as database:
            tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'django_migrations'"
            if not database.execute(tables).fetchone()[0]:
                raise Refused(f"{file} has no tables of ViberDash: there is nothing to move.")
    except sqlite3.Error as fault:
        raise Refused(f"{file} can't be read: {fault}.") from fault
    return file


@contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads, and gives texts as the bytes that they are."""
    database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=20)
    with closing(database):
        database.text_factory = bytes
        database.create_function(JSON_FUNCTION, 1, json_without_nul, deterministic=True)
        yield database


def require_idle(file: Path, say: Callable[[str], None]) -> None:
    """Return when no process can be at work any more. Raises Refused if one shows signs of life.

    A process that ended a moment ago can't be told from one that is quiet: so its time is waited
    for. The table of heartbeats is small, and read every LOOK_EVERY seconds.
    """
    is_told = False
    first: dict[str, datetime] = {}
    while True:
        signs = _signs_of_life(file)
        for name, (at, _until) in signs.items():
            if at > first.setdefault(name, at):
                raise Refused(f"{name} is at work. {HOW_TO_STOP}")
        now = datetime.now(UTC)
        latest = max(signs.items(), key=lambda sign: sign[1][1], default=None)
        if latest is None or latest[1][1] <= now:
            return
        if not is_told:
            is_told = True
            seconds = (latest[1][1] - now).seconds + 1
            say(
                f"{latest[0]} was at work a moment ago. Looking for up to {seconds} s whether it"
                " still is; if it runs, stop it."
            )
        time.sleep(LOOK_EVERY)


def _signs_of_life(file: Path) -> dict[str, tuple[datetime, datetime]]:
    """By name: the last sign of life, and until when the process may be at work."""
    signs = {}
    with opened(file) as database:
        for row in database.execute("SELECT name, at, until FROM campaigns_heartbeat"):
            name, at = row[0].decode(), instant(row[1])
            until = instant(row[2]) if row[2] else at
            ends = (at + grace for prefix, grace in SIGNS.items() if name.startswith(prefix))
            signs[name] = (at, max([until, *ends]))
        lease = "SELECT MAX(lease_until) FROM campaigns_batch WHERE lease_until IS NOT NULL"
        if (until_text := database.execute(lease).fetchone()[0]) is not None:
            signs["A sender"] = (instant(until_text), instant(until_text))
    return signs


def mark(file: Path, token: str, target: str) -> None:
    """Mark the database as being moved to `target`: from then on nobody else opens it.

    Raises Refused if anybody has it open at this moment.
    """
    with _alone(file) as database:
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {guard.TABLE}"
            " (token text NOT NULL, target text NOT NULL, finished_at text)"
        )
        database.execute(f"DELETE FROM {guard.TABLE}")  # noqa: S608
        database.execute(f"INSERT INTO {guard.TABLE} VALUES (?, ?, NULL)", (token, target))  # noqa: S608
        database.execute(f"PRAGMA user_version = {guard.MARK}")


def read_mark(file: Path) -> guard.Mark | None:
    """The move that the database was marked with; None if there was none."""
    with opened(file) as database:
        if guard.moved_to(database) is None:
            return None
        row = database.execute(f"SELECT token, finished_at, target FROM {guard.TABLE}").fetchone()  # noqa: S608
    return guard.Mark(row[0].decode(), row[1] is not None, row[2].decode())


def finish(file: Path) -> None:
    """Mark the database as moved. In safe mode it sends nothing, should the mark get lost."""
    with _alone(file) as database:
        now = datetime.now(UTC).strftime(INSTANT)
        _enter_safe_mode(database, now)
        database.execute(f"UPDATE {guard.TABLE} SET finished_at = ?", (now,))  # noqa: S608


def release(file: Path) -> None:
    """Take the mark away; the database is in safe mode then. Raises Refused if it is in use."""
    with _alone(file) as database:
        _enter_safe_mode(database, datetime.now(UTC).strftime(INSTANT))
        database.execute(f"DROP TABLE {guard.TABLE}")
        database.execute("PRAGMA user_version = 0")


def instant(text: bytes) -> datetime:
    """A time of SQLite, which Django writes in UTC without saying so."""
    return datetime.fromisoformat(text.decode()).replace(tzinfo=UTC)


def _enter_safe_mode(database: sqlite3.Connection, now: str) -> None:
    database.execute(
        "UPDATE campaigns_installation SET safe_since = ? WHERE safe_since IS NULL", (now,)
    )


@contextmanager
def _alone(file: Path) -> Iterator[sqlite3.Connection]:
    """A transaction of the only connection that there is. Raises Refused if there is another."""
    address = f"{file.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=5, isolation_level=None)) as database:
        try:
            # With this, WAL lets nobody in beside us, not even who has it open and does nothing.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault):
                raise Refused(f"{file} can't be written: {fault}.") from fault
            users = ", ".join(_processes_with(file)) or "another process"
            raise Refused(f"{file} is in use by {users}. {HOW_TO_STOP}") from fault
        yield database
        database.execute("COMMIT")


def _processes_with(file: Path) -> Iterator[str]:
    """Numbers and commands of the processes that have `file` open, as far as Linux tells us."""
    own, path = str(os.getpid()), str(file.resolve())
    for handle in Path("/proc").glob("[0-9]*/fd/*"):
        process = handle.parents[1]
        with suppress(OSError):
            if process.name != own and os.readlink(handle) == path:
                command: Any = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                yield f"process {process.name} ({command.decode(errors='replace').strip()[:80]})"
