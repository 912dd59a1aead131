"""`manage.py rebuild_totals`: the sums of the ledger and the counts of recipients, made anew from
their rows.
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.results.money.rebuilding import differences, rebuild


class Command(BaseCommand):
    help = "Makes the totals of the ledger and the counts of recipients anew from their rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail where a total is wrong"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        found = differences() if options["check"] else rebuild()
        if options["json"]:
            self.stdout.write(json.dumps({"differences": found}))
        else:
            for line in found:
                self.stdout.write(line)
            self.stdout.write(f"{len(found)} differences")
        if options["check"] and found:
            raise CommandError(f"{len(found)} totals are not what their rows say")
