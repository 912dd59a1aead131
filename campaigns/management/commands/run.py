"""`manage.py run`: prepare this installation and run the processes of the Procfile until Ctrl-C.

`run worker sweep` is for a worker machine beside others: it prepares nothing.
"""

import fcntl
import os
import signal
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, Any
from urllib.parse import urlsplit

import honcho.manager
import honcho.process
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from honcho.environ import parse_procfile

from campaigns.management.commands.worker import die_with_parent
from viberdash.dotenv import is_free

honcho.manager.KILL_WAIT = 30  # seconds for a worker to finish its requests
SERVICES = ("web", "worker", "sweep")
LAST = "sandbox"  # stops after the others, so that the worker gets its answers
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ParentFirst(honcho.manager.ProcessManager):  # type: ignore[misc]  # honcho has no types
    """Sends SIGTERM to a process, not to its children: a queue whose children get it too never
    ends.
    """

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class Process(honcho.process.Process):  # type: ignore[misc]  # honcho has no types
    """Ends with the manager, even if the manager is killed."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._child_ctor = partial(honcho.process.Popen, preexec_fn=die_with_parent)

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        die_with_parent()
        super().run(events, ignore_signals)


class Processes(honcho.manager.Manager):  # type: ignore[misc]  # honcho has no types
    """Stops all processes when one ends or a signal arrives, LAST after the others. A second signal
    kills them.
    """

    signals = 0

    def __init__(self) -> None:
        super().__init__()
        self._procmgr = ParentFirst()
        self._process_ctor = Process

    def loop(self) -> None:
        super().loop()
        for process in self._processes.values():
            self._procmgr.kill(process["pid"])  # what is left in its group

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count_signal)
        super()._start()

    def _count_signal(self, number: int, frame: FrameType | None) -> None:
        # Only counted here: the loop acts, once it knows every process it started.
        self.signals += 1
        self.returncode = 0

    def _all_stopped(self) -> bool:
        """Called at each turn of the loop."""
        if self.signals > 1:
            self.kill()
        elif self._terminating and self._running() == [LAST]:
            self._procmgr.terminate(self._processes[LAST]["pid"])
        return bool(super()._all_stopped())

    def _any_stopped(self) -> bool:
        return bool(self.signals or super()._any_stopped())

    def _killall(self, force: bool = False) -> None:
        if not force:
            self._system_print(
                "stopping after the open requests; press Ctrl-C again to stop at once\n"
            )
        for name in self._running():
            pid = self._processes[name]["pid"]
            if force:
                self._procmgr.kill(pid)
            elif name != LAST:
                self._procmgr.terminate(pid)

    def _running(self) -> list[str]:
        return [name for name, process in self._processes.items() if "returncode" not in process]


class Command(BaseCommand):
    help = (
        "Prepares this installation and runs it: web, worker, sweep and, if BSG_API_URL is on this"
        " machine, the sandbox."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "services",
            nargs="*",
            metavar="service",
            help=f"run only these of {', '.join(SERVICES)}, and prepare nothing",
        )
        parser.add_argument(
            "--no-sandbox",
            action="store_true",
            help="do not start the sandbox",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        gateway = urlsplit(settings.BSG_API_URL)
        names = options["services"] or [*SERVICES]
        if unknown := set(names) - {*SERVICES}:
            raise CommandError(
                f"Unknown service {', '.join(sorted(unknown))}. Choose from {', '.join(SERVICES)}."
            )
        if not options["services"]:
            self.lock = require_alone(settings.DATA_ROOT / "run.lock")
        if "web" in names:
            require_free(
                settings.PORT,
                f"Port {settings.PORT} is in use. Choose another:"
                f" make run PORT={settings.PORT + 1}",
            )
        if options["services"]:
            require_prepared()
        else:
            if gateway.hostname in LOOPBACK and not options["no_sandbox"]:
                names.append(LAST)
                require_free(
                    gateway.port or 80,
                    f"Port {gateway.port} is in use. Change the port of BSG_API_URL in .env.",
                )
            call_command("prepare")
        sys.stdout.flush()
        processes = start(names, gateway.port or 80)
        processes.loop()
        sys.exit(processes.returncode)


def require_alone(path: Path) -> IO[str]:
    """A lock that is held as long as this process lives. Raises CommandError if another has it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with lock:
            lock.seek(0)
            process = lock.read()
        raise CommandError(f"It is already running here, as process {process}.") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def require_free(port: int, otherwise: str) -> None:
    if not is_free(port):
        raise CommandError(otherwise)


def require_prepared() -> None:
    """Raise CommandError if migrations of this version are missing. Further ones do no harm."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError(
            "The database is not ready for this version. Run manage.py prepare on one machine."
        )


def start(names: list[str], sandbox_port: int) -> Processes:
    """The processes `names` of the Procfile, to run with this Python and these settings."""
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        "SANDBOX_PORT": str(sandbox_port),
    }
    commands = parse_procfile((settings.BASE_DIR / "Procfile").read_text()).processes
    processes = Processes()
    for name in names:
        processes.add_process(name, commands[name], env=env, cwd=str(settings.BASE_DIR))
    return processes
