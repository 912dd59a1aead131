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

import pytest
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from django.test import override_settings

from campaigns.models import Campaign, LedgerEntry, Recipient
from campaigns.shared.money import to_units
from campaigns.team.alerts.records import last_backups
from tests.chaos.processes import database_url
from tests.dispatch.test_restores import (
    PEOPLE,
    half_sent,
    output,
    read_status,
    same_account,  # noqa: F401 - a fixture
)
from tests.dispatch.workers import Worker
from tests.other_database import using
from tests.s3_server import Bucket
from tests.sandbox_fixture import RunningSandbox
from viberdash.backups import folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def folders(place: Path, machine: str = "") -> dict[str, Any]:
    """Settings: the folders of the original, or of `machine`."""
    return {
        "MEDIA_ROOT": str(place / machine / "media"),
        "UPLOAD_ROOT": place / machine / "uploads",
        "STATE_FILE": place / machine / "state.json",
        "BACKUP_ROOT": place / "backups",
    }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A machine with a picture and a contact file; its backups go to `backups`."""
    for name in ("media", "uploads"):
        (tmp_path / name).mkdir()
    (tmp_path / "media" / "picture.png").write_bytes(b"a picture")
    (tmp_path / "uploads" / "contacts.csv").write_bytes(b"phone\n")
    with override_settings(**folders(tmp_path)):
        yield tmp_path


def manage(place: Path, *command: str, machine: str = "") -> "subprocess.CompletedProcess[str]":
    """A command of manage.py in a process of its own, as an administrator calls it."""
    variables = {name: str(path) for name, path in folders(place, machine).items()}
    return subprocess.run(
        [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url(connection)} | variables,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def back_up(place: Path) -> Path:
    output("backup")
    return only_backup(place)


def restore(
    place: Path,
    backup: Path | str,
    database: str,
    *options: str,
    machine: str = "new",
    **changed: Any,
) -> str:
    """Restore into the folders of another machine. Raises CommandError."""
    with using(database), override_settings(**(folders(place, machine) | changed)):
        return output("restore", str(backup), *options)


def only_backup(place: Path) -> Path:
    [backup] = (place / "backups").glob("viberdash-*")
    return backup


def read_manifest(backup: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((backup / "manifest.json").read_text())
    return manifest


def test_backup_of_a_campaign_under_way_is_restored_and_sends_nobody_twice(
    sandbox: RunningSandbox, workers: list[Worker], empty_database: str, place: Path
) -> None:
    campaign_id, work = half_sent(sandbox), workers[0].run
    sent = len(sandbox.messages())
    made = manage(place, "backup")
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
    assert work(sandbox.api_url) == 0
    assert sandbox.bill()["messages"] == PEOPLE > sent
    refused = sandbox.bill()["refused"]

    with using(empty_database):
        restored = manage(place, "restore", str(backup), machine="new")
        assert (restored.returncode, restored.stderr) == (0, "")
        assert "Safe mode is on: nothing is sent." in restored.stdout
        assert (place / "new" / "media" / "picture.png").read_bytes() == b"a picture"
        assert (place / "new" / "uploads" / "contacts.csv").read_bytes() == b"phone\n"
        before = read_status(campaign_id)[0]
        assert before == Counter(accepted=sent, queued=PEOPLE - sent, unresolved=0)
        work(sandbox.api_url, passes=2)
        assert read_status(campaign_id)[0] == before
        assert sandbox.bill()["refused"] == refused

        again = refusal(lambda: restore(place, backup, empty_database, machine="newest"))
        assert ("is there already" if settings.SQLITE else "is not empty") in again
        assert output("confirm_restore") == "Safe mode is off. Campaigns send again.\n"
        assert work(sandbox.api_url) == 0
        sandbox.settle()
        assert work(sandbox.api_url) == 0
        bill = sandbox.bill()
        assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
        assert read_status(campaign_id)[0] == Counter(accepted=PEOPLE, queued=0, unresolved=0)


def test_backup_while_sending_holds_one_moment(
    sandbox: RunningSandbox, workers: list[Worker], empty_database: str, place: Path
) -> None:
    half_sent(sandbox)
    workers[0].start(sandbox.api_url)
    backup = back_up(place)
    assert workers[0].wait() == 0
    # which compares rows and sums with those of the moment of the backup
    restore(place, backup, empty_database)
    assert Recipient.objects.filter(send_state="accepted").count() == PEOPLE


def test_restore_refuses_what_is_not_a_sound_backup_of_this_version(
    empty_database: str, place: Path
) -> None:
    Campaign.objects.create(name="Spring")
    backup = back_up(place)
    manifest = read_manifest(backup)
    [database] = [name for name in manifest["files"] if name.startswith("database")]

    def refused(change: Callable[[Path], None], **changed: Any) -> str:
        copy = place / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(backup, copy)
        change(copy)
        return refusal(lambda: restore(place, copy, empty_database, **changed))

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
    assert "uploads is not empty" in refused(lambda copy: None, UPLOAD_ROOT=place / "uploads")
    rows = manifest["facts"] | {"rows": {"campaigns_campaign": 2}}
    assert "differs from the manifest in its rows" in refused(lambda copy: write(copy, facts=rows))


def refusal(command: Callable[[], object]) -> str:
    """The one line with which a command ends."""
    with pytest.raises(CommandError) as raised:
        command()
    [line] = str(raised.value).splitlines()
    return line


def test_failed_backup_leaves_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs, path = tmp_path / "bin", os.environ["PATH"]
    programs.mkdir()
    with override_settings(BACKUP_RECIPIENT="age1recipient"):
        monkeypatch.setenv("PATH", str(programs))
        assert refusal(lambda: output("backup")) == (
            "age is not installed. On Debian and Ubuntu: apt install age"
        )
        age = programs / "age"
        age.write_text("#!/bin/sh\necho 'age: error: malformed recipient' >&2\nexit 1\n")
        age.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{path}")
        assert refusal(lambda: output("backup")) == "age failed: age: error: malformed recipient"
    if settings.SQLITE:
        with using(f"{tmp_path}/none.sqlite3"):
            said = refusal(lambda: output("backup"))
        assert said == "SQLite: unable to open database file. Nothing is kept."
    assert [file.name for file in (place / "backups").iterdir()] == [".lock"]


def test_encrypted_backup_holds_nothing_readable_and_is_restored(
    empty_database: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program in the place of age that turns every byte around, called as age is."""
    programs = tmp_path / "bin"
    programs.mkdir()
    age = programs / "age"
    age.write_text(
        f"#!{sys.executable} -S\nimport sys\n"
        "mode, flag, key, out, target, source = sys.argv[1:]\n"
        "assert (mode, flag, key, out) in [('--encrypt', '-r', 'age1recipient', '-o'),"
        " ('--decrypt', '-i', 'key.txt', '-o')]\n"
        "content = open(source, 'rb').read()\n"
        "open(target, 'wb').write(bytes(byte ^ 255 for byte in content))\n"
    )
    age.chmod(0o755)
    (tmp_path / "env").write_text("LOG_LEVEL=INFO\n")
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with override_settings(BACKUP_RECIPIENT="age1recipient", ENV_FILE=tmp_path / "env"):
        backup = back_up(place)
    names = sorted(file.name for file in backup.iterdir())
    kind = "sqlite3" if settings.SQLITE else "dump"
    assert names == [
        f"database.{kind}.age", "manifest.json", "media.tar.gz.age", "settings.env.age",
        "uploads.tar.gz.age",
    ]  # fmt: skip
    restore(place, backup, empty_database, "--identity", "key.txt")
    assert (place / "new" / "media" / "picture.png").read_bytes() == b"a picture"


def test_backup_is_copied_to_a_bucket_and_restored_from_there(
    empty_database: str, place: Path, bucket: Bucket
) -> None:
    bucket.refused.add("GET")  # what is there can't be listed
    assert refusal(lambda: output("backup")).startswith("S3: An error occurred (AccessDenied)")
    assert (last_backups().name, last_backups().failure[:3]) == ("", "S3:")
    shutil.rmtree(only_backup(place))
    bucket.objects.clear()
    bucket.refused.clear()
    said = output("backup", "--keep", "1")
    name = only_backup(place).name
    assert f"s3://safe/daily/{name}: uploaded." in said
    assert last_backups().name == name
    shutil.rmtree(place / "backups")
    restored = restore(place, f"s3://safe/daily/{name}", empty_database)
    assert restored.startswith("Restored, and the same as the original.")
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
