"""A plugin of pytest for `make mutations`. There the tests of a mutant run in a copy of a process
that has run all tests before: nothing may be left of that, and the database is copied, not made.
"""

import atexit
import functools
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3.creation import DatabaseCreation

make_database = DatabaseCreation.create_test_db


def pytest_configure() -> None:
    DatabaseCreation.create_test_db = copy_database  # type: ignore[method-assign, assignment]


@functools.cache
def made_database() -> Path:
    """Where the database is kept: the copies of this process know it, so it is made once."""
    folder = Path(tempfile.mkdtemp(prefix="mutants-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder / "database.sqlite3"


def pytest_sessionstart() -> None:
    empty_caches()


def empty_caches() -> None:
    """Empty the caches of functions: an answer from there would hide what a mutant answers."""
    modules = [module for name, module in sys.modules.items() if name.startswith("campaigns.")]
    for module in modules:
        for value in list(vars(module).values()):
            if isinstance(value, functools._lru_cache_wrapper):
                value.cache_clear()


def copy_database(creation: Any, *arguments: Any, **options: Any) -> str:
    """Make the database of the tests as Django does, the first time; then copy that."""
    made = made_database()
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
