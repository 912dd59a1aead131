"""Ready rows -> the table of contacts, as fast as each database can: COPY on PostgreSQL, a JSON
document on SQLite.

The names in the statements are constants of this module, the values always parameters.
"""

# ruff: noqa: S608

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import IntegrityError, connection, transaction

from campaigns.contacts.models import StopListEntry
from campaigns.shared import bulk

TABLE = "campaigns_contact"
REJECTED = "campaigns_rejectedrow"
STAGING = "contact_staging"
COPY_ROWS = 2_000  # in one part of a COPY


@dataclass(slots=True)
class ContactRows:
    """Rows by column: E.164 digits, none twice; two letters of the country; merge fields as compact
    JSON.
    """

    msisdns: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.msisdns)

    def add(self, msisdns: list[str], countries: list[str], fields: list[str]) -> None:
        """Put more rows behind the others."""
        self.msisdns += msisdns
        self.countries += countries
        self.fields += fields

    def without(self, msisdns: set[str]) -> "ContactRows":
        """The rows whose phone is not among `msisdns`."""
        kept = [place for place, msisdn in enumerate(self.msisdns) if msisdn not in msisdns]
        return ContactRows(
            *(
                [column[place] for place in kept]
                for column in (self.msisdns, self.countries, self.fields)
            )
        )


@contextmanager
def asynchronous_commits() -> Iterator[None]:
    """Commits within do not wait for the disk. A power cut may undo the last of them, whole and in
    order.

    Only for work whose place is committed with it, so that it goes on from wherever the database
    stands. The first ordinary commit afterwards makes all of them last.
    """
    settings = {"postgresql": ("SET synchronous_commit = off", "RESET synchronous_commit")}
    relax, restore = settings.get(
        connection.vendor, ("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL")
    )
    if connection.in_atomic_block:  # somebody else's transaction: theirs to decide
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(relax)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(restore)


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of the rows: they add up to them. `countries`: the new people by country."""

    new: int
    updated: int
    unchanged: int
    countries: Counter[str]


def write(
    people: ContactRows, list_id: int, source_id: int | None, *, update: bool, fresh: bool = False
) -> WriteResult:
    """Put `people` on a list. Call it within a transaction.

    Whoever is on the list already gets the new merge fields over the old ones (`update`) or stays
    as they are. `fresh` says that none of them is expected to be there, which is faster; where that
    is wrong, the outcome is the same.
    """
    if not people:
        return WriteResult(0, 0, 0, Counter())
    if fresh and _insert_all(people, list_id, source_id):
        return WriteResult(len(people), 0, 0, Counter(people.countries))
    merge = _merge_postgres if connection.vendor == "postgresql" else _merge_sqlite
    return merge(people, list_id, source_id, update)


def _insert_all(people: ContactRows, list_id: int, source_id: int | None) -> bool:
    """Insert every row, or none and False because somebody of them is there already."""
    insert = _copy if connection.vendor == "postgresql" else _insert_document
    try:
        with transaction.atomic():
            insert(people, list_id, source_id)
    except IntegrityError:
        return False
    return True


def _copy(people: ContactRows, list_id: int, source_id: int | None) -> None:
    source = r"\N" if source_id is None else source_id
    columns = "list_id, msisdn, country, fields, source_id"
    with (
        connection.cursor() as cursor,
        # what fails in COPY fails when it ends, beyond Django's own wrapping
        connection.wrap_database_errors,
        cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy,
    ):
        _copy_rows(copy, people, f"{list_id}\t%s\t%s\t%s\t{source}\n")


def _copy_rows(copy: Any, people: ContactRows, form: str) -> None:
    """The rows in the `form` of COPY. In parts, so that the database has something to do while the
    others are made.
    """
    rows = zip(people.msisdns, people.countries, _copy_fields(people), strict=True)
    while part := list(islice(rows, COPY_ROWS)):
        copy.write("".join([form % row for row in part]))


def _copy_fields(people: ContactRows) -> list[str]:
    """The merge fields with backslashes as COPY wants them; nothing else in compact JSON means
    anything to it.
    """
    if not any("\\" in fields for fields in people.fields):
        return people.fields
    return [fields.replace("\\", "\\\\") for fields in people.fields]


def _merge_postgres(
    people: ContactRows, list_id: int, source_id: int | None, update: bool
) -> WriteResult:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGING} (msisdn varchar(15), country"
            " varchar(2), fields jsonb) ON COMMIT DELETE ROWS"
        )
        cursor.execute(f"TRUNCATE {STAGING}")
        with cursor.copy(f"COPY {STAGING} FROM STDIN") as copy:
            _copy_rows(copy, people, "%s\t%s\t%s\n")
        cursor.execute(
            f"""
            WITH inserted AS (
                INSERT INTO {TABLE} (list_id, msisdn, country, fields, source_id)
                SELECT %s, msisdn, country, fields, %s FROM {STAGING}
                ON CONFLICT (list_id, msisdn) DO NOTHING RETURNING country
            ) SELECT country, count(*) FROM inserted GROUP BY country
            """,
            [list_id, source_id],
        )
        countries = Counter(dict(cursor.fetchall()))
        changed = 0
        if update and countries.total() < len(people):
            cursor.execute(
                f"""
                UPDATE {TABLE} AS contact
                SET fields = contact.fields || staging.fields, source_id = %s
                FROM {STAGING} AS staging
                WHERE contact.list_id = %s AND contact.msisdn = staging.msisdn
                AND contact.fields IS DISTINCT FROM contact.fields || staging.fields
                """,
                [source_id, list_id],
            )
            changed = cursor.rowcount
    return WriteResult(
        countries.total(), changed, len(people) - countries.total() - changed, countries
    )


def _as_json_document(people: ContactRows) -> str:
    """{"UA380972920283": {"first_name": "Olena"}, …}: a country is always two letters
    (phones.py).
    """
    rows = zip(people.msisdns, people.countries, people.fields, strict=True)
    return (
        "{" + ",".join([f'"{country}{msisdn}":{fields}' for msisdn, country, fields in rows]) + "}"
    )


def _insert_document(people: ContactRows, list_id: int, source_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE_INSERT, [list_id, source_id, _as_json_document(people)])


# One statement for a whole slice: the database works without the interpreter, which meanwhile reads
# the next rows.
_SQLITE_INSERT = f"""
    INSERT INTO {TABLE} (list_id, msisdn, country, fields, source_id)
    SELECT %s, substr(key, 3), substr(key, 1, 2), value, %s FROM json_each(%s) WHERE true
"""


# Texts that are equal need no look inside.
_SQLITE_UPDATE = f"""
    ON CONFLICT (list_id, msisdn) DO UPDATE
    SET fields = json_patch({TABLE}.fields, excluded.fields), source_id = excluded.source_id
    WHERE {TABLE}.fields <> excluded.fields
    AND {TABLE}.fields <> json_patch({TABLE}.fields, excluded.fields)
"""


def _merge_sqlite(
    people: ContactRows, list_id: int, source_id: int | None, update: bool
) -> WriteResult:
    """One statement; whoever is new has an id that was not there before, as nobody else writes
    meanwhile.
    """
    conflict = _SQLITE_UPDATE if update else "ON CONFLICT (list_id, msisdn) DO NOTHING"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {TABLE}")
        (last,) = cursor.fetchone()
        cursor.execute(_SQLITE_INSERT + conflict, [list_id, source_id, _as_json_document(people)])
        touched = cursor.rowcount
        cursor.execute(
            f"SELECT country, count(*) FROM {TABLE} WHERE id > %s GROUP BY country", [last or 0]
        )
        countries = Counter(dict(cursor.fetchall()))
    new = countries.total()
    return WriteResult(new, touched - new, len(people) - touched, countries)


def write_rejected(rows: list[tuple[int, str, str]], import_id: int) -> None:
    """Keep rejected rows: row number, cells as JSON, reason."""
    if not rows:
        return
    columns = "source_id, row_number, row, reason"
    if connection.vendor == "postgresql":
        bulk.append(REJECTED, columns.split(", "), [(import_id, *row) for row in rows])
        return
    document = (
        "[" + ",".join([f'[{number},{cells},"{reason}"]' for number, cells, reason in rows]) + "]"
    )
    taken = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(3))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {REJECTED} ({columns}) SELECT %s, {taken} FROM json_each(%s)",
            [import_id, document],
        )


def count_present(msisdns: list[str], list_id: int) -> int:
    """How many of `msisdns` (none twice) are on the list."""
    return len(_select_among(TABLE, msisdns, "list_id = %s AND", [list_id]))


def find_stop_listed(msisdns: list[str]) -> set[str]:
    """Those of `msisdns` that are on the stop list."""
    if not StopListEntry.objects.order_by().exists():
        return set()
    return _select_among("campaigns_stoplistentry", msisdns)


def _select_among(
    table: str, msisdns: list[str], condition: str = "", parameters: Sequence[int] = ()
) -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"SELECT msisdn FROM {table} WHERE {condition} msisdn = ANY(%s)",
                [*parameters, msisdns],
            )
        else:
            chosen = "SELECT value FROM json_each(%s)"
            document = json.dumps(msisdns)
            cursor.execute(
                f"SELECT msisdn FROM {table} WHERE {condition} msisdn IN ({chosen})",
                [*parameters, document],
            )
        return {msisdn for (msisdn,) in cursor.fetchall()}
