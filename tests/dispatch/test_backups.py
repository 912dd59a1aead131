"""`manage.py backup` and `manage.py restore`: nothing is lost, and nobody gets a second message."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from campaigns.models import Campaign, LedgerEntry, Recipient
from campaigns.shared.money import to_units
from tests.chaos.processes import database_url
from tests.dispatch.test_restores import (
    PEOPLE,
    environment,
    half_sent,
    read_status,
    same_account,  # noqa: F401 - a fixture
    server,
    start_work,
)
from tests.sandbox_fixture import RunningSandbox
from viberdash.backups import folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
Manage = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("media", "uploads"):
        (tmp_path / name).mkdir()
    (tmp_path / "media" / "picture.png").write_bytes(b"a picture")
    (tmp_path / "uploads" / "contacts.csv").write_bytes(b"phone\n")
    return tmp_path


@pytest.fixture
def manage(place: Path) -> Manage:
    """`manage(database, *command)` in the folders of the original, or of `machine`."""

    def manage(
        database: str, *command: str, machine: str = "", **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        folders = {
            "MEDIA_ROOT": str(place / machine / "media"),
            "UPLOAD_ROOT": str(place / machine / "uploads"),
            "STATE_FILE": str(place / machine / "state.json"),
            "BACKUP_ROOT": str(place / "backups"),
        }
        return subprocess.run(
            [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR,
            env=environment(database) | folders | variables,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return manage


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables, on the engine of the tests."""
    if settings.SQLITE:
        yield f"sqlite:///{tmp_path / 'restored.sqlite3'}"
        return
    name = f"{connection.settings_dict['NAME']}_restored"
    with psycopg.connect(server(), autocommit=True) as maintenance:
        maintenance.execute(f'CREATE DATABASE "{name}"')
    yield database_url(connection).rpartition("/")[0] + f"/{name}"
    with psycopg.connect(server(), autocommit=True) as maintenance:
        maintenance.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def only_backup(place: Path) -> Path:
    [backup] = (place / "backups").glob("viberdash-*")
    return backup


def read_manifest(backup: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((backup / "manifest.json").read_text())
    return manifest


def test_backup_of_a_campaign_under_way_is_restored_and_sends_nobody_twice(
    sandbox: RunningSandbox, manage: Manage, empty: str, place: Path
) -> None:
    campaign_id = half_sent(sandbox)
    sent = len(sandbox.messages())
    made = manage(database_url(connection), "backup")
    backup = only_backup(place)
    assert (made.returncode, made.stdout.splitlines()[0]) == (
        0,
        f"{backup}: complete and verified.",
    )
    manifest = read_manifest(backup)
    assert manifest["facts"]["rows"]["campaigns_recipient"] == PEOPLE
    sums: Counter[str] = Counter()
    for currency, amount in LedgerEntry.objects.values_list("currency", "amount"):
        sums[currency] += to_units(Decimal(amount or 0))
    assert manifest["facts"]["ledger"] == sums
    assert stat.S_IMODE((place / "backups").stat().st_mode) == 0o700
    assert stat.S_IMODE(backup.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in backup.iterdir()} == {0o600}

    # the original goes on after the backup, so the restored one does not know of the rest
    assert start_work(database_url(connection), sandbox).communicate()[0] == "0\n"
    assert sandbox.bill()["messages"] == PEOPLE > sent
    refused = sandbox.bill()["refused"]

    restored = manage(empty, "restore", str(backup), machine="new")
    assert (restored.returncode, restored.stderr) == (0, "")
    assert "Safe mode is on: nothing is sent." in restored.stdout
    assert (place / "new" / "media" / "picture.png").read_bytes() == b"a picture"
    assert (place / "new" / "uploads" / "contacts.csv").read_bytes() == b"phone\n"
    before = read_status(empty, campaign_id)[0]
    assert before == Counter(accepted=sent, queued=PEOPLE - sent, unresolved=0)
    start_work(empty, sandbox, passes=2).communicate()
    assert read_status(empty, campaign_id)[0] == before
    assert sandbox.bill()["refused"] == refused

    again = manage(empty, "restore", str(backup), machine="newest")
    assert again.returncode == 1
    assert len(again.stderr.splitlines()) == 1

    assert manage(empty, "confirm_restore").stdout == "Safe mode is off. Campaigns send again.\n"
    assert start_work(empty, sandbox).communicate()[0] == "0\n"
    sandbox.settle()
    assert start_work(empty, sandbox).communicate()[0] == "0\n"
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    assert read_status(empty, campaign_id)[0] == Counter(accepted=PEOPLE, queued=0, unresolved=0)


def test_backup_while_sending_holds_one_moment(
    sandbox: RunningSandbox, manage: Manage, empty: str, place: Path
) -> None:
    half_sent(sandbox)
    work = start_work(database_url(connection), sandbox)
    made = manage(database_url(connection), "backup")
    assert work.communicate()[0] == "0\n"
    assert made.returncode == 0, made.stderr
    # which compares rows and sums with those of the moment of the backup
    restored = manage(empty, "restore", str(only_backup(place)), machine="new")
    assert restored.returncode == 0, restored.stderr
    assert Recipient.objects.filter(send_state="accepted").count() == PEOPLE


def test_restore_refuses_what_is_not_a_sound_backup_of_this_version(
    manage: Manage, empty: str, place: Path
) -> None:
    Campaign.objects.create(name="Spring")
    assert manage(database_url(connection), "backup").returncode == 0
    backup = only_backup(place)
    manifest = read_manifest(backup)
    [database] = [name for name in manifest["files"] if name.startswith("database")]

    def refused(change: Callable[[Path], None], **variables: str) -> str:
        copy = place / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)
        change(copy)
        ended = manage(empty, "restore", str(copy), machine="new", **variables)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
        return ended.stderr

    def write(copy: Path, **changes: Any) -> None:
        (copy / "manifest.json").write_text(json.dumps(manifest | changes))

    def cut(copy: Path) -> None:
        with open(copy / database, "r+b") as file:
            file.truncate(4096)

    assert "manifest.json can't be read" in refused(lambda copy: (copy / "manifest.json").unlink())
    assert f"{database} is missing" in refused(lambda copy: (copy / database).unlink())
    assert "is damaged: its checksum is another one" in refused(cut)
    other = "postgresql" if settings.SQLITE else "sqlite"
    assert f"The backup is of {other}, and" in refused(lambda copy: write(copy, engine=other))
    newer = manifest["facts"] | {"migrations": ["campaigns.0999_later"]}
    assert "whose migration campaigns.0999_later" in refused(lambda copy: write(copy, facts=newer))
    assert "uploads is not empty" in refused(lambda copy: None, UPLOAD_ROOT=str(place / "uploads"))
    rows = manifest["facts"] | {"rows": {"campaigns_campaign": 2}}
    assert "differs from the manifest in its rows" in refused(lambda copy: write(copy, facts=rows))


def test_failed_backup_leaves_nothing(manage: Manage, place: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    ended = manage(
        database_url(connection), "backup", PATH=str(programs), BACKUP_RECIPIENT="age1recipient"
    )
    assert (ended.returncode, ended.stderr) == (
        1,
        "CommandError: age is not installed. On Debian and Ubuntu: apt install age\n",
    )
    age = programs / "age"
    age.write_text("#!/bin/sh\necho 'age: error: malformed recipient' >&2\nexit 1\n")
    age.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    ended = manage(database_url(connection), "backup", PATH=path, BACKUP_RECIPIENT="age1recipient")
    assert (ended.returncode, ended.stderr) == (
        1,
        "CommandError: age failed: age: error: malformed recipient\n",
    )
    ended = manage(f"sqlite:///{tmp_path}/none.sqlite3", "backup")
    assert (ended.returncode, ended.stderr) == (
        1,
        "CommandError: SQLite: unable to open database file. Nothing is kept.\n",
    )
    assert [file.name for file in (place / "backups").iterdir()] == [".lock"]


def test_encrypted_backup_holds_nothing_readable_and_is_restored(
    manage: Manage, empty: str, place: Path, tmp_path: Path
) -> None:
    """With a program in the place of age that turns every byte around, called as age is."""
    programs = tmp_path / "bin"
    programs.mkdir()
    age = programs / "age"
    age.write_text(
        f"#!{sys.executable}\nimport sys\nfrom pathlib import Path\n"
        "mode, flag, key, out, target, source = sys.argv[1:]\n"
        "assert (mode, flag, key, out) in [('--encrypt', '-r', 'age1recipient', '-o'),"
        " ('--decrypt', '-i', 'key.txt', '-o')]\n"
        "content = Path(source).read_bytes()\n"
        "Path(target).write_bytes(bytes(byte ^ 255 for byte in content))\n"
    )
    age.chmod(0o755)
    (tmp_path / "env").write_text("LOG_LEVEL=INFO\n")
    variables = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "BACKUP_RECIPIENT": "age1recipient",
        "ENV_FILE": str(tmp_path / "env"),
    }
    assert manage(database_url(connection), "backup", **variables).returncode == 0
    backup = only_backup(place)
    names = sorted(file.name for file in backup.iterdir())
    kind = "sqlite3" if settings.SQLITE else "dump"
    assert names == [
        f"database.{kind}.age", "manifest.json", "media.tar.gz.age", "settings.env.age",
        "uploads.tar.gz.age",
    ]  # fmt: skip
    ended = manage(
        empty, "restore", str(backup), "--identity", "key.txt", machine="new", **variables
    )
    assert ended.returncode == 0, ended.stderr
    assert (place / "new" / "media" / "picture.png").read_bytes() == b"a picture"


def test_old_backups_go_but_the_newest_complete_one_stays(tmp_path: Path) -> None:
    now = datetime(2026, 11, 30, 3, tzinfo=UTC)
    for days in (0, 1, 5, 40):
        made = tmp_path / f"viberdash-{(now - timedelta(days=days)).strftime(folder.STAMP)}"
        made.mkdir()
        if days:  # today's is half a backup
            (made / "manifest.json").write_text("{}")
    assert folder.delete_old(tmp_path, now, None, None) == []
    assert folder.delete_old(tmp_path, now, 30, None) == ["viberdash-20261021T030000Z"]
    assert folder.delete_old(tmp_path, now, None, 1) == ["viberdash-20261125T030000Z"]
    later = now + timedelta(days=400)
    assert folder.delete_old(tmp_path, later, 30, 1) == []
    assert len(list(tmp_path.glob("*/manifest.json"))) == 1
