"""`manage.py compact`: return the space that recipients of ended campaigns no longer need."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError

from campaigns.dispatch import compaction
from campaigns.team.audit import record
from campaigns.team.audit.commands import RecordedCommand

TARGET, COMPACTED = "command:compact", "compacted"
MB = 1 << 20


class Command(RecordedCommand):
    help = (
        "Returns disk space that recipients no longer need, while nothing else runs (PostgreSQL)."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.SQLITE:
            raise CommandError("SQLite leaves no room in recipients: there is nothing to return.")
        if others := compaction.count_connections():
            raise CommandError(
                f"The database is in use ({others} other connections). Stop everything first:"
                " systemctl stop viberdash.target"
            )
        before = compaction.size()
        try:
            compaction.compact()
        except OperationalError as fault:
            raise CommandError(f"Nothing was changed: {fault}") from fault
        after = compaction.size()
        detail = f"{before // MB:,} MB before, {after // MB:,} MB now"
        record(None, TARGET, COMPACTED, detail)
        self.stdout.write(f"Recipients with their indexes: {detail}.")
