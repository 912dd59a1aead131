"""`manage.py move`: from SQLite to PostgreSQL, with everything that is there."""

import secrets
import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connection
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.failpoints import failpoint
from campaigns.management.commands.prepare import require_known_migrations
from campaigns.management.commands.run import require_alone, require_prepared
from campaigns.results.money.rebuilding import differences
from campaigns.team import safe_mode
from campaigns.team.audit import chain
from viberdash import command_line, environment
from viberdash.backups.errors import Refused
from viberdash.moving import comparison, copying, guard, source, target
from viberdash.moving.tables import Table, moved_tables

TELL_EVERY = 5.0  # seconds, how far a large table is
EXPECTED = (
    "--to must be postgres://user:password@host/name, in which special characters of the password"
    " are percent-encoded (@ is %40, / is %2F)."
)


class Command(BaseCommand):
    help = (
        "Moves this installation from SQLite to an empty PostgreSQL database. Started again after"
        " an interruption it goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        way = parser.add_mutually_exclusive_group(required=True)
        way.add_argument("--to", metavar="ADDRESS", help="postgres://user:password@host/name")
        way.add_argument(
            "--back",
            action="store_true",
            help="use the SQLite database again, without what happened since",
        )
        parser.add_argument(
            "--replace-nul",
            action="store_true",
            help="put U+FFFD in the place of each NUL, which PostgreSQL refuses",
        )
        parser.add_argument(
            "--as-is",
            action="store_true",
            help="move a ledger or an audit trail that does not pass its verification",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SQLITE:
            raise CommandError("DATABASE_URL names PostgreSQL. Only SQLite can be moved from.")
        try:
            with guard.lifted():
                file = source.existing(str(connection.settings_dict["NAME"]))
                lock = require_alone(settings.DATA_ROOT / "run.lock")
                with lock:
                    if options["back"]:
                        self._go_back(file)
                    else:
                        self._move(file, options)
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        except sqlite3.Error as fault:
            raise CommandError(f"The SQLite database can't be used: {fault}.") from fault
        except (Error, psycopg.Error) as fault:
            line = command_line.explain_database(fault, "--to")
            if not line:
                raise
            raise CommandError(f"{line} Then start the same command again.") from fault

    def _go_back(self, file: Path) -> None:
        if not source.read_mark(file):
            raise Refused(f"{file} was not moved: it can be used as it is.")
        source.release(file)
        self.stdout.write(
            f"{file} can be used again. Safe mode is on: nothing is sent.\nMake sure that nothing"
            " runs on the other database, which has what happened since. Then start everything,"
            " look at the campaigns, and end safe mode with manage.py confirm_restore."
        )

    def _move(self, file: Path, options: dict[str, Any]) -> None:
        address = read_address(options["to"])
        place = f"{address['HOST'] or 'localhost'}/{address['NAME']}"
        before = source.read_mark(file)
        if before is None:
            self._require_ready(file)
        token = before.token if before else secrets.token_hex(16)
        with target.as_default(address):
            state = target.look()
            if state and state.token != token:
                raise Refused("The database holds another move. Create a new, empty one.")
            if before and before.is_finished and not (state and state.is_finished):
                raise Refused(
                    f"{file} was moved to {before.place} already. To use it again: manage.py move"
                    " --back"
                )
            if before is None or before.place != place:
                source.mark(file, token, place)
            failpoint("move_marked")
            if not state:
                target.begin(token)
            if not (state and state.is_finished):
                with source.opened(file) as database:
                    self._move_rows(database, options)
            failpoint("move_finished")
            safe_mode.remember()
        source.finish(file)
        self.stdout.write(
            "Moved. Set DATABASE_URL in .env to the address that you gave, run manage.py prepare,"
            f" and start everything. {file} is kept and can't be started."
        )

    def _require_ready(self, file: Path) -> None:
        """Raise Refused or CommandError unless everything stands still and is of this version."""
        require_known_migrations()
        require_prepared()
        connection.close()
        source.require_idle(file, self.stdout.write)
        # a restored database takes its safe mode along
        safe_mode.detect_restore(timezone.now(), lifecycle.any_under_way())
        connection.close()

    def _move_rows(self, database: sqlite3.Connection, options: dict[str, Any]) -> None:
        tables = moved_tables(replace_nul=options["replace_nul"])
        self.began_at = time.monotonic()
        target.prepare(tables)
        self._say_done("The tables are made")
        for table in tables:
            progress = Progress(self, table)
            copying.copy_table(
                database, table, replace_nul=options["replace_nul"], progress=progress
            )
        self._say_done("The rows are copied")
        target.make_indexes()
        target.execute("ANALYZE")
        self._say_done("Indexes and constraints are made")
        self._compare(database, tables)
        self._verify(as_is=options["as_is"])
        target.finish(lambda: safe_mode.take_over("moved"))

    def _say_done(self, what: str) -> None:
        self.stdout.write(f"{what}, after {time.monotonic() - self.began_at:,.0f} s.")

    def _compare(self, database: sqlite3.Connection, tables: list[Table]) -> None:
        self.stdout.write(f"{'table':<42}{'SQLite':>14}{'PostgreSQL':>14}")
        is_same = True
        for table in tables:
            here, there = comparison.read(database, table)
            is_same = is_same and here == there
            if here.rows or there.rows:
                self.stdout.write("\n".join(comparison.lines(table, here, there)))
        if not is_same:
            raise Refused("The databases differ, so this one can't be used. Move to a new one.")

    def _verify(self, *, as_is: bool) -> None:
        """The ledger's totals, and the chain of the audit trail, in PostgreSQL."""
        trail = chain.verify()
        findings = [*differences(), *trail.findings]
        self.stdout.write(
            f"Ledger and audit trail: {trail.linked} entries in the chain, {len(findings)} findings"
        )
        if findings and not as_is:
            self.stdout.write("\n".join(findings[:20]))
            raise Refused(
                "Totals or the audit trail are damaged. What was copied is the same, so they were"
                " before: move them with --as-is, or look with rebuild_totals and verify_audit"
                " after manage.py move --back."
            )


class Progress:
    """Tells how far the copying of a table is, now and then."""

    def __init__(self, command: BaseCommand, table: Table) -> None:
        self.command, self.table = command, table
        self.told_at = time.monotonic()

    def __call__(self, rows: int) -> None:
        if time.monotonic() - self.told_at > TELL_EVERY:
            self.told_at = time.monotonic()
            self.command.stdout.write(f"{self.table.name}: {rows:,} rows")


def read_address(text: str) -> dict[str, Any]:
    """Django's settings for the address of a PostgreSQL database. Raises Refused for any other."""
    try:
        address = environment.database(text.strip())
    except (ValueError, LookupError) as malformed:
        raise Refused(EXPECTED) from malformed
    if "postgresql" not in address["ENGINE"]:
        raise Refused(EXPECTED)
    return address
