"""An installation of its own to be mistreated: a database, a sandbox, a web server, and machines
with worker and sweep.

Every process is started again when it ends, as systemd would.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests import migrated
from tests.chaos.processes import PROC, Process, below, children_of
from viberdash.dotenv import is_free

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON = sys.executable
MARK = "CHAOS_RUN"  # in the environment of all of its processes


def free_port(start: int) -> int:
    return next(port for port in range(start, start + 200) if is_free(port))


def new_database(server: str, name: str) -> str:
    """The address of a new database on `server`, the address of a PostgreSQL database; it may be
    migrated already.
    """
    template = migrated.template(server) or "template1"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.rpartition("/")[0] + f"/{name}"


def drop_database(server: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@dataclass
class Service:
    """One process as the process manager of a machine knows it."""

    role: str
    command: list[str]
    env: dict[str, str]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None
    starts: int = 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.env, start_new_session=True, stdout=log, stderr=log
            )
        self.starts += 1

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def clear(self) -> None:
        """Kill whoever of its group is left."""
        self._signal(os.killpg, signal.SIGKILL)

    def ask_to_end(self) -> None:
        self._signal(os.kill, signal.SIGTERM)

    def _signal(self, send: Callable[[int, int], None], number: int) -> None:
        if self.pid:  # 0, of a service that was never started, would be our own group
            with suppress(ProcessLookupError):
                send(self.pid, number)


@dataclass
class Installation:
    """`start` it, mistreat it, `stop` it. `env` are the settings of all of its processes."""

    env: dict[str, str]
    folder: Path
    machines: int
    pause: float = 1.0  # seconds until what ended is started again
    services: list[Service] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _supervisor: threading.Thread | None = None

    def manage(self, *command: str) -> None:
        """Run a command of manage.py to its end. Raises CalledProcessError."""
        subprocess.run(
            [PYTHON, "manage.py", *command],
            cwd=ROOT,
            env=self.env,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        gunicorn = [PYTHON, "-m", "gunicorn", "--config", "viberdash/gunicorn.py", "viberdash.wsgi"]
        self._add("web", gunicorn)
        for number in range(1, self.machines + 1):
            env = {"WORKER_NAME": f"machine-{number}"}
            self._add("worker", [PYTHON, "manage.py", "worker"], env)
            self._add(
                "sweep", [PYTHON, "manage.py", "sweep", "--every", self.env["SWEEP_EVERY"]], env
            )
        for service in self.services:
            service.start()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)
        self._supervisor.start()

    def _add(self, role: str, command: list[str], env: dict[str, str] | None = None) -> None:
        self.services.append(
            Service(role, command, self.env | (env or {}), self.folder / f"{role}.log")
        )

    def _supervise(self) -> None:
        while not self._over.wait(0.1):
            for service in self.services:
                if service.process and service.process.poll() is not None:
                    service.clear()
                    if not self._over.wait(self.pause):
                        service.start()

    def processes(self) -> list[Process]:
        """Everybody who is there now, by role."""
        result = []
        for service in self.services:
            result.append(Process(service.pid, service.role))
            if service.role == "worker":
                result += below(service.pid)
            if service.role == "web":
                result += [Process(pid, "web child") for pid in children_of(service.pid)]
        return result

    def stop(self) -> None:
        """Ask all of them to end, as at a shutdown; whoever does not is killed."""
        self._over.set()
        if self._supervisor:
            self._supervisor.join()
        for service in self.services:
            service.ask_to_end()
        until = time.monotonic() + 70
        for service in self.services:
            if service.process:
                with suppress(subprocess.TimeoutExpired):
                    service.process.wait(max(until - time.monotonic(), 0.1))
                service.clear()
                service.process.wait()

    def left_behind(self) -> list[str]:
        """The commands of processes that are still there, but for the sandbox; those being killed
        have a moment.
        """
        until = time.monotonic() + 5
        while (result := self._marked()) and time.monotonic() < until:
            time.sleep(0.1)
        return result

    def _marked(self) -> list[str]:
        mark = f"{MARK}={self.env[MARK]}".encode()
        result = []
        for entry in PROC.iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with suppress(OSError):
                    command = (
                        (entry / "cmdline")
                        .read_bytes()
                        .replace(b"\0", b" ")
                        .decode(errors="replace")
                    )
                    if (
                        mark in (entry / "environ").read_bytes().split(b"\0")
                        and "sandbox_gateway" not in command
                    ):
                        result.append(command)
        return result
