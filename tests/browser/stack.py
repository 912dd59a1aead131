"""The whole product as processes, as `make run` starts it, in a copy of the tree, with a database
that has all its tables and no rows of anybody, and with static files that were gathered before. How
`make run` makes both from nothing is for `make fresh-clone`.

The copy has its own `.env`, written as `make run` writes it, free ports, and everything it stores
in its own `var/`. It runs on SQLite; on PostgreSQL where DATABASE_URL of the tests says so.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import requests
from django.conf import settings
from psycopg import sql

from tests import gathered, migrated
from viberdash.dotenv import filled, is_free

ROOT = Path(settings.BASE_DIR)
PARTS = ("campaigns", "viberdash", "templates", "static", "manage.py", "Procfile", ".env.example")
READY = "ViberDash is ready"
PATIENCE = 180.0  # seconds until a process that says nothing has failed
# nothing else of the tests' environment reaches the product
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")


class Sandbox:
    """The sandbox of a running stack, asked over its addresses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.trust_env = False

    def ask(self, path: str, **query: object) -> Any:
        answer = self._http.get(
            f"{self.url}/sandbox/{path}", params={k: str(v) for k, v in query.items()}, timeout=30
        )
        answer.raise_for_status()
        return answer.json()

    def tell(self, path: str, **body: object) -> None:
        self._http.post(f"{self.url}/sandbox/{path}", json=body, timeout=30).raise_for_status()

    def bill(self, sender: str = "") -> Any:
        """Counts and exact sums."""
        return self.ask("bill", sender=sender)

    def messages(self, sender: str) -> list[dict[str, Any]]:
        """All messages of `sender`."""
        result: list[dict[str, Any]] = []
        while part := self.ask("messages.json", sender=sender, offset=len(result), limit=1000)[
            "messages"
        ]:
            result += part
        return result

    def settle(self) -> None:
        """All messages come to the end of their lives."""
        self.tell("advance", settle=True)

    def close(self) -> None:
        self._http.close()


class Stack:
    """Web, worker, sweep and sandbox under one process manager. `start()` it, and again after
    `kill()`.
    """

    def __init__(self, folder: Path, database_url: str = "", **variables: object) -> None:
        self.folder = folder
        copy_tree(folder)
        gathered.gather()
        shutil.copytree(gathered.FOLDER, folder / "var" / "static")
        self.port, gateway = free_ports(2)
        self.url = f"http://localhost:{self.port}"
        self.sandbox = Sandbox(f"http://127.0.0.1:{gateway}")
        usual: dict[str, object] = {
            "PORT": self.port,
            "BSG_API_URL": f"{self.sandbox.url}/rest",
            "WORKER_NAME": f"stack-{self.port}",
        }
        if database_url:
            usual["DATABASE_URL"] = database_url
        else:
            migrated.copy_sqlite(folder / "var" / "viberdash.sqlite3")
        write_settings(folder, usual | variables)
        self.lines: list[str] = []
        self._said = threading.Condition()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def start(self) -> None:
        """Start all of it, as `make run` does, and wait until it answers."""
        seen = len(self.lines)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[self._process], daemon=True)
        self._reader.start()
        self.wait_for(READY, seen)
        self.wait_for("Sandbox gateway on", seen)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout
        for line in process.stdout:
            with self._said:
                self.lines.append(line)
                self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def wait_for(self, expected_text: str, seen: int = 0) -> str:
        """The first line with `words`, from the line number `seen` on."""
        give_up = time.monotonic() + PATIENCE
        with self._said:
            while True:
                for line in self.lines[seen:]:
                    if expected_text in line:
                        return line
                assert self._process
                left = give_up - time.monotonic()
                if left < 0 or self._process.poll() is not None:
                    raise AssertionError(f"It never said “{expected_text}”:\n{self.log}")
                self._said.wait(min(left, 1))

    @property
    def password(self) -> str:
        """What was printed for the first administrator."""
        result = re.search(r"password +(\S+)", self.log)
        assert result, self.log
        return result.group(1)

    def kill(self, name: str) -> None:
        """SIGKILL for the process `name` of the Procfile and its children; all of the others end
        with it.
        """
        os.killpg(int(re.findall(rf"{name} started \(pid=(\d+)\)", self.log)[-1]), signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        """Ctrl-C. Its exit status."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        return self._ended()

    def close(self) -> None:
        self.stop()
        self.sandbox.close()

    def _ended(self) -> int:
        assert self._process
        try:
            status = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGINT)  # the second one ends it at once
            status = self._process.wait(PATIENCE)
        if self._reader:
            self._reader.join(PATIENCE)
        if self._process.stdout:
            self._process.stdout.close()
        return status


def copy_tree(folder: Path) -> None:
    """The product's files, with the bytecode that lies beside them."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part)
        else:
            shutil.copy2(ROOT / part, folder / part)


def write_settings(folder: Path, variables: dict[str, object]) -> None:
    """`.env` as on first use, with `variables` instead of what it says about them."""
    lines = filled((folder / ".env.example").read_text(encoding="utf-8")).splitlines()
    kept = [line for line in lines if line.partition("=")[0] not in variables]
    written = [f"{name}={value}" for name, value in variables.items()]
    (folder / ".env").write_text("\n".join(kept + written) + "\n", encoding="utf-8")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens at, below the range from which clients get theirs."""
    first = 10_000 + os.getpid() % 20_000
    return list(islice(filter(is_free, range(first, 32_000)), count))


@contextmanager
def new_database() -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped at the end; "" where the tests run on
    SQLite.
    """
    if settings.SQLITE:
        yield ""
        return
    server = settings.DATABASES["default"]
    name = f"stack_{os.getpid()}"
    address = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**server)
    with psycopg.connect(f"{address}postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield address + name
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


@contextmanager
def running(folder: Path, **variables: object) -> Iterator[Stack]:
    """A stack in `folder` with the settings `variables`; it ends at the end, and has had nothing to
    complain about.
    """
    with new_database() as database, closing(Stack(folder, database, **variables)) as stack:
        stack.start()
        yield stack
        assert stack.stop() == 0, stack.log
        complaints = [line for line in stack.lines if re.search(r"Traceback|ERROR|CRITICAL", line)]
        assert not complaints, stack.log
