"""What people are found by: the trigrams of their phone and merge fields, kept by the database
beside the contacts.

An import does not wait for it: `ContactList.searched_to` says up to which contact a list is in the
index, and a worker brings it there (`bring_up`). From then on triggers keep it true. SQLite: an
FTS5 table that holds no text. PostgreSQL: a table with a pg_trgm index; where the extension may not
be made there is none, and searches read the contacts.

Made sure of after each migration, like the ledger's triggers: where SQLite makes a table anew, its
triggers are gone.
"""

# ruff: noqa: S608 - names of our own tables

import logging
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection, connections, transaction
from django.db.models import Exists, OuterRef, QuerySet

from campaigns.contacts.models import Contact, ContactList, Import, ImportState

logger = logging.getLogger(__name__)
INDEX = "contact_search"
CONTACT = Contact._meta.db_table
LIST = ContactList._meta.db_table
# contacts in one transaction: a tenth of a second, for which SQLite keeps other writers waiting
SLICE_ROWS = 5_000
AT_WORK = (ImportState.QUEUED, ImportState.RUNNING)


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
        "CREATE OR REPLACE FUNCTION contact_search_text(msisdn text, fields jsonb) RETURNS text"
        " LANGUAGE sql IMMUTABLE AS $$ SELECT LOWER(msisdn || ' ' || COALESCE((SELECT"
        " STRING_AGG(value, ' ') FROM JSONB_EACH_TEXT(fields)), '')) $$"
    ),
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


def ensure_search_index(using: str = "default", **_signal: object) -> None:
    """Have the index and the triggers that keep it, if the contacts' table is there."""
    there = connections[using]
    if CONTACT not in there.introspection.table_names():
        return
    if there.vendor == "postgresql" and not _has_trigrams(using):
        return
    with there.cursor() as cursor:
        for statement in SQLITE if there.vendor == "sqlite" else POSTGRESQL:
            cursor.execute(statement)


def _has_trigrams(using: str) -> bool:
    """Whether PostgreSQL's extension is there now. Making it takes the right to create in the
    database, no more.
    """
    try:
        with transaction.atomic(using), connections[using].cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        logger.warning(
            "people are searched without an index, as pg_trgm cannot be made: %s",
            str(error).strip(),
        )
        return False
    return True


def index_exists() -> bool:
    """Whether there is an index to search by."""
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
    """Put contacts into the index while `keep_going` says so; whether some are left.

    Lists that a file is being imported into come when it is in, as both would wait for each other.
    """
    if not index_exists():
        return False
    busy = Import.objects.filter(list=OuterRef("pk"), state__in=AT_WORK)
    for list_id in (
        lists_to_index().filter(~Exists(busy)).order_by("pk").values_list("pk", flat=True)
    ):
        while _index_slice(list_id):
            if not keep_going():
                return True
    return False


def _index_slice(list_id: int) -> bool:
    """The next contacts of a list; False when there are none. Whoever adds people holds the list's
    row too.
    """
    with transaction.atomic():
        locked = ContactList.objects.select_for_update().filter(pk=list_id).first()
        if locked is None:
            return False
        ids = (
            Contact.objects.filter(list=list_id, pk__gt=locked.searched_to)
            .order_by("pk")
            .values_list("pk")[:SLICE_ROWS]
        )
        last = max((pk for (pk,) in ids), default=None)
        if last is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(*_insert(list_id, locked.searched_to, last))
        ContactList.objects.filter(pk=list_id).update(searched_to=last)
    return True


def _insert(list_id: int, after: int, last: int) -> tuple[str, list[Any]]:
    where = f"FROM {CONTACT} c WHERE c.list_id = %s AND c.id > %s AND c.id <= %s"
    if connection.vendor == "sqlite":
        return f"INSERT INTO {INDEX} (rowid, text) SELECT c.id, {_sqlite_text('c')} {where}", [
            list_id,
            after,
            last,
        ]
    return (
        (
            f"INSERT INTO {INDEX} (id, list_id, text) SELECT c.id, c.list_id,"
            f" contact_search_text(c.msisdn, c.fields) {where} ON CONFLICT (id) DO UPDATE SET"
            " list_id = excluded.list_id, text = excluded.text"
        ),
        [list_id, after, last],
    )
