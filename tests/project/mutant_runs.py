"""A plugin of pytest for `make mutations`. There the tests of a mutant run in a copy of a process
that has run all tests before: nothing may be left of that, and the database is copied, not made.
"""

import atexit
import functools
import gc
import shutil
import tempfile
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3.creation import DatabaseCreation

make_database = DatabaseCreation.create_test_db


def pytest_configure() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    copy = functools.partialmethod(copy_database, folder / "database.sqlite3")
    DatabaseCreation.create_test_db = copy  # type: ignore[method-assign, assignment]


def pytest_sessionstart() -> None:
    empty_caches()


def empty_caches() -> None:
    """Empty the caches of functions: an answer from there would hide what a mutant answers."""
    for cached in gc.get_objects():
        if isinstance(cached, functools._lru_cache_wrapper) and is_own(cached):
            cached.cache_clear()


def is_own(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).startswith("campaigns.")


def copy_database(creation: Any, made: Path, *arguments: Any, **options: Any) -> str:
    """Make the database of the tests as Django does, the first time; then copy that, `made`."""
    name: str = creation._get_test_db_name()
    if not made.exists():
        make_database(creation, *arguments, **options)
        with creation.connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(name, made)
        return name
    creation.connection.close()
    shutil.copy(made, name)
    creation.connection.settings_dict["NAME"] = name
    return name
