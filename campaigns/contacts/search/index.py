"""The search index: the trigrams of each contact's phone and merge tags.

Imports do not wait for the index: `ContactList.searched_to` is the last contact of a list in it,
and a worker adds the others (`index_contacts`). From then on triggers keep it up to date. SQLite:
an FTS5 table without its texts. PostgreSQL: a table with a pg_trgm index; without the right to
create that extension there is no index, and searches read all contacts.

Created after each migration, like the triggers of the ledger: SQLite drops them when a migration
rebuilds the table.
"""

# ruff: noqa: S608 - names of our own tables

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.contacts.models import CHANGING, Contact, ContactList, Import
from campaigns.shared.text import postgresql_fold

logger = logging.getLogger(__name__)
INDEX = "contact_search"
CONTACT = Contact._meta.db_table
LIST = ContactList._meta.db_table
# contacts per transaction: a tenth of a second, during which other writers wait on SQLite
SLICE_ROWS = 5_000


def _sqlite_text(row: str) -> str:
    return (
        f"{row}.msisdn || ' ' || IFNULL((SELECT GROUP_CONCAT(value, ' ') FROM"
        f" JSON_EACH({row}.fields)), '')"
    )


_SQLITE_DELETE = (
    f"INSERT INTO {INDEX} ({INDEX}, rowid, text) VALUES ('delete', OLD.id, {_sqlite_text('OLD')})"
)
_SQLITE_IS_INDEXED = f"OLD.id <= (SELECT searched_to FROM {LIST} WHERE id = OLD.list_id)"
SQLITE = [
    (
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX}"
        " USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram')"
    ),
    "DROP TRIGGER IF EXISTS contact_search_delete",
    (
        f"CREATE TRIGGER contact_search_delete AFTER DELETE ON {CONTACT}"
        f" WHEN {_SQLITE_IS_INDEXED} BEGIN {_SQLITE_DELETE}; END"
    ),
    "DROP TRIGGER IF EXISTS contact_search_update",
    (
        f"CREATE TRIGGER contact_search_update AFTER UPDATE OF fields ON {CONTACT}"
        f" WHEN OLD.fields <> NEW.fields AND {_SQLITE_IS_INDEXED} BEGIN {_SQLITE_DELETE};"
        f" INSERT INTO {INDEX} (rowid, text) VALUES (NEW.id, {_sqlite_text('NEW')}); END"
    ),
]
POSTGRESQL = [
    (
        f"CREATE TABLE IF NOT EXISTS {INDEX} (id bigint PRIMARY KEY, list_id bigint NOT NULL, text"
        " text NOT NULL)"
    ),
    f"CREATE INDEX IF NOT EXISTS contact_search_trigrams ON {INDEX} USING gin (text gin_trgm_ops)",
    (
        "CREATE OR REPLACE FUNCTION contact_search_forget() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN DELETE FROM {INDEX} USING gone WHERE {INDEX}.id = gone.id; RETURN NULL; END $$"
    ),
    (
        "CREATE OR REPLACE FUNCTION contact_search_change() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN UPDATE {INDEX} SET text = contact_search_text(fresh.msisdn, fresh.fields) FROM"
        f" fresh JOIN gone ON gone.id = fresh.id WHERE {INDEX}.id = fresh.id AND gone.fields IS"
        " DISTINCT FROM fresh.fields; RETURN NULL; END $$"
    ),
    f"DROP TRIGGER IF EXISTS contact_search_delete ON {CONTACT}",
    (
        f"CREATE TRIGGER contact_search_delete AFTER DELETE ON {CONTACT} REFERENCING OLD TABLE AS"
        " gone FOR EACH STATEMENT EXECUTE FUNCTION contact_search_forget()"
    ),
    f"DROP TRIGGER IF EXISTS contact_search_update ON {CONTACT}",
    (
        f"CREATE TRIGGER contact_search_update AFTER UPDATE ON {CONTACT} REFERENCING OLD TABLE AS"
        " gone NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION contact_search_change()"
    ),
]


def _postgresql_text(using: str) -> str:
    """The text of a contact that is searched, in small letters."""
    text = postgresql_fold(
        "(msisdn || ' ' || COALESCE((SELECT STRING_AGG(value, ' ') FROM JSONB_EACH_TEXT(fields)),"
        " ''))",
        using,
    )
    return f"SELECT {text}"


def ensure_search_index(using: str = "default", **_signal: object) -> None:
    """Create the index and its triggers, if the table of contacts exists."""
    database = connections[using]
    if CONTACT not in database.introspection.table_names():
        return
    if database.vendor == "postgresql":
        is_new = _set_text(using)
        if not _has_trigrams(using):
            return
        if is_new:
            _start_anew(using)
    with database.cursor() as cursor:
        for statement in SQLITE if database.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)


def _set_text(using: str) -> bool:
    """Define the text that PostgreSQL searches; whether another one was indexed so far."""
    text = _postgresql_text(using)
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = 'contact_search_text'"
            " AND pronamespace = CURRENT_SCHEMA()::regnamespace"
        )
        earlier = cursor.fetchone()
        cursor.execute(
            "CREATE OR REPLACE FUNCTION contact_search_text(msisdn text, fields jsonb) RETURNS text"
            f" LANGUAGE sql IMMUTABLE AS $${text}$$"
        )
    return earlier is not None and earlier[0] != text


def _start_anew(using: str) -> None:
    """Empty the index: a worker adds all contacts again, by the new text."""
    with transaction.atomic(using), connections[using].cursor() as cursor:
        cursor.execute("SELECT TO_REGCLASS(%s)", [INDEX])
        if cursor.fetchone()[0]:
            cursor.execute(f"TRUNCATE {INDEX}")
        cursor.execute(f"UPDATE {LIST} SET searched_to = 0")


def _has_trigrams(using: str) -> bool:
    """Whether PostgreSQL has pg_trgm; creates it, which needs the CREATE right on the database."""
    try:
        with transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning(
            "contacts are searched without an index: cannot create the extension pg_trgm: %s",
            str(error).strip(),
        )
        return False
    return True


def index_exists() -> bool:
    """Whether the index exists."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT 1 FROM sqlite_master WHERE name = %s", [INDEX])
        else:
            cursor.execute("SELECT 1 FROM pg_class WHERE oid = TO_REGCLASS(%s)", [INDEX])
        return cursor.fetchone() is not None


def lists_to_index() -> QuerySet[ContactList]:
    """Lists with contacts that are not in the index yet."""
    later = Contact.objects.filter(list=OuterRef("pk"), pk__gt=OuterRef("searched_to"))
    return ContactList.objects.filter(Exists(later))


def index_contacts(keep_going: Callable[[], bool] = lambda: True) -> bool:
    """Add contacts to the index while `keep_going` returns True; whether some are left.

    Lists with a running import or undo are skipped: indexing would wait for it, and it for that.
    """
    if not index_exists():
        return False
    running_imports = Import.objects.filter(list=OuterRef("pk"), state__in=CHANGING)
    for list_id in (
        lists_to_index()
        .filter(~Exists(running_imports))
        .order_by("pk")
        .values_list("pk", flat=True)
    ):
        while _index_slice(list_id):
            if not keep_going():
                return True
    return False


def _index_slice(list_id: int) -> bool:
    """Index the next contacts of a list; False if there are none. Locks the row of the list."""
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().filter(pk=list_id).first()
        if locked is None:
            return False
        ids = (
            Contact.objects.filter(list=list_id, pk__gt=locked.searched_to)
            .order_by("pk")
            .values_list("pk")[:SLICE_ROWS]
        )
        last_id = max((pk for (pk,) in ids), default=None)
        if last_id is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(*_insert(list_id, locked.searched_to, last_id))
        ContactList.objects.filter(pk=list_id).update(searched_to=last_id)
    return True


def _insert(list_id: int, after: int, last_id: int) -> tuple[str, list[Any]]:
    where = f"FROM {CONTACT} c WHERE c.list_id = %s AND c.id > %s AND c.id <= %s"
    if connection.vendor == "sqlite":
        return f"INSERT INTO {INDEX} (rowid, text) SELECT c.id, {_sqlite_text('c')} {where}", [
            list_id,
            after,
            last_id,
        ]
    return (
        (
            f"INSERT INTO {INDEX} (id, list_id, text) SELECT c.id, c.list_id,"
            f" contact_search_text(c.msisdn, c.fields) {where} ON CONFLICT (id) DO UPDATE SET"
            " list_id = excluded.list_id, text = excluded.text"
        ),
        [list_id, after, last_id],
    )
