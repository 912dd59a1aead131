"""Many rows at once, each engine by its fastest way: append, upsert, update. Callers bring their own transaction.

The names of tables and columns come from the models of the caller, the values always as parameters.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

Row = Sequence[Any]


def append(table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Insert `rows`, values in the order of `columns`. Raises IntegrityError where a constraint says no."""
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", list(rows))  # noqa: S608


def upsert(table: str, keys: Sequence[str], conflict: str, deltas: Sequence[str], rows: Sequence[Row]) -> None:
    """Add the deltas in `rows` (key columns, then delta columns) to the rows of `table`, making those that are missing.

    `conflict` is the list of columns and expressions of the unique index over `keys`.
    """
    if not rows:
        return
    columns = ", ".join([*keys, *deltas])
    places = "(" + ", ".join(["%s"] * (len(keys) + len(deltas))) + ")"
    added = ", ".join(f"{delta} = {table}.{delta} + excluded.{delta}" for delta in deltas)
    statement = (
        f"INSERT INTO {table} ({columns}) VALUES {', '.join([places] * len(rows))}"  # noqa: S608
        f" ON CONFLICT ({conflict}) DO UPDATE SET {added}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [value for row in rows for value in row])


def update(table: str, columns: dict[str, str], rows: Sequence[Row], guard: str = "TRUE") -> int:
    """Set `columns` (name -> PostgreSQL type) of the rows whose id is the last value of each of `rows`. How many.

    `guard` is a condition in SQL that a row must meet to be changed.
    """
    if not rows:
        return 0
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            names = list(columns)
            assignments = ", ".join(f"{name} = new.{name}" for name in names)
            arrays = ", ".join(f"%s::{kind}[]" for kind in [*columns.values(), "bigint"])
            cursor.execute(
                f"UPDATE {table} SET {assignments} FROM unnest({arrays}) AS new({', '.join([*names, 'id'])})"  # noqa: S608
                f" WHERE {table}.id = new.id AND {guard}",
                [list(column) for column in zip(*rows, strict=True)],
            )
        else:
            assignments = ", ".join(f"{name} = %s" for name in columns)
            cursor.executemany(f"UPDATE {table} SET {assignments} WHERE id = %s AND {guard}", rows)  # noqa: S608
        return cursor.rowcount
