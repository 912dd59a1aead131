"""`python -m tests.chaos.full_disk`: the disk of the database is full while a campaign goes out.

The database stands on a small file system of its own (root on Linux), which is filled to the last
byte while requests are open, and has room again after some seconds: before the sender gives its
answers up, and after. Prints what happened; exits with 1 unless everybody was reached once, every
cent is right, and next to nothing left while the disk was full.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.chaos.installation import free_port
from tests.chaos.server import Server, programs

SHORT, LONG = 4.0, 20.0  # seconds until there is room again; the sender waits for PATIENCE
PATIENCE = 12.0
SIZES = {"sqlite": "64m", "postgresql": "256m"}


@contextmanager
def small_file_system(size: str) -> Iterator[Path]:
    """A file system of this size, gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="full-disk"))
    options = f"size={size},mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


@contextmanager
def kept_running(server: Server) -> Iterator[None]:
    """Start the server again whenever it has ended, as systemd would."""
    over = threading.Event()

    def supervise() -> None:
        while not over.wait(1):
            with suppress(subprocess.CalledProcessError):
                server.start_if_ended()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def run_on(engine: str, seconds: float) -> int:
    """Run the campaign in a process with a database of its own; return its exit status."""
    with ExitStack() as stack:
        folder = stack.enter_context(small_file_system(SIZES[engine]))
        address = f"sqlite:///{folder}/viberdash.sqlite3"
        if engine == "postgresql":
            server = stack.enter_context(Server(free_port(8260), parent=folder))
            stack.enter_context(kept_running(server))
            address = server.address
        env = {
            "DATABASE_URL": address, "REDIS_URL": "", "STATE_FILE": f"{folder}/state.json",
            "ENV_FILE": os.devnull, "DEBUG": "true", "SECRET_KEY": "full disk",
            "BSG_API_KEY": "live_sandbox_key_0001",
            "DJANGO_SETTINGS_MODULE": "viberdash.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.chaos.full_disk_run", str(folder)]
        command += [str(seconds), str(PATIENCE)]
        return subprocess.run(command, env=os.environ | env, check=False).returncode


def main() -> int:
    if sys.platform != "linux" or os.geteuid() != 0:
        print("This needs root on Linux: it mounts small file systems.", file=sys.stderr)
        return 1
    engines = ["sqlite", *(["postgresql"] if programs() else [])]
    if len(engines) == 1:
        print("NOT RUN on PostgreSQL: its programs (initdb, pg_ctl) are not there")
    statuses = [run_on(engine, seconds) for engine in engines for seconds in (SHORT, LONG)]
    return int(any(statuses) or len(engines) == 1)


if __name__ == "__main__":
    sys.exit(main())
