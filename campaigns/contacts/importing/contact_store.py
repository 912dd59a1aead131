"""Writes contacts to the database in bulk: by COPY on PostgreSQL, as a JSON document on SQLite.

Table names in the statements are constants of this module; values are always parameters.
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
from campaigns.shared.brands.scope import shared_condition

TABLE = "campaigns_contact"
OVERWRITTEN = "campaigns_overwrittencontact"
REJECTED = "campaigns_rejectedrow"
STAGING = "contact_staging"
COPY_ROWS = 2_000  # sent at a time


@dataclass(slots=True)
class ContactRows:
    """Contacts by column: E.164 digits without duplicates, country code, merge tags as JSON."""

    msisdns: list[str] = field(default_factory=list)
    countries: list[str] = field(default_factory=list)
    fields: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.msisdns)

    def add(self, msisdns: list[str], countries: list[str], fields: list[str]) -> None:
        """Append rows."""
        self.msisdns += msisdns
        self.countries += countries
        self.fields += fields

    def without(self, msisdns: set[str]) -> "ContactRows":
        """The rows without those phones."""
        positions = [
            position for position, msisdn in enumerate(self.msisdns) if msisdn not in msisdns
        ]
        return ContactRows(
            *(
                [column[position] for position in positions]
                for column in (self.msisdns, self.countries, self.fields)
            )
        )


@contextmanager
def asynchronous_commits() -> Iterator[None]:
    """Let commits return before they are on disk: a power cut may undo the last ones, in order.

    Only for work that commits its own position and can continue from there. The next ordinary
    commit makes all of them durable. No effect within a transaction.
    """
    commands = {"postgresql": ("SET synchronous_commit = off", "RESET synchronous_commit")}
    relax, restore = commands.get(
        connection.vendor, ("PRAGMA synchronous = NORMAL", "PRAGMA synchronous = FULL")
    )
    if connection.in_atomic_block:  # the transaction of the caller decides
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
    """Counts that add up to the rows written. `countries`: the new contacts by country."""

    new: int
    updated: int
    unchanged: int
    countries: Counter[str]


def write(
    contacts: ContactRows,
    list_id: int,
    source_id: int | None,
    *,
    update: bool,
    expect_new: bool = False,
) -> WriteResult:
    """Add contacts to a list, within a transaction of the caller.

    `update`: merge the new merge tags into those of contacts already on the list; otherwise these
    stay unchanged. What the import `source_id` overwrites is kept for its undo. `expect_new`: try a
    plain insert first, which is faster; the result is the same even if some are already on the
    list.
    """
    if not contacts:
        return WriteResult(0, 0, 0, Counter())
    if expect_new and _insert_all(contacts, list_id, source_id):
        return WriteResult(len(contacts), 0, 0, Counter(contacts.countries))
    merge = _merge_postgres if connection.vendor == "postgresql" else _merge_sqlite
    return merge(contacts, list_id, source_id, update)


def _insert_all(contacts: ContactRows, list_id: int, source_id: int | None) -> bool:
    """Insert all rows; or none, and return False, if one is already on the list."""
    insert = _copy if connection.vendor == "postgresql" else _insert_document
    try:
        with transaction.atomic():
            insert(contacts, list_id, source_id)
    except IntegrityError:
        return False
    return True


def _copy(contacts: ContactRows, list_id: int, source_id: int | None) -> None:
    source = r"\N" if source_id is None else source_id
    columns = "list_id, msisdn, country, fields, source_id"
    with (
        connection.cursor() as cursor,
        # COPY raises its errors at the end, outside of Django's own wrapping
        connection.wrap_database_errors,
        cursor.copy(f"COPY {TABLE} ({columns}) FROM STDIN") as copy,
    ):
        _copy_rows(copy, contacts, f"{list_id}\t%s\t%s\t%s\t{source}\n")


def _copy_rows(copy: Any, contacts: ContactRows, row_format: str) -> None:
    """Send the rows to COPY, in chunks that the database writes while the next one is formatted."""
    rows = zip(contacts.msisdns, contacts.countries, _copy_fields(contacts), strict=True)
    while chunk := list(islice(rows, COPY_ROWS)):
        copy.write("".join([row_format % row for row in chunk]))


def _copy_fields(contacts: ContactRows) -> list[str]:
    """The merge tags with the backslashes doubled for COPY; compact JSON needs nothing else."""
    if not any("\\" in fields for fields in contacts.fields):
        return contacts.fields
    return [fields.replace("\\", "\\\\") for fields in contacts.fields]


_POSTGRES_UPDATE = f"""
    WITH changed AS (
        SELECT contact.id, contact.fields, contact.source_id,
            contact.fields || staging.fields AS merged
        FROM {STAGING} AS staging JOIN {TABLE} AS contact
        ON contact.list_id = %s AND contact.msisdn = staging.msisdn
        WHERE contact.fields IS DISTINCT FROM contact.fields || staging.fields
    ), kept AS (
        INSERT INTO {OVERWRITTEN} (source_id, contact, fields, old_source)
        SELECT %s, id, fields, source_id FROM changed WHERE %s::bigint IS NOT NULL
        ON CONFLICT (contact, source_id) DO NOTHING
    )
    UPDATE {TABLE} AS contact SET fields = changed.merged, source_id = %s
    FROM changed WHERE contact.id = changed.id
"""


def _merge_postgres(
    contacts: ContactRows, list_id: int, source_id: int | None, update: bool
) -> WriteResult:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {STAGING} (msisdn varchar(15), country"
            " varchar(2), fields jsonb) ON COMMIT DELETE ROWS"
        )
        cursor.execute(f"TRUNCATE {STAGING}")
        with cursor.copy(f"COPY {STAGING} FROM STDIN") as copy:
            _copy_rows(copy, contacts, "%s\t%s\t%s\n")
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
        if update and countries.total() < len(contacts):
            cursor.execute(_POSTGRES_UPDATE, [list_id, source_id, source_id, source_id])
            changed = cursor.rowcount
    return WriteResult(
        countries.total(), changed, len(contacts) - countries.total() - changed, countries
    )


def _as_json_document(contacts: ContactRows) -> str:
    """{"UA380972920283": {"first_name": "Olena"}, …}; the country code always has two letters."""
    rows = zip(contacts.msisdns, contacts.countries, contacts.fields, strict=True)
    return (
        "{" + ",".join([f'"{country}{msisdn}":{fields}' for msisdn, country, fields in rows]) + "}"
    )


def _insert_document(contacts: ContactRows, list_id: int, source_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE_INSERT, [list_id, source_id, _as_json_document(contacts)])


# One statement for a whole slice, which runs while the reading thread has the interpreter.
_SQLITE_INSERT = f"""
    INSERT INTO {TABLE} (list_id, msisdn, country, fields, source_id)
    SELECT %s, substr(key, 3), substr(key, 1, 2), value, %s FROM json_each(%s) WHERE true
"""


# Comparing the texts first avoids parsing equal ones.
_SQLITE_UPDATE = f"""
    ON CONFLICT (list_id, msisdn) DO UPDATE
    SET fields = json_patch({TABLE}.fields, excluded.fields), source_id = excluded.source_id
    WHERE {TABLE}.fields <> excluded.fields
    AND {TABLE}.fields <> json_patch({TABLE}.fields, excluded.fields)
"""


# Only the rows that the statement changes pay for it, which no second statement could achieve.
_SQLITE_KEEP = f"""
    CREATE TEMPORARY TRIGGER keep_overwritten AFTER UPDATE OF fields ON {TABLE}
    WHEN NEW.source_id IS NOT NULL BEGIN
        INSERT INTO {OVERWRITTEN} (source_id, contact, fields, old_source)
        VALUES (NEW.source_id, OLD.id, OLD.fields, OLD.source_id)
        ON CONFLICT (contact, source_id) DO NOTHING;
    END
"""


@contextmanager
def _keep_overwritten() -> Iterator[None]:
    """Keep what is overwritten on SQLite, until the end of the block or of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_SQLITE_KEEP)
        yield
        cursor.execute("DROP TRIGGER keep_overwritten")


def _merge_sqlite(
    contacts: ContactRows, list_id: int, source_id: int | None, update: bool
) -> WriteResult:
    """Write all rows in one statement. SQLite has one writer: contacts with higher ids are new."""
    conflict = _SQLITE_UPDATE if update else "ON CONFLICT (list_id, msisdn) DO NOTHING"
    with connection.cursor() as cursor, _keep_overwritten():
        cursor.execute(f"SELECT max(id) FROM {TABLE}")
        (last,) = cursor.fetchone()
        cursor.execute(_SQLITE_INSERT + conflict, [list_id, source_id, _as_json_document(contacts)])
        written_count = cursor.rowcount
        cursor.execute(
            f"SELECT country, count(*) FROM {TABLE} WHERE id > %s GROUP BY country", [last or 0]
        )
        countries = Counter(dict(cursor.fetchall()))
    new = countries.total()
    return WriteResult(new, written_count - new, len(contacts) - written_count, countries)


def write_rejected(rows: list[tuple[int, str, str]], import_id: int) -> None:
    """Store rejected rows: row number, cells as JSON, reason."""
    if not rows:
        return
    columns = "source_id, row_number, row, reason"
    if connection.vendor == "postgresql":
        bulk.append(REJECTED, columns.split(", "), [(import_id, *row) for row in rows])
        return
    document = (
        "[" + ",".join([f'[{number},{cells},"{reason}"]' for number, cells, reason in rows]) + "]"
    )
    cells = ", ".join(f"json_extract(value, '$[{position}]')" for position in range(3))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {REJECTED} ({columns}) SELECT %s, {cells} FROM json_each(%s)",
            [import_id, document],
        )


def newest_contact(list_id: int) -> int:
    """The highest id of the list's contacts; 0 if there are none."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {TABLE} WHERE list_id = %s", [list_id])
        return cursor.fetchone()[0] or 0


def count_present(msisdns: list[str], list_id: int) -> int:
    """How many of the phones (without duplicates) are on the list."""
    return len(_select_among(TABLE, msisdns, "list_id = %s AND", [list_id]))


def find_stop_listed(msisdns: list[str]) -> set[str]:
    """Those of the phones that are on the stop list."""
    if not StopListEntry.objects.order_by().exists():
        return set()
    return _select_among("campaigns_stoplistentry", msisdns, f"{shared_condition()} AND")


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
            subquery = "SELECT value FROM json_each(%s)"
            document = json.dumps(msisdns)
            cursor.execute(
                f"SELECT msisdn FROM {table} WHERE {condition} msisdn IN ({subquery})",
                [*parameters, document],
            )
        return {msisdn for (msisdn,) in cursor.fetchall()}
