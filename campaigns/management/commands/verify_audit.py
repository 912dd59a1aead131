"""`manage.py verify_audit`: whether the audit trail is complete and unchanged."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.team.audit import chain
from campaigns.team.audit.commands import RecordedCommand


class Command(RecordedCommand):
    help = (
        "Compares every entry of the audit trail with its chain of hashes, and prints the head of"
        " the chain, to be kept elsewhere. Exits with 1 if an entry is missing, changed or extra."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--head",
            default="",
            metavar="POSITION:HASH",
            help="a head that was printed before: the chain has to contain it",
        )

    def handle(self, *args: Any, head: str, **options: Any) -> None:
        result = chain.verify()
        findings = result.findings
        if head and not self._has(head):
            findings.append(f"the chain does not contain the head {head}")
        chain.note_verification(len(findings))
        for finding in findings:
            self.stderr.write(finding)
        self.stdout.write(f"{result.linked} entries in the chain, {result.waiting} waiting for it")
        self.stdout.write(f"head {result.position}:{result.head}")
        if findings:
            raise CommandError(f"The audit trail is damaged: {len(findings)} findings.")

    def _has(self, head: str) -> bool:
        """Whether the chain has `head`, as far as it goes back."""
        position, _colon, stored = head.partition(":")
        if not position.isdecimal() or len(position) > 18:
            raise CommandError("Write --head as POSITION:HASH.")
        has_hash = chain.has_hash(int(position), stored)
        if has_hash is None:
            self.stdout.write("The entries up to this head were removed: nothing to compare.")
        return has_hash is not False
