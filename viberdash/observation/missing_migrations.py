"""Whether the database has the tables that this version expects."""

import threading
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

_all_applied = threading.Event()  # once they are, they stay so while this process runs


def missing_migrations() -> list[str]:
    """The names of this version's migrations that the database does not have, by one query."""
    applied = MigrationRecorder(connection).applied_migrations()
    return sorted(".".join(key) for key in known_migrations() - applied.keys())


def is_any_missing() -> bool:
    """Whether there are such migrations. Asks no more when there were none."""
    if not _all_applied.is_set() and not missing_migrations():
        _all_applied.set()
    return not _all_applied.is_set()


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """App and name of the migrations of this version."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
