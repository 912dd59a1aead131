"""`manage.py rebuild_totals`: calculate ledger totals and recipient counts from their rows."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.team.audit.commands import RecordedCommand


class Command(RecordedCommand):
    help = "Recalculates the totals of the ledger and the counts of recipients from their rows."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail if a total is wrong"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong_totals = differences() if options["check"] else rebuild()
        if options["json"]:
            self.stdout.write(json.dumps({"differences": wrong_totals}))
        else:
            for line in wrong_totals:
                self.stdout.write(line)
            self.stdout.write(f"{len(wrong_totals)} differences")
        if options["check"] and wrong_totals:
            raise CommandError(f"{len(wrong_totals)} totals do not match their rows")
