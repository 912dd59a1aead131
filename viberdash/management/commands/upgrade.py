"""`manage.py upgrade`: back up, migrate, check, and say the way back, while everything runs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser, SystemCheckError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from campaigns.management.commands.prepare import require_known_migrations
from campaigns.management.commands.run import require_alone
from campaigns.models import AuditEntry, LedgerEntry
from campaigns.team import audit
from campaigns.team.audit.commands import RecordedCommand
from viberdash.backups import folder
from viberdash.backups.errors import Refused
from viberdash.installed import commit, installed
from viberdash.management.commands.backup import back_up

# For a lock: whoever comes after us waits as long as we do. Shorter than PostgreSQL's
# deadlock_timeout, so that in a deadlock with a worker we are the one that gives up.
LOCK_PATIENCE = "900ms"
TRIES, PAUSE = 40, 3.0  # seconds between two
GAVE_WAY = ("55P03", "40P01")  # of PostgreSQL: lock_not_available, deadlock_detected
TARGET, UPGRADED = "command:upgrade", "upgraded"


class Command(RecordedCommand):
    help = "Backs up, migrates and checks the database of an installation, while everything runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, default=settings.BACKUP_ROOT, metavar="FOLDER")
        parser.add_argument(
            "--no-backup", action="store_true", help="there is one already, made by other means"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with alone():
            require_known_migrations()
            pending = pending_migrations()
            is_new = not connection.introspection.table_names()
            backup, before = None, 0
            if pending and not is_new:
                before = ledger_entries()
                if not options["no_backup"]:
                    backup = self._back_up(options["to"])
            self._migrate(pending, is_new)
            self._check(before)
            self._say_the_way_on(backup, pending, is_new)

    def _back_up(self, root: Path) -> Path:
        try:
            with folder.alone(root):
                backup = back_up(root)
        except Refused as refused:
            raise CommandError(f"Nothing was changed. No backup: {refused}") from refused
        self.stdout.write(f"{backup}: complete and verified.")
        return backup

    def _migrate(self, pending: list[str], is_new: bool) -> None:
        for attempt in range(1, TRIES + 1):
            try:
                with short_locks():
                    call_command("prepare", stdout=self.stdout)
                break
            except OperationalError as fault:
                if getattr(fault.__cause__, "sqlstate", "") not in GAVE_WAY:
                    raise
                if attempt == TRIES:
                    raise CommandError(
                        f"{pending_migrations()[0]} waits for a table that a long transaction has"
                        " locked. What was not migrated is as it was, and the version before goes"
                        " on. Run manage.py upgrade again when it is quieter."
                    ) from fault
                time.sleep(PAUSE)
        if not is_new:
            number = len(pending)
            self.stdout.write(f"{number} migration{'s' * (number != 1)} applied.")

    def _check(self, before: int) -> None:
        if missing := pending_migrations():
            raise CommandError(f"{missing[0]} was not applied. See docs/upgrading.md.")
        if ledger_entries() < before:
            raise CommandError("The ledger has fewer entries than before. See docs/upgrading.md.")
        try:
            call_command("check", deploy=True, fail_level="ERROR", stdout=self.stdout)
        except SystemCheckError as fault:
            raise CommandError(f"The check of the settings failed: {fault}") from fault

    def _say_the_way_on(self, backup: Path | None, pending: list[str], is_new: bool) -> None:
        last = note_upgrade()
        self.stdout.write(f"{installed()} is ready. Start its processes, or restart them.")
        if is_new or not pending:
            return
        self.stdout.write(
            f"The way back: install {last or 'the version before'} again and restart, without"
            " prepare. It works on these tables, and nothing is lost. docs/upgrading.md says more."
        )
        if backup:
            self.stdout.write(f"If data is damaged: restore {backup}; what came later is lost.")


@contextmanager
def alone() -> Iterator[None]:
    """One upgrade at a time, over all machines. Raises CommandError if another runs."""
    with require_alone(settings.DATA_ROOT / "upgrade.lock"):
        if settings.SQLITE:
            yield
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext('viberdash upgrade'))")
            if not cursor.fetchone()[0]:
                raise CommandError("Another machine is upgrading this database.")
            try:
                yield
            finally:
                if not connection.needs_rollback:
                    cursor.execute("SELECT pg_advisory_unlock_all()")


@contextmanager
def short_locks() -> Iterator[None]:
    """Wait for a lock for LOCK_PATIENCE only: all queries of that table wait behind us."""
    if settings.SQLITE:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_PATIENCE}'")
        try:
            yield
        finally:
            cursor.execute("RESET lock_timeout")


def pending_migrations() -> list[str]:
    """The names of this version's migrations that the database does not have, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def ledger_entries() -> int:
    """How many there are. Nothing deletes one."""
    return LedgerEntry._base_manager.count()


def note_upgrade() -> str:
    """Record this version in the audit trail. Returns the one that was recorded before it."""
    this = f"{installed('')} {commit()}".strip()
    noted = AuditEntry.objects.filter(subject=TARGET, action=UPGRADED).order_by("-pk")
    before = list(noted.values_list("detail", flat=True)[:2])
    if this not in before[:1]:
        audit.record(None, TARGET, UPGRADED, this)
    return next((entry for entry in before if entry != this), "")
