"""The recipients of an audience in classes: of one country, with values of equal shapes.

All of a class get texts of the same lengths, and an SMS of as many parts, as each of its characters
takes one unit. Values with characters of two units are classes of their own, since it counts where
these stand. The database reads the audience once and adds up those with equal values; PostgreSQL by
GROUP BY, SQLite by a function of this module, because its GROUP BY sorts all rows first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection

from campaigns.compose.audience.merge_values import ContactsWithValues, shown, with_values
from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.render import CompiledMessage, encode_for_link
from campaigns.compose.message.sms import GSM_BASIC, GSM_EXTENDED

# Contacts are ordered by the list that was made first, then by id, in one number.
RANK = 2**40
SAMPLE_GSM, SAMPLE_UCS = "a", "я"  # one unit each, in GSM-7 and in UCS-2
MASK = 2**60 - 1
_TWO_UNITS = re.compile(f"[{re.escape(GSM_EXTENDED)}\U00010000-\U0010ffff]")
_OUTSIDE_GSM = re.compile(f"[^{re.escape(GSM_BASIC)}]")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]*")  # of one unit each, and the same in a link
_KEPT_VALUES = 50_000  # different combinations that are held in memory until they are added up
_GROUPS = "viberdash_groups"

Values = tuple[str | None, ...]


class Shape(NamedTuple):
    """What matters of a merge value: `sample` has its length and alphabet, or is the value."""

    sample: str
    encoded_length: int  # in a link


@dataclass(slots=True)
class RecipientClass:
    """Recipients of one country whose values, by merge field, have the same `shapes`.

    `hashes` is the sum over them that the fingerprint is made of; `first` the rank of the first.
    """

    country: str
    shapes: Mapping[str, Shape]
    count: int
    hashes: int
    first: int

    @property
    def sample_values(self) -> dict[str, str]:
        return {name: shape.sample for name, shape in self.shapes.items()}

    @property
    def lengths(self) -> dict[str, int]:
        return {name: len(shape.sample) for name, shape in self.shapes.items()}

    @property
    def encoded_lengths(self) -> dict[str, int]:
        return {name: shape.encoded_length for name, shape in self.shapes.items()}


class Classes(dict[tuple[str, tuple[Shape, ...]], RecipientClass]):
    """The classes of an audience by country and shapes of the merge fields `names`."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def add(self, country: str, values: Values, count: int, hashes: int, first: int) -> None:
        """Add recipients with these values."""
        shapes = tuple([shape_of(value) for value in values])
        known = self.get((country, shapes))
        if known is None:
            by_name = dict(zip(self.names, shapes, strict=True))
            self[country, shapes] = RecipientClass(country, by_name, count, hashes, first)
            return
        known.count += count
        known.hashes += hashes
        known.first = min(first, known.first)


@lru_cache(_KEPT_VALUES)
def shape_of(value: str | None) -> Shape:
    """The shape of a value; a missing one is empty."""
    text = value or ""
    if _PLAIN.fullmatch(text):
        return _plain_shape(len(text))
    encoded_length = len(encode_for_link(text))
    if _TWO_UNITS.search(text):
        return Shape(text, encoded_length)
    sample = SAMPLE_UCS if _OUTSIDE_GSM.search(text) else SAMPLE_GSM
    return Shape(sample * len(text), encoded_length)


@cache
def _plain_shape(length: int) -> Shape:
    return Shape(SAMPLE_GSM * length, length)


def hash_of_values(values: Values) -> int:
    """An odd number, which another value changes; multiplied by it, phones stay different."""
    joined = "\x1f".join([value or "" for value in values])
    return int.from_bytes(blake2b(joined.encode(), digest_size=8).digest(), "big") | 1


def classes_of(audience: Audience, template: CompiledMessage) -> Classes:
    """The recipients of `audience` in classes, by the merge fields that `template` uses."""
    classes = Classes(sorted(template.names))
    rows = with_values(audience.recipients(), audience, classes.names)
    columns = ("country", "list_id", "id", "msisdn", *rows.columns)
    try:
        contacts = rows.contacts.order_by().values_list(*columns)
        statement, params = contacts.query.sql_with_params()
    except EmptyResultSet:  # Django knows that nobody fits: a segment without conditions
        return classes
    read = _read_postgresql if connection.vendor == "postgresql" else _read_sqlite
    read(classes, rows, statement, params)
    return classes


def _read_postgresql(
    classes: Classes, rows: ContactsWithValues, contacts: str, params: Sequence[Any]
) -> None:
    keys = ", ".join(["country", *rows.columns])
    parts = ["msisdn", *(f"COALESCE({value}, '')" for value in rows.columns)]
    hashes = f"SUM(HASHTEXTEXTENDED({' || CHR(31) || '.join(parts)}, 0) & {MASK})"
    sums = f"COUNT(*), {hashes}, MIN(list_id * {RANK} + id)"
    # otherwise each value is looked up wherever it stands, and the plan fits its highest cost
    once = "MATERIALIZED" if rows.looks_up else "NOT MATERIALIZED"
    statement = (
        f"WITH contact AS {once} ({contacts}) SELECT {keys}, {sums} FROM contact GROUP BY {keys}"  # noqa: S608
    )
    with connection.cursor() as cursor, connection.wrap_database_errors:
        # row by row, as there may be many; the server's own cursors never work in parallel
        for country, *others, count, hashes, first in cursor.cursor.stream(statement, params):
            values = tuple(map(shown, others) if rows.typed else others)
            classes.add(country, values, count, int(hashes), first)


def _read_sqlite(
    classes: Classes, rows: ContactsWithValues, contacts: str, params: Sequence[Any]
) -> None:
    rank, phone = f"list_id * {RANK} + id", "CAST(msisdn AS INTEGER)"
    arguments = ", ".join([rank, phone, "country", *rows.columns])
    connection.ensure_connection()
    connection.connection.create_aggregate(_GROUPS, -1, lambda: _Groups(classes, bool(rows.typed)))
    statement = f"SELECT {_GROUPS}({arguments}) FROM ({contacts}) AS contact"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        cursor.fetchone()


class _Groups:
    """An aggregate function of SQLite that adds up recipients with equal values."""

    def __init__(self, classes: Classes, has_types: bool) -> None:
        self._classes, self._has_types = classes, has_types
        # country and values -> count, hashes, first rank
        self._groups: dict[tuple[str | None, ...], list[int]] = {}

    def step(self, rank: int, phone: int, *key: str | None) -> None:
        """Called for each recipient, so it does no more than it has to.

        Phones one below the other are scattered: the sum over some then tells which they are.
        """
        scattered = phone * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFF
        groups = self._groups
        if key in groups:
            group = groups[key]
            group[0] += 1
            group[1] += scattered ^ scattered >> 29
            if rank < group[2]:
                group[2] = rank
            return
        if len(groups) >= _KEPT_VALUES:
            self._add_up()
        groups[key] = [1, scattered ^ scattered >> 29, rank]

    def _add_up(self) -> None:
        for (country, *others), (count, hashes, rank) in self._groups.items():
            values = tuple(value and str(value) for value in others)
            if self._has_types:
                values = tuple(map(shown, values))
            hashes *= hash_of_values(values)
            self._classes.add(country or "", values, count, hashes, rank)
        self._groups.clear()

    def finalize(self) -> int:
        self._add_up()
        return len(self._classes)
