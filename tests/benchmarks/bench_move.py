"""`make bench-move`: how long `manage.py move` takes for 1,000,000 recipients and their ledger, as
ratios to plain COPY of the same rows from CSV files that are on the disk already.

COPY is measured twice: into the tables as they stand, with their indexes, and as pgloader does it,
into tables without indexes that are made afterwards. Its foreign keys are not checked. The move
also makes the tables, compares both sides and verifies ledger and audit trail. `--recipients` takes
another number, `--source` a SQLite database that is there already, of which a copy is moved.
Nothing fails: the ratios are to be read.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg

from tests.benchmarks.bench_import import ROOT, environment, say
from tests.platforms import POSTGRESQL, trouble

FILL = """
import sys, django
django.setup()
from django.core.management import call_command
from tests.benchmarks import report_rows
call_command("migrate", verbosity=0)
report_rows.make(int(sys.argv[1]))
"""
NAME = f"bench_move_{os.getpid()}"
# indexes of PostgreSQL that are neither a primary key nor a constraint's
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index x
    JOIN pg_class t ON t.oid = indrelid WHERE relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid)
"""


def manage(folder: Path, *command: str) -> float:
    """Run a command on the SQLite database in `folder`; seconds."""
    settings = environment(f"sqlite:///{folder}/source.sqlite3")
    settings |= {"STATE_FILE": str(folder / "state.json"), "PYTHONPATH": str(ROOT)}
    began = time.monotonic()
    subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=settings,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.monotonic() - began


def export(database: "psycopg.Connection[tuple[object, ...]]", folder: Path) -> dict[str, Path]:
    """A CSV file of each table that has rows, by its name."""
    files = {}
    query = (
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    for (name,) in database.execute(query).fetchall():
        if database.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone():
            files[str(name)] = folder / f"{name}.csv"
            with (
                files[str(name)].open("wb") as file,
                database.cursor().copy(f"COPY {name} TO STDOUT (FORMAT csv)") as copy,
            ):
                file.writelines(copy)
    return files


def copy_in(database: "psycopg.Connection[tuple[object, ...]]", files: dict[str, Path]) -> float:
    """Read the files into the tables, which are emptied first; seconds."""
    database.execute("SET session_replication_role = replica")
    database.execute(f"TRUNCATE {', '.join(files)} CASCADE")
    began = time.monotonic()
    for name, path in files.items():
        with (
            path.open("rb") as file,
            database.cursor().copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy,
        ):
            while data := file.read(1 << 18):
                copy.write(data)
    return time.monotonic() - began


def copy_without_indexes(
    database: "psycopg.Connection[tuple[object, ...]]", files: dict[str, Path]
) -> float:
    """The same without indexes, which are made afterwards; seconds."""
    indexes = database.execute(INDEXES).fetchall()
    for name, _creation in indexes:
        database.execute(f"DROP INDEX {name}")
    seconds = copy_in(database, files)
    began = time.monotonic()
    for _name, creation in indexes:
        database.execute(str(creation))
    return seconds + time.monotonic() - began


def measure(folder: Path, recipients: int, source: str) -> None:
    if source:
        shutil.copyfile(source, folder / "source.sqlite3")
    else:
        manage(folder, "-c", FILL, str(recipients))
    server = POSTGRESQL.rpartition("/")[0]
    with closing(psycopg.connect(POSTGRESQL, autocommit=True)) as maintenance:
        maintenance.execute(f"CREATE DATABASE {NAME}")
        try:
            seconds = manage(folder, "manage.py", "move", "--to", f"{server}/{NAME}")
            with closing(psycopg.connect(f"{server}/{NAME}", autocommit=True)) as database:
                files = export(database, folder)
                plain, bare = copy_in(database, files), copy_without_indexes(database, files)
        finally:
            maintenance.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
    say(f"manage.py move, {recipients:,} recipients", f"{seconds:,.1f} s")
    say("plain COPY into the same tables", f"{plain:,.1f} s", f"ratio {seconds / plain:.2f}")
    say("COPY without indexes, then indexes", f"{bare:,.1f} s", f"ratio {seconds / bare:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--source", default="", metavar="FILE")
    asked = parser.parse_args()
    if why := trouble(POSTGRESQL):
        say(f"not measured, {why}", "")
        return
    with tempfile.TemporaryDirectory() as name:
        try:
            measure(Path(name), asked.recipients, asked.source)
        except subprocess.CalledProcessError:  # it said why
            say("not measured: the move was refused", "")


if __name__ == "__main__":
    main()
