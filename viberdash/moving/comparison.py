"""Counts and sums of every table, exactly, on both sides."""

# ruff: noqa: S608 - names of our own tables and columns

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from campaigns.shared.money import exact, from_units
from viberdash.moving import target
from viberdash.moving.tables import Table


@dataclass(frozen=True, slots=True)
class Figures:
    """How many rows a table has; of each column with money, its sum in ten-millionths, and how many
    amounts are known.
    """

    rows: int
    money: tuple[tuple[int, int], ...]


def read(source: sqlite3.Connection, table: Table) -> tuple[Figures, Figures]:
    """The figures of a table in SQLite, and in PostgreSQL."""
    columns = "".join(f", COALESCE(SUM({name}), 0), COUNT({name})" for name in table.money)
    query = f"SELECT COUNT(*){columns} FROM {table.name}"
    here, there = source.execute(query).fetchone(), target.execute(query)[0]
    return _figures(here), _figures(there)


def _figures(row: tuple[int, ...]) -> Figures:
    numbers = [int(value) for value in row]
    return Figures(numbers[0], tuple(zip(numbers[1::2], numbers[2::2], strict=True)))


def lines(table: Table, here: Figures, there: Figures) -> Iterator[str]:
    """What was compared, for people."""
    verdict = "the same" if here == there else "DIFFERENT"
    yield f"{table.name:<42}{here.rows:>14,}{there.rows:>14,}  {verdict}"
    for column, (sum_here, known_here), (sum_there, known_there) in zip(
        table.money, here.money, there.money, strict=True
    ):
        amounts = [exact(from_units(units)) for units in (sum_here, sum_there)]
        is_same = (sum_here, known_here) == (sum_there, known_there)
        yield (
            f"  sum of {column:<33}{amounts[0]:>14}{amounts[1]:>14}"
            f"  {'the same' if is_same else 'DIFFERENT'}"
        )
