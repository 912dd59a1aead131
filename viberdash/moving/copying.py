"""Rows from SQLite to PostgreSQL, in the order of their keys. Each batch is committed with the key
that it ends with, so a move that was interrupted goes on behind it.
"""

# ruff: noqa: S608 - names of our own tables and columns

import re
import sqlite3
from collections.abc import Callable

import psycopg
from django.db import connection, transaction

from campaigns.dispatch.failpoints import failpoint
from viberdash.backups.errors import Refused
from viberdash.moving import target
from viberdash.moving.tables import UNCHANGED, Table, as_copy_text
from viberdash.moving.unfit_texts import without_nul

BATCH = 50_000  # rows in a transaction
CHUNK = 1_000  # rows in memory
# how PostgreSQL names a row that it refuses
REFUSED_LINE = re.compile(r"line (\d+)(?:, column (\w+))?")
Lines = list[tuple[bytes, int | bytes]]  # a row as COPY reads it, and its key


def copy_table(
    source: sqlite3.Connection, table: Table, *, replace_nul: bool, progress: Callable[[int], None]
) -> None:
    """Copy the rows that are not copied yet; `progress` gets their number after each batch.

    Raises Refused if PostgreSQL refuses a row.
    """
    [(position, rows, is_copied)] = target.execute(
        "SELECT position, rows, is_copied FROM database_move_table WHERE name = %s", [table.name]
    )
    while not is_copied:
        with transaction.atomic():
            position, number = _copy_batch(source, table, position, replace_nul=replace_nul)
            rows, is_copied = rows + number, number < BATCH
            if is_copied:
                target.set_sequence(table, _highest(source, table))
            target.execute(
                "UPDATE database_move_table SET position = %s, rows = %s, is_copied = %s"
                " WHERE name = %s",
                [position, rows, is_copied, table.name],
            )
            failpoint("move_batch")
        failpoint("move_committed")
        progress(rows)


def _copy_batch(
    source: sqlite3.Connection, table: Table, position: str | None, *, replace_nul: bool
) -> tuple[str | None, int]:
    """Copy the rows after the key `position`. Returns the last key, and how many there were."""
    selected = _following(source, table, table.line, position)
    columns = ", ".join(f'"{column}"' for column in table.columns)
    cleans = replace_nul and table.name not in UNCHANGED
    number, last = 0, position
    try:
        with (
            target.without_triggers(table.name),
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy,
        ):
            while chunk := selected.fetchmany(CHUNK):
                text = as_copy_text(b"".join([line for line, _key in chunk]))
                copy.write(without_nul(text) if cleans else text)
                number += len(chunk)
                last = _as_text(chunk[-1][1])
    except (psycopg.DataError, psycopg.IntegrityError) as fault:
        raise Refused(_explain(source, table, position, fault)) from fault
    return last, number


def _following(
    source: sqlite3.Connection, table: Table, value: str, position: str | None
) -> sqlite3.Cursor:
    """`value` and the key of the next BATCH rows after `position`."""
    key, after = f'"{table.key}"', ""
    parameters: list[int | str] = []
    if position is not None:
        after, parameters = f"WHERE {key} > ?", [table.key_value(position)]
    return source.execute(
        f"SELECT {value}, {key} FROM {table.name} {after} ORDER BY {key} LIMIT {BATCH}", parameters
    )


def _as_text(key: int | bytes) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


def _highest(source: sqlite3.Connection, table: Table) -> int:
    """The highest number that a row ever had. SQLite keeps it when that row is deleted."""
    if not table.identity:
        return 0
    ever = source.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,))
    now = source.execute(f'SELECT MAX("{table.key}") FROM {table.name}')
    return max([row[0] or 0 for row in (*ever, *now)], default=0)


def _explain(
    source: sqlite3.Connection, table: Table, position: str | None, fault: psycopg.Error
) -> str:
    """One line: which row PostgreSQL refuses, why, and what to do."""
    cause = (fault.diag.message_primary or str(fault)).splitlines()[0]
    match = REFUSED_LINE.search(fault.diag.context or "")
    if match:
        *_before, (_line, key) = _following(source, table, "NULL", position).fetchmany(
            int(match[1])
        )
        column = match[2] or _with_nul(source, table, key)
        place = f"{table.name}, row {_as_text(key)}{f', column {column}' if column else ''}"
    advice = "Correct it in the SQLite file, with the program sqlite3"
    if _is_nul(fault) and table.name not in UNCHANGED:
        advice = "Add --replace-nul, which puts U+FFFD in the place of each NUL"
    return f"PostgreSQL refuses {place}: {cause}. {advice}, and start the same command again."


def _is_nul(fault: psycopg.Error) -> bool:
    text = f"{fault} {fault.diag.message_detail or ''}"
    return "0x00" in text or "\\u0000" in text


def _with_nul(source: sqlite3.Connection, table: Table, key: int | bytes) -> str:
    """The column of a row that has a NUL, which PostgreSQL does not say; "" if none has."""
    columns = ", ".join(f'"{column}"' for column in table.columns)
    value = table.key_value(_as_text(key))
    [row] = source.execute(
        f'SELECT {columns} FROM {table.name} WHERE "{table.key}" = ?', [value]
    ).fetchall()
    with_nul = (
        column
        for column, text in zip(table.columns, row, strict=True)
        if isinstance(text, bytes) and b"\0" in text
    )
    return next(with_nul, "")
