"""`manage.py confirm_restore`: end safe mode after a restore, so that campaigns send again."""

from typing import Any

from campaigns.team.audit.commands import RecordedCommand
from campaigns.team.safe_mode import confirm


class Command(RecordedCommand):
    help = "Ends safe mode after the database was restored from a backup: campaigns send again."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            "Safe mode is off. Campaigns send again."
            if confirm(None)
            else "Safe mode was off already."
        )
