"""`manage.py run`: prepare this installation and run the processes of the Procfile until Ctrl-C.

`run worker sweep` is for a worker machine beside others: it prepares nothing.
"""

import fcntl
import gc
import multiprocessing
import os
import queue
import re
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import FrameType
from typing import IO, Any
from urllib.parse import urlsplit

import honcho.manager
import honcho.process
from django.conf import settings
from django.core.management import load_command_class
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app.wsgiapp import run as run_gunicorn
from honcho.environ import parse_procfile

from campaigns.management.commands.worker import die_with, import_tasks
from viberdash import command_line
from viberdash.dotenv import is_free

honcho.manager.KILL_WAIT = 30  # seconds for a worker to finish its requests
SERVICES = ("web", "worker", "sweep")
LAST = "sandbox"  # stops after the others, so that the worker gets its answers
MANAGED, WEB = "exec python manage.py ", "exec gunicorn "
PARAMETER = re.compile(r"\$\{(\w+):-(\w*)\}")  # as a shell reads it
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class ParentFirst(honcho.manager.ProcessManager):  # type: ignore[misc]  # honcho has no types
    """Sends SIGTERM to a process, not to its children: a queue whose children get it too never
    ends.
    """

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class Process(honcho.process.Process):  # type: ignore[misc]  # honcho has no types
    """A child of this process, which ends with it even if it is killed. A command of `manage.py`
    and the web server are forked, and share what is in memory already; others are started by a
    shell.
    """

    def begin(self) -> None:
        """Fork. Before there is any thread, as a fork copies the locks that others hold."""
        self.output, written = os.pipe()
        context = multiprocessing.get_context("fork")
        arguments = (self.cmd, self.env, self.cwd, os.getpid(), self.output, written)
        self.child = context.Process(target=become, args=arguments)
        self.child.start()
        os.close(written)

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """Pass on what the child prints, until it has ended. Runs in a thread of its own."""
        self._events = events
        self._send_message({"pid": self.child.pid}, type="start")
        with os.fdopen(self.output, "rb") as lines:
            for line in lines:
                self._send_message(line)
        self.child.join()
        self._send_message({"returncode": self.child.exitcode}, type="stop")


def become(
    command: str,
    env: dict[str, str] | None,
    cwd: str | None,
    parent: int,
    output: int,
    written: int,
) -> None:
    """Be the process of a line of the Procfile, in a session of its own."""
    os.setsid()
    die_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    for stream in (1, 2):
        os.dup2(written, stream)
    os.close(output)
    os.close(written)
    os.chdir(cwd or ".")
    if command.startswith((MANAGED, WEB)) and sys.platform == "linux":
        os.environ.update(env or {})
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        with_values = PARAMETER.sub(lambda match: os.environ.get(match[1], match[2]), command)
        is_web = command.startswith(WEB)
        sys.argv = shlex.split(with_values)[1 if is_web else 2 :]
        run_gunicorn() if is_web else command_line.execute(sys.argv)
    else:
        os.execve("/bin/sh", ["sh", "-c", command], env or dict(os.environ))  # noqa: S606


class Processes(honcho.manager.Manager):  # type: ignore[misc]  # honcho has no types
    """Stops all processes when one ends or a signal arrives, LAST after the others. A second signal
    kills them.
    """

    signals = 0

    def __init__(self) -> None:
        super().__init__()
        self.events: queue.SimpleQueue[Any] = queue.SimpleQueue()  # from threads, not processes
        self._procmgr = ParentFirst()
        self._process_ctor = Process

    def loop(self) -> None:
        super().loop()
        for process in self._processes.values():
            self._procmgr.kill(process["pid"])  # what is left in its group

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count_signal)
        connections.close_all()
        gc.collect()
        gc.freeze()  # what is looked through is copied
        for process in self._processes.values():
            process["obj"].begin()
        for process in self._processes.values():
            Thread(target=process["obj"].run, args=(self.events,), daemon=True).start()

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
            prepare()
        import_commands()
        sys.stdout.flush()
        processes = start(names, gateway.port or 80)
        processes.loop()
        sys.exit(processes.returncode)


def prepare() -> None:
    """Prepare the installation in a process of its own: what it takes in memory is free again
    afterwards, and not copied to all others. Ends this process if it fails.
    """
    connections.close_all()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=command_line.execute, args=(["manage.py", "prepare"],))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit(child.exitcode)


def import_commands() -> None:
    """Read what the processes run, once: they share this memory."""
    for name in (*SERVICES[1:], "sandbox_gateway"):
        load_command_class("campaigns", name)
    import_tasks()


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
