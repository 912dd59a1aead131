"""`manage.py sandbox_gateway`: a gateway for trying things out. It needs no database."""

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
    help = "Run a gateway that follows the BSG contract, but sends and charges nothing."
    requires_system_checks = ()
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--host", default="127.0.0.1", help="address to listen on")
        add("--port", type=int, default=8090, help="port to listen on")
        add("--latency", type=float, default=0.0, metavar="MS", help="milliseconds added to a call")
        add(
            "--fault",
            type=fault,
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="switch on a fault, such as lost=5; can be repeated; see docs/sandbox.md",
        )
        add(
            "--pace",
            type=float,
            default=1.0,
            metavar="X",
            help="how fast messages progress; 10 is ten times as fast",
        )
        add(
            "--journal",
            type=Path,
            metavar="FILE",
            help="keep the messages in FILE, and continue with those in it",
        )
        add(
            "--seed",
            type=int,
            default=1,
            metavar="N",
            help="decides what happens to each message and which calls the faults affect",
        )
        add(
            "--balance",
            type=amount,
            default=Decimal(1_000_000),
            metavar="EUR",
            help="account balance",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["pace"] > 0 or not options["latency"] >= 0:
            raise CommandError("--pace must be above 0, and --latency at least 0.")
        sandbox = _sandbox(options)
        stop = threading.Event()

        def on_signal(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, on_signal)
        sandbox.start()
        self.stdout.write(
            f"Sandbox gateway on {sandbox.url} (the API under /rest). Nothing is sent or charged."
        )
        self.stdout.flush()
        stop.wait()
        sandbox.stop()


def _sandbox(options: dict[str, Any]) -> Sandbox:
    try:
        return Sandbox(
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


def fault(text: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def amount(text: str) -> Decimal:
    """Read an amount of money."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ArgumentTypeError(f"{text!r} is not an amount") from error
