"""Many rows in one statement, on each engine, in the caller's transaction.

Names of tables and columns come from the caller's models; values are always parameters. A value
that is the same for all rows is a constant, given once; the rest are rows, which the database reads
as a table called "item".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any

from django.db import connection

Row = Sequence[Any]
SQLITE_PARAMETERS = 30_000  # in one statement; its own limit is 32,766
PLAIN = {"bigint", "text"}  # types whose values every driver takes as they are


def append(table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert `rows`, without constants. Raises IntegrityError if a constraint refuses one."""
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", list(rows))  # noqa: S608


def insert(
    table: str, constants: Mapping[str, Any], columns: Mapping[str, str], rows: Sequence[Row]
) -> None:
    """Insert `rows`, each with the values of `columns` (name -> PostgreSQL type) and `constants`
    (name -> value). Raises IntegrityError if a constraint refuses one.
    """
    names = ", ".join([*constants, *columns])
    places = ", ".join(["%s"] * len(constants) + [f"item.{name}" for name in columns])
    for item, params in _items(columns, rows):
        _execute(
            f"INSERT INTO {table} ({names}) SELECT {places} FROM {item}",  # noqa: S608
            [*_values(constants), *params],
        )


def update(
    table: str,
    constants: Mapping[str, Any],
    columns: Mapping[str, str],
    rows: Sequence[Row],
    guard: str = "1 = 1",
) -> int:
    """Update `table` from `rows`: the values of `columns`, then the id of the row to update.

    Returns how many were updated. `guard`: an SQL condition that a row must meet.
    """
    assignments = ", ".join(
        [f"{name} = %s" for name in constants] + [f"{name} = item.{name}" for name in columns]
    )
    changed = 0
    for item, params in _items({**columns, "id": "bigint"}, rows):
        statement = (
            f"UPDATE {table} SET {assignments} FROM {item} WHERE {table}.id = item.id AND {guard}"  # noqa: S608
        )
        changed += _execute(statement, [*_values(constants), *params])
    return changed


def upsert(
    table: str, keys: Sequence[str], conflict: str, deltas: Sequence[str], rows: Sequence[Row]
) -> None:
    """Add the deltas in `rows` (key columns, then delta columns) to the rows of `table`; missing
    rows are inserted. `conflict`: the columns and expressions of the unique index over `keys`.
    """
    if not rows:
        return
    columns = ", ".join([*keys, *deltas])
    places = "(" + ", ".join(["%s"] * (len(keys) + len(deltas))) + ")"
    added = ", ".join(f"{delta} = {table}.{delta} + excluded.{delta}" for delta in deltas)
    _execute(
        f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * len(rows))}"  # noqa: S608
        f" ON CONFLICT ({conflict}) DO UPDATE SET {added}",
        [value for row in rows for value in row],
    )


def among(column: str, values: Sequence[Any]) -> tuple[str, Any]:
    """The SQL condition that `column` is one of `values`, and its one parameter."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", list(values)
    return f"{column} IN (SELECT value FROM json_each(%s))", json.dumps(list(values))  # noqa: S608


def moment(value: datetime) -> Any:
    """A time as this database's driver takes it in raw SQL."""
    return connection.ops.adapt_datetimefield_value(value)


def _execute(statement: str, params: Sequence[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def _values(constants: Mapping[str, Any]) -> list[Any]:
    return [_adapted(value) for value in constants.values()]


def _adapted(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _items(columns: Mapping[str, str], rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    """`rows` as table expressions "item" with their parameters, in parts on SQLite (limit)."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        values = [
            array(kind, column)
            for kind, column in zip(columns.values(), zip(*rows, strict=True), strict=True)
        ]
        yield f"unnest({arrays}) AS item({', '.join(columns)})", values
        return
    named = ", ".join(f"column{place} AS {name}" for place, name in enumerate(columns, 1))
    step = SQLITE_PARAMETERS // len(columns)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * len(part))
        table = f"(SELECT {named} FROM (VALUES {places})) AS item"  # noqa: S608
        flat = chain.from_iterable(part)
        yield table, list(flat if PLAIN.issuperset(columns.values()) else map(_adapted, flat))


def array(kind: str, values: Sequence[Any]) -> Any:
    """Values of a PostgreSQL type as one parameter. Numbers and texts become the text of an array,
    so that the driver need not adapt each value.
    """
    if kind == "bigint":
        return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"
    if kind == "text":
        return (
            "{"
            + ",".join([value if value and value.isdigit() else _quoted(value) for value in values])
            + "}"
        )
    return list(values)


def _quoted(text: str | None) -> str:
    """An element of an array's text (PostgreSQL, Array Input and Output Syntax)."""
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
