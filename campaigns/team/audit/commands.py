"""Commands of `manage.py` that act: the trail says which user of the system ran them."""

import os
import pwd
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from campaigns.team.audit import context
from campaigns.team.audit.entries import record, record_rarely
from campaigns.team.models import ActorKind, AuditResult

# options that all commands have
USUAL = {
    *vars(BaseCommand().create_parser("", "").parse_args([])),
    *BaseCommand.base_stealth_options,
}


class CommandOrigin(context.Origin):
    kind = ActorKind.COMMAND

    def __init__(self, command: str) -> None:
        super().__init__()
        self.command = command

    @property
    def name(self) -> str:
        return f"{system_user()}, manage.py {self.command}"


class RecordedCommand(BaseCommand):
    """A command that leaves at least one entry: what it did, that it ran, or why it was refused."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        name = type(self).__module__.rpartition(".")[2]
        origin, target = CommandOrigin(name), f"command:{name}"
        given = _given(options)
        with context.acting_from(origin):
            try:
                output = super().execute(*args, **options)
            except CommandError as refusal:
                with suppress(DatabaseError):  # not before the first `prepare`
                    _record_refusal(target, given, refusal)
                raise
            if not origin.entries:
                record_rarely(None, target, "ran", given)
        return output


def _record_refusal(target: str, given: str, refusal: CommandError) -> None:
    record(None, target, "ran", given, result=AuditResult.REFUSED, reason=str(refusal))


def system_user() -> str:
    """The user of the operating system; with sudo, also the one who became it."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in containers
        name = f"uid {os.getuid()}"
    before = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {before})" if before and before != name else name


def _given(options: dict[str, Any]) -> str:
    """The names of the options that were given, with their values where these are numbers."""
    given = {name: value for name, value in options.items() if name not in USUAL and value}
    return ", ".join(
        f"{name} {value}" if type(value) is int else name for name, value in given.items()
    )
