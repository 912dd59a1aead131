"""`manage.py import_contacts FILE --list NAME`: import a file as the pages do, at once."""

import json
import time
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from phonenumbers import SUPPORTED_REGIONS

from campaigns.contacts.importing import lifecycle, runner
from campaigns.contacts.importing.csv_reader import MAX_HEAD_ROWS
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading.cell_values import AS_WRITTEN, EVERY_RULE
from campaigns.contacts.importing.reading.consent_columns import ConsentChoice
from campaigns.contacts.importing.reading.layout_detection import KnownLayout
from campaigns.contacts.models import Import, ImportState
from campaigns.management.brand_option import add_brand_option, brand_named
from campaigns.shared.brands.scope import acting_for
from campaigns.team.audit.commands import RecordedCommand

CONSENT_OPTIONS = {
    "day": "day on which they agreed, such as 2026-11-30",
    "source": "how they agreed, such as: form on the website",
    "wording": "what they agreed to, word for word",
}
MAX_WAIT = 120  # seconds, while another import of the same list is running


class Command(RecordedCommand):
    help = (
        "Import a file of contacts (CSV, TSV, TXT, XLSX, XLS, ODS, or a ZIP with one of them) into"
        " a list."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--list",
            required=True,
            metavar="NAME",
            help="name of the list; created if it does not exist",
        )
        parser.add_argument(
            "--phone-column",
            default="",
            metavar="C",
            help="name, letter or number of the phone column; detected by default",
        )
        parser.add_argument(
            "--sheet",
            default="",
            metavar="NAME",
            help="sheet of a workbook; by default the first that is not empty",
        )
        parser.add_argument(
            "--country",
            default=settings.DEFAULT_COUNTRY,
            help="country of phones without a country code, such as UA",
        )
        parser.add_argument(
            "--keep",
            action="store_true",
            help="keep contacts already on the list unchanged",
        )
        _add_layout_arguments(parser)
        _add_consent_arguments(parser)
        add_brand_option(parser)
        parser.add_argument(
            "--as-written",
            action="store_true",
            help="guess nothing in cells: no older forms of numbers, NULL is a value",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["file"].is_file():
            raise CommandError(f"There is no file {options['file']}.")
        country = options["country"].upper()
        if country not in SUPPORTED_REGIONS:
            raise CommandError(f"Unknown country {country}. Use two letters, such as UA.")
        with acting_for(brand_named(options["brand"])):
            contact_import = self._import(country, options)
        report = _report(contact_import)
        self.stdout.write(json.dumps(report) if options["json"] else _report_text(report))

    def _import(self, country: str, options: dict[str, Any]) -> Import:
        """Make the import and run it to its end."""
        try:
            contact_import = lifecycle.create_queued_import(
                options["file"],
                options["list"].strip(),
                options["phone_column"],
                country,
                options["sheet"],
                runner.KEEP_EXISTING if options["keep"] else "update",
                KnownLayout(
                    options["encoding"] or "",
                    options["delimiter"] or "",
                    options["quote"],
                    options["header_row"],
                ),
                AS_WRITTEN if options["as_written"] else EVERY_RULE,
                _consent(options),
            )
        except ContactsError as refused:
            raise CommandError(str(refused)) from refused
        self._run(contact_import)
        if contact_import.state != ImportState.FINISHED:
            raise CommandError(
                contact_import.failure
                or "Another import into this list is running. A worker will run this one next."
            )
        return contact_import

    def _run(self, contact_import: Import) -> None:
        """Run the import, once no other import of the same list is running."""
        for attempt in range(MAX_WAIT):
            runner.run(contact_import.pk)
            contact_import.refresh_from_db()
            if contact_import.state != ImportState.QUEUED:
                return
            if not attempt:
                self.stderr.write("Waiting for another import into this list.")
            time.sleep(1)


def _add_layout_arguments(parser: ArgumentParser) -> None:
    """The options of the page "File format"; what is not given is detected."""
    parser.add_argument(
        "--encoding", type=_encoding, metavar="NAME", help="such as utf-8 or cp1251"
    )
    parser.add_argument("--delimiter", type=_delimiter, metavar="SIGN", help="one sign, or tab")
    parser.add_argument(
        "--quote",
        choices=["double", "single", "none"],
        action=_Quote,
        help="quotation marks around cells",
    )
    parser.add_argument(
        "--header-row",
        type=_header_row,
        metavar="N",
        help="the row with the names of the columns, from 1; 0 if there is none",
    )


def _add_consent_arguments(parser: ArgumentParser) -> None:
    """The options of the section "Consent" of the page; columns as that of phones."""
    everybody_or_column = parser.add_mutually_exclusive_group()
    everybody_or_column.add_argument(
        "--consent-everybody", action="store_true", help="everybody in this file agreed"
    )
    everybody_or_column.add_argument(
        "--consent-column", default="", metavar="C", help="column that says who agreed: yes or no"
    )
    for part, of_all in CONSENT_OPTIONS.items():
        parser.add_argument(f"--consent-{part}", default="", metavar="TEXT", help=of_all)
        parser.add_argument(
            f"--consent-{part}-column", default="", metavar="C", help=f"column with the {part}"
        )


def _consent(options: dict[str, Any]) -> ConsentChoice | None:
    """Which consents are imported. Raises CommandError for options without one of the first two."""
    columns = {part: options[f"consent_{part}_column"] for part in CONSENT_OPTIONS}
    columns["consent"] = options["consent_column"]
    texts = {part: options[f"consent_{part}"] for part in CONSENT_OPTIONS}
    if not options["consent_everybody"] and not columns["consent"]:
        if any(columns.values()) or any(texts.values()):
            raise CommandError("Give --consent-everybody or --consent-column too.")
        return None
    return ConsentChoice({part: name for part, name in columns.items() if name}, **texts)


class _Quote(Action):
    """Stores the sign that the name of a quotation mark stands for."""

    SIGNS = {"double": '"', "single": "'", "none": ""}

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None
    ) -> None:
        namespace.quote = self.SIGNS[values]


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, UnicodeError) as error:
        raise ArgumentTypeError(f"unknown encoding {name}") from error
    return name


def _delimiter(text: str) -> str:
    sign = {"tab": "\t", "\\t": "\t"}.get(text.lower(), text)
    if len(sign) != 1 or sign in "\"'\r\n":
        raise ArgumentTypeError("give one sign, or tab")
    return sign


def _header_row(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MAX_HEAD_ROWS + 1:
        raise ArgumentTypeError(f"give a number from 0 to {MAX_HEAD_ROWS + 1}")
    return int(text)


def _report(contact_import: Import) -> dict[str, Any]:
    names = ("rows", "new", "updated", "unchanged", "duplicates", "stop_listed")
    counts: dict[str, Any] = {name: getattr(contact_import, name) for name in names}
    total = contact_import.list.contact_count if contact_import.list else 0
    guessed = {
        guess: facts["count"] for guess, facts in contact_import.checked.get("guessed", {}).items()
    }
    return counts | {
        "rejected": contact_import.rejected_by_reason,
        "guessed": guessed,
        "total_in_list": total,
        **({} if contact_import.consents is None else {"consents": contact_import.consents}),
    }


def _report_text(report: dict[str, Any]) -> str:
    parts = [part for part in ("rejected", "guessed", "consents") if part in report]
    counts = {name: value for name, value in report.items() if name not in parts}
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in counts.items()]
    for part in parts:
        lines += [f"{part}, {name}: {count}" for name, count in report[part].items()]
    return "\n".join(lines)
