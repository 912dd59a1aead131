"""A trail with entries of our own, and changes past the triggers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from campaigns.models import AuditEntry
from campaigns.team.audit import append_only, chain

TABLES = (append_only.ENTRY, append_only.LINK, append_only.SEAL)


def enter(count: int, at: datetime | None = None) -> list[AuditEntry]:
    """Entries a second apart, from `at` on; by default a while ago."""
    at = at or timezone.now() - timedelta(hours=1)
    return AuditEntry.objects.bulk_create(
        AuditEntry(
            at=at + timedelta(seconds=number), subject=f"campaign:{number}", action="launched"
        )
        for number in range(count)
    )


def link_all() -> None:
    while chain.link_next():
        pass


@contextmanager
def as_owner() -> Iterator[None]:
    """The owner of the tables at work: without the triggers."""
    if connection.vendor == "postgresql":
        off = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES]
        on = [f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in TABLES]
    else:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit%'"
            )
            triggers = dict(cursor.fetchall())
        off, on = [f"DROP TRIGGER {name}" for name in triggers], list(triggers.values())
    _execute(off)
    yield
    _execute(on)


def _execute(statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
