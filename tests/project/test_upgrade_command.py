"""`manage.py upgrade`: nothing is migrated without a backup, nobody waits long, and there is a way
back. `make beside` runs it on the tables of the last release, while that release sends.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection, transaction
from pytest_django import Settings

from campaigns.management.commands.run import require_alone
from campaigns.team import audit
from campaigns.team.models import AuditEntry
from tests.chaos.processes import database_url
from viberdash import __version__
from viberdash.backups.errors import Refused
from viberdash.management.commands import upgrade

pytestmark = pytest.mark.django_db
MIGRATION = "campaigns.0999_later"


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> list[str]:
    """What was done, in its order. One migration is pending, until `prepare` runs."""
    settings.DATA_ROOT = settings.BACKUP_ROOT = tmp_path
    order: list[str] = []

    def back_up(root: Path) -> Path:
        order.append("backup")
        return root / "viberdash-1"

    def call(name: str, **options: Any) -> None:
        order.append(name)

    monkeypatch.setattr(upgrade, "back_up", back_up)
    monkeypatch.setattr(upgrade, "call_command", call)
    monkeypatch.setattr(
        upgrade, "pending_migrations", lambda: [] if "prepare" in order else [MIGRATION]
    )
    monkeypatch.setattr(upgrade, "commit", lambda: "f" * 40)
    monkeypatch.setattr(upgrade, "installed", lambda *_: f"ViberDash {__version__}")
    return order


def test_backup_comes_before_the_migrations_and_the_check_after(
    done: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    audit.record(None, "command:upgrade", "upgraded", f"ViberDash 0.1.9 {'e' * 40}")
    call_command("upgrade")
    assert done == ["backup", "prepare", "check"]
    assert capsys.readouterr().out.splitlines() == [
        f"{tmp_path}/viberdash-1: complete and verified.",
        "1 migration applied.",
        f"ViberDash {__version__} is ready. Start its processes, or restart them.",
        f"The way back: install ViberDash 0.1.9 {'e' * 40} again and restart, without prepare. It"
        " works on these tables, and nothing is lost. docs/upgrading.md says more.",
        f"If data is damaged: restore {tmp_path}/viberdash-1; what came later is lost.",
    ]
    call_command("upgrade")
    assert done == ["backup", "prepare", "check", "prepare", "check"]  # nothing to migrate
    entries = AuditEntry.objects.filter(subject="command:upgrade").order_by("pk")
    assert list(entries.values_list("action", "detail")) == [
        ("upgraded", f"ViberDash 0.1.9 {'e' * 40}"),
        ("upgraded", f"ViberDash {__version__} {'f' * 40}"),
        ("ran", "to"),
    ]


def test_without_a_backup_nothing_is_migrated(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(root: Path) -> Path:
        raise Refused("pg_dump failed: No space left on device")

    monkeypatch.setattr(upgrade, "back_up", full)
    with pytest.raises(CommandError, match=r"^Nothing was changed\. No backup: pg_dump failed: No"):
        call_command("upgrade")
    assert done == []
    call_command("upgrade", no_backup=True)
    assert done == ["prepare", "check"]


def test_one_upgrade_at_a_time(done: list[str], tmp_path: Path) -> None:
    with (
        require_alone(tmp_path / "upgrade.lock"),
        pytest.raises(CommandError, match=r"^It is already running here, as process \d+\.$"),
    ):
        call_command("upgrade")
    assert done == []


def test_lost_entries_of_the_ledger_and_missing_migrations_are_named(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([5, 4, 4])
    monkeypatch.setattr(upgrade, "ledger_entries", lambda: next(counts))
    with pytest.raises(CommandError, match=r"^The ledger has fewer entries than before\."):
        call_command("upgrade")
    monkeypatch.setattr(upgrade, "pending_migrations", lambda: [MIGRATION])
    with pytest.raises(CommandError, match=rf"^{MIGRATION} was not applied\."):
        call_command("upgrade", no_backup=True)


def test_upgrade_tries_again_after_a_deadlock_and_not_after_other_faults(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[psycopg.Error] = [psycopg.errors.DeadlockDetected(), psycopg.errors.DiskFull()]

    def call(name: str, **options: Any) -> None:
        done.append(name)
        if faults and name == "prepare":
            fault = faults.pop(0)
            raise OperationalError(type(fault).__name__) from fault

    monkeypatch.setattr(upgrade, "call_command", call)
    monkeypatch.setattr(upgrade, "pending_migrations", list)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    with pytest.raises(OperationalError, match="DiskFull"):
        call_command("upgrade")
    assert done == ["prepare", "prepare"]
    call_command("upgrade")
    assert done == ["prepare", "prepare", "prepare", "check"]


@pytest.mark.skipif(django_settings.SQLITE, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_upgrade_gives_way_to_a_transaction_that_holds_a_table(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def migrate(release: Callable[[], object]) -> Callable[..., None]:
        def call(name: str, **options: Any) -> None:
            if name == "prepare":
                done.append("tried")
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("ALTER TABLE campaigns_label ADD COLUMN later integer NULL")
                    transaction.set_rollback(True)
            done.append(name)

        monkeypatch.setattr("time.sleep", lambda _seconds: release())
        return call

    monkeypatch.setattr(upgrade, "LOCK_PATIENCE", "10ms")
    monkeypatch.setattr(upgrade, "TRIES", 3)
    with psycopg.connect(database_url(connection)) as other:
        other.execute("SELECT 1 FROM campaigns_label")
        monkeypatch.setattr(upgrade, "call_command", migrate(lambda: None))
        with pytest.raises(CommandError, match=rf"^{MIGRATION} waits for a table that a long"):
            call_command("upgrade", no_backup=True)
        assert done == ["tried"] * 3
        monkeypatch.setattr(upgrade, "call_command", migrate(other.rollback))
        call_command("upgrade", no_backup=True)
        assert done == ["tried"] * 5 + ["prepare", "check"]
        other.execute("SELECT pg_advisory_lock(hashtext('viberdash upgrade'))")
        with pytest.raises(CommandError, match=r"^Another machine is upgrading this database\.$"):
            call_command("upgrade")
