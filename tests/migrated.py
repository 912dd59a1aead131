"""Databases that have all migrations. One is made of each engine, and every other is a copy of it:
to migrate takes ten seconds of the processor.

SQLite's stays in .pytest_cache until the migrations change. PostgreSQL's is made where
MIGRATED_DATABASE names it, as `python -m tests` does, which drops it at the end.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".pytest_cache" / "migrated"


def sqlite() -> Path:
    """The file of the migrated database."""
    content = hashlib.sha256()
    for path in (ROOT / "requirements.txt", *sorted(ROOT.glob("campaigns/migrations/*.py"))):
        content.update(path.name.encode() + path.read_bytes())
    file = FOLDER / f"{content.hexdigest()[:16]}.sqlite3"
    with alone("sqlite"):
        if not file.exists():
            for outdated in FOLDER.glob("*.sqlite3*"):
                outdated.unlink()
            draft = file.with_suffix(".sqlite3-draft")
            _migrate(f"sqlite:///{draft}")
            draft.rename(file)
    return file


def copy_sqlite(target: Path) -> None:
    """Put a migrated database there."""
    shutil.copyfile(sqlite(), target)


def template(address: str) -> str:
    """The name of the migrated database on the PostgreSQL server at `address`, to be copied with
    CREATE DATABASE … TEMPLATE; "" where none is made.
    """
    name = os.environ.get("MIGRATED_DATABASE", "")
    if not name:
        return ""
    server, draft = address.rpartition("/")[0], f"{name}_draft"
    with alone("postgresql"), psycopg.connect(address, autocommit=True) as connection:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if not connection.execute(query, [name]).fetchone():
            drop(address, draft)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
            _migrate(f"{server}/{draft}")
            connection.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(draft), sql.Identifier(name)
                )
            )
    return name


def drop(address: str, *names: str) -> None:
    """Drop databases on the PostgreSQL server at `address`, where they exist."""
    with psycopg.connect(address, autocommit=True) as connection:
        for name in names:
            command = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
            connection.execute(sql.SQL(command).format(sql.Identifier(name)))


@contextmanager
def alone(name: str) -> Iterator[None]:
    """One worker makes what has this name while the others wait for it."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _migrate(address: str) -> None:
    variables = {
        "DATABASE_URL": address, "ENV_FILE": os.devnull, "DEBUG": "true", "SECRET_KEY": "tests",
        "BSG_API_KEY": "test_tests", "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0"],
        cwd=ROOT, env=os.environ | variables, check=True,
    )  # fmt: skip
