"""`manage.py confirm_restore`: after a restore from a backup, let campaigns send again."""

from typing import Any

from django.core.management.base import BaseCommand

from campaigns.team.safe_mode import confirm


class Command(BaseCommand):
    help = (
        "After the database was restored from a backup: lets the campaigns that were under way send"
        " again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write("Campaigns send again." if confirm(None) else "Nothing was held back.")
