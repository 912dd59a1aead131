"""A PostgreSQL server of its own, so that it can be restarted without anybody else noticing."""

import glob
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

USER = "postgres"  # as whom it runs where we are root, whom PostgreSQL refuses


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, of the newest version there is."""
    result = shutil.which("initdb")
    if result:
        return Path(result).parent
    return next(
        (Path(name).parent for name in sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))[::-1]),
        None,
    )


class Server:
    """`with Server(port) as server:` `server.address` is its database "postgres". Raises OSError
    without programs.

    `host` is where it listens, for whoever can reach it; `parent` the folder in which it stores
    everything, by default that for temporary files.
    """

    def __init__(self, port: int, host: str = "127.0.0.1", parent: Path | None = None) -> None:
        result = programs()
        if not result:
            raise OSError("PostgreSQL's programs (initdb, pg_ctl) are not there")
        self.programs = result
        self.port = port
        # as it is now: without the mark of the installation, of which this is no part
        self.env = dict(os.environ)
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-postgresql", dir=parent))
        self.host = host
        self.address = f"postgres://postgres@{host}:{port}/postgres"

    def __enter__(self) -> "Server":
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, USER)
        self._run(
            "initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"
        )
        with (self.folder / "data" / "pg_hba.conf").open("a") as rules:
            rules.write("host all all samenet trust\n")
        self._start()
        return self

    def _start(self) -> None:
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses={self.host} -c"
            " max_connections=300"
        )
        self._run("pg_ctl", "-w", f"--log={self.folder}/log", f"--options={options}", "start")

    def start_if_ended(self) -> bool:
        """Start it if it has ended; whether it had. Raises CalledProcessError if it can't start."""
        try:
            self._run("pg_ctl", "status")
        except subprocess.CalledProcessError:
            self._start()
            return True
        return False

    def restart(self) -> str:
        """End it as a crash would, without a word to anybody, and start it again."""
        self._run(
            "pg_ctl", "-w", "-t", "120", f"--log={self.folder}/log", "--mode=immediate", "restart"
        )
        return "database: crashed and restarted"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run("pg_ctl", "-w", "--mode=immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self.programs / program, f"--pgdata={self.folder}/data", *arguments],
            user=USER if os.geteuid() == 0 else None,
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
