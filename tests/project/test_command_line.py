"""What is wrong around a command ends it with one line that says what to do."""

import errno
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, OperationalError, ProgrammingError
from redis.exceptions import AuthenticationError, RedisError

from viberdash import command_line, environment

ROOT = Path(settings.BASE_DIR)
KEY = "k3yQ-wRz7_pB" * 5
CLOSED = "postgres://viberdash:p%40ss@127.0.0.1:1/viberdash"
REFUSED = (
    'The database can\'t be used: connection failed: connection to server at "127.0.0.1", port 1'
    " failed: Connection refused. Start the database, or correct its host and port in"
    " DATABASE_URL.\n"
)


def manage(*command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return start("manage.py", *command, **variables)


def start(*arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    base = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull}
    base |= {"SECRET_KEY": KEY, "BSG_API_KEY": "test_abcdef"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=base | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


COMMANDS: list[list[str]] = [
    ["migrate"],
    ["sweep"],
    ["campaign", "status", "1"],
    ["import_contacts", "manage.py", "--list", "Customers"],
    ["run", "worker"],
    ["worker"],
]
# what manage.py does, in a process for each command that has started once for all of them
EACH = """
import json, os, sys
from viberdash.environment import load_settings
load_settings()
import django
django.setup()
import viberdash.urls
from viberdash.command_line import execute
for arguments in json.loads(sys.argv[1]):
    if not os.fork():
        os.dup2(1, 2)
        execute(["manage.py", *arguments])
        sys.exit()
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


def test_a_database_that_is_away_is_one_line() -> None:
    ended = start("-c", EACH, json.dumps(COMMANDS), DATABASE_URL=CLOSED)
    assert ended.stdout.splitlines(keepends=True) == [REFUSED, "1\n"] * len(COMMANDS)


def test_the_traceback_is_there_for_those_who_ask() -> None:
    ended = manage("migrate", "--traceback", DATABASE_URL=CLOSED)
    assert ended.returncode == 1
    assert ended.stderr.startswith("Traceback")


def test_a_database_without_tables_or_that_is_none_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "database.sqlite3"
    sqlite3.connect(file).close()
    ended = manage("campaign", "status", "1", DATABASE_URL=f"sqlite:///{file}")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"The database {file} can't be used: no such table: campaigns_campaign."
        " Run manage.py prepare first.\n",
    )
    file.write_bytes(b"no database at all" * 100)
    ended = manage("migrate", DATABASE_URL=f"sqlite:///{file}")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"The database {file} can't be used: file is not a database."
        " Restore the database from a backup.\n",
    )
    ended = manage("check", DATABASE_URL=f"sqlite:///{file}/under/a/file.sqlite3")
    assert (ended.returncode, ended.stderr) == (
        1,
        f"ViberDash can't start: {file}/under/a: Not a directory."
        " The user that it runs as must be able to write there.\n",
    )


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        ('failed: FATAL:  password authentication failed for user "v"', "(@ is %40, / is %2F)."),
        ('failed: FATAL:  role "v" does not exist', "Create this user, or correct it in"),
        ('failed: FATAL:  database "v" does not exist', "Create it, or correct its name in"),
        ("failed to resolve host 'db': Name or service not known", "Correct the host in"),
        ('collation "und-x-icu" for encoding "SQL_ASCII" does not exist', "--encoding UTF8 and"),
        ("FATAL:  no pg_hba.conf entry for host", "in PostgreSQL's pg_hba.conf."),
        ("FATAL:  sorry, too many clients already", "Raise PostgreSQL's max_connections"),
        ("FATAL:  the database system is starting up", "Try again in a moment."),
        ("attempt to write a readonly database", "not mounted read-only."),
        ("database or disk is full", "Free space on the disk of the database, and try again."),
        ("could not extend file: No space left on device", "Free space on the disk of the"),
        ("something new", "Look whether the database runs, and whether DATABASE_URL is correct."),
    ],
)
def test_each_cause_has_its_advice(cause: str, advice: str) -> None:
    line = command_line.explain(OperationalError(f"{cause}\nand more of it"))
    assert line.startswith("The database")
    assert f" can't be used: {cause}. " in line
    assert advice in line
    assert "\n" not in line


def test_other_surroundings_have_theirs_and_faults_of_the_code_keep_their_traceback() -> None:
    owner = command_line.explain(ProgrammingError("must be owner of table campaigns_user\nLINE 1"))
    assert owner.endswith("DATABASE_URL; docs/production.md explains it under Two roles.")
    for fault in (RedisError("Connection refused."), AuthenticationError("Connection refused")):
        assert command_line.explain(fault) == (
            "Redis can't be used: Connection refused. Start it, or correct REDIS_URL."
        )
    full = OSError(errno.ENOSPC, "No space left on device", "var/media/a.png")
    assert command_line.explain(full) == (
        "var/media/a.png: No space left on device. Free space on this disk, and try again."
    )
    file = OSError(errno.ENOTDIR, "Not a directory", "/dev/null/backups")
    assert command_line.explain(file) == (
        "/dev/null/backups: Not a directory. A part of this path is a file: name another folder."
    )
    faults = (IntegrityError("UNIQUE failed"), ProgrammingError("syntax error"), BrokenPipeError())
    assert [command_line.explain(fault) for fault in faults] == ["", "", ""]


@contextmanager
def without_privileges() -> Iterator[None]:
    """As a user whom the rights of files bind: root reads everything."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_an_env_file_that_cannot_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / ".env"
    file.write_text(f"SECRET_KEY={KEY}\n")
    file.chmod(stat.S_IWUSR)
    monkeypatch.delenv("ENV_FILE", raising=False)
    with without_privileges(), pytest.raises(ImproperlyConfigured) as refused:
        environment.read_file(file)
    assert str(refused.value) == (
        f"{file} can't be read: Permission denied. Run the command as the user that the"
        " installation runs as, and let this user own the file."
    )
    file.chmod(0o600)
    file.write_bytes(b"SECRET_KEY=\xff\n")
    with pytest.raises(ImproperlyConfigured, match=r"can't be read: it is not UTF-8\.$"):
        environment.read_file(file)
    assert environment.read_file(tmp_path / "none") == tmp_path / "none"
