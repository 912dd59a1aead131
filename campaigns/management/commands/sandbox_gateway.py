"""`manage.py sandbox_gateway`: the gateway to rehearse with. It needs no database."""

import signal
import threading
from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from campaigns.gateway.sandbox import Sandbox


class Command(BaseCommand):
    help = "Run a gateway that speaks the BSG contract, sends nothing and charges nobody."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8090)
        parser.add_argument(
            "--latency",
            type=float,
            default=0.0,
            metavar="MS",
            help="milliseconds each call takes longer",
        )
        parser.add_argument(
            "--fault",
            type=fault,
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a fault in force from the start, such as lost=5; see docs/sandbox.md",
        )
        parser.add_argument(
            "--pace",
            type=float,
            default=1.0,
            metavar="X",
            help="how fast messages live, 1 is usual",
        )
        parser.add_argument(
            "--journal",
            type=Path,
            metavar="FILE",
            help="go on with the messages in FILE, and add to it",
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="what becomes of whom, and faults"
        )
        parser.add_argument(
            "--balance",
            type=amount,
            default=Decimal(1_000_000),
            help="what the account holds, in EUR",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["pace"] > 0 or not options["latency"] >= 0:
            raise CommandError("--pace is above 0, and --latency not below.")
        try:
            sandbox = Sandbox(
                options["host"],
                options["port"],
                latency=options["latency"],
                pace=options["pace"],
                seed=options["seed"],
                journal=options["journal"],
                faults=dict(options["fault"]),
                balance=options["balance"],
            )
        except (OSError, ValueError, OverflowError) as error:
            raise CommandError(f"The sandbox cannot start: {error}") from error
        end = threading.Event()

        def ask_to_end(_signal: int, _frame: FrameType | None) -> None:
            end.set()

        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, ask_to_end)
        sandbox.start()
        self.stdout.write(
            f"Sandbox gateway on {sandbox.url} (the API under /rest). Nothing is sent or charged."
        )
        self.stdout.flush()
        end.wait()
        sandbox.stop()


def fault(written: str) -> tuple[str, str]:
    """NAME=VALUE as a pair."""
    name, equals, value = written.partition("=")
    if not equals:
        raise ArgumentTypeError(f"{written!r} is not NAME=VALUE")
    return name, value


def amount(written: str) -> Decimal:
    """An amount of money."""
    try:
        return Decimal(written)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{written!r} is not an amount") from error
