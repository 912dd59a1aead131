"""`manage.py import_contacts FILE --list NAME`: a file of contacts into a list, as the page does
it.
"""

import json
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from phonenumbers import SUPPORTED_REGIONS

from campaigns.contacts.importing import lifecycle, runner
from campaigns.contacts.importing.errors import Refused
from campaigns.contacts.models import Import, ImportState

PATIENCE = 120  # seconds to wait for another import of the same list


class Command(BaseCommand):
    help = (
        "Import a file of contacts (CSV, TSV, TXT, XLSX, XLS, ODS, or a ZIP with one of them) into"
        " a list."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--list", required=True, metavar="NAME", help="the list; made if it is new"
        )
        parser.add_argument(
            "--phone-column", default="", metavar="C", help="name, letter or number of the column"
        )
        parser.add_argument(
            "--sheet",
            default="",
            metavar="NAME",
            help="of a workbook; else the first that holds rows",
        )
        parser.add_argument(
            "--country", default=settings.DEFAULT_COUNTRY, help="of phones without a country code"
        )
        parser.add_argument(
            "--keep",
            action="store_true",
            help="leave people who are on the list already as they are",
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        country = options["country"].upper()
        if country not in SUPPORTED_REGIONS:
            raise CommandError(f"{country} is no country. Name it by two letters, such as UA.")
        try:
            made = lifecycle.import_now(
                options["file"],
                options["list"].strip(),
                options["phone_column"],
                country,
                options["sheet"],
            )
        except Refused as refused:
            raise CommandError(str(refused)) from refused
        if options["keep"]:
            made.mapping["existing"] = runner.KEEP
            made.save(update_fields=["mapping"])
        self._run(made)
        if made.state != ImportState.FINISHED:
            raise CommandError(
                made.failure
                or "Another import into this list is at work: a worker will do this one next."
            )
        report = _report(made)
        self.stdout.write(json.dumps(report) if options["json"] else _lines(report))

    def _run(self, made: Import) -> None:
        """Run the import, after another one of the same list where there is one."""
        for waiting in range(PATIENCE):
            runner.run(made.pk)
            made.refresh_from_db()
            if made.state != ImportState.QUEUED:
                return
            if not waiting:
                self.stderr.write("Another import into this list is at work; waiting for it.")
            time.sleep(1)


def _report(done: Import) -> dict[str, Any]:
    names = ("rows", "new", "updated", "unchanged", "duplicates", "stop_listed")
    counts: dict[str, Any] = {name: getattr(done, name) for name in names}
    total = done.list.contact_count if done.list else 0
    return counts | {"rejected": done.rejected_by_reason, "total_in_list": total}


def _lines(report: dict[str, Any]) -> str:
    rejected = report["rejected"]
    counts = {name: value for name, value in report.items() if name != "rejected"}
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in counts.items()]
    return "\n".join(
        [*lines, *(f"rejected, {reason}: {count}" for reason, count in rejected.items())]
    )
