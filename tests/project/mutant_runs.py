"""A plugin of pytest for `make mutations`, where one process after the other runs the tests of one
mutant, each a copy of a process that has run all tests before.

Nothing is remembered from those runs, and the database is copied instead of made anew.
"""

import atexit
import functools
import gc
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3.creation import DatabaseCreation

MADE = Path(tempfile.mkdtemp(prefix="mutants-")) / "database.sqlite3"
atexit.register(shutil.rmtree, MADE.parent, ignore_errors=True)
make_database = DatabaseCreation.create_test_db


def pytest_sessionstart() -> None:
    """Empty the caches of functions: an answer from there would hide what a mutant answers."""
    for cached in gc.get_objects():
        if isinstance(cached, functools._lru_cache_wrapper) and is_own(cached):
            cached.cache_clear()


def is_own(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("campaigns.")


def copy_database(creation: Any, *arguments: Any, **options: Any) -> str:
    """Make the database of the tests as Django does, but the first time only."""
    connection = creation.connection
    name: str = creation._get_test_db_name()
    if not MADE.exists():
        make_database(creation, *arguments, **options)
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(name, MADE)
        return name
    connection.close()
    shutil.copy(MADE, name)
    connection.settings_dict["NAME"] = name
    return name


DatabaseCreation.create_test_db = copy_database  # type: ignore[method-assign]
