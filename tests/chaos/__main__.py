"""`python -m tests.chaos`: an installation is killed, robbed and lied to while it sends a campaign,
or several at once under a frequency cap, with tracked links, variants and a follow-up.

Prints what was done to it and what came out; exits with 1 unless everybody was reached once and
every cent is right.

    --recipients 50000 --cap 2 --kills 200 --restarts 3 --machines 3    `make chaos`
    --database sqlite                              in a file
               own                                 a PostgreSQL server that is crashed too
               postgres://user@host/database       a new database on that server, dropped at the end
    --restart-command "pg_ctlcluster 15 main restart"    how that server is restarted; the
                                                         default ends all its connections
    --sooner                                             leases and waits are cut to seconds
    --only lost=5,status_http500=5                       only these; the queue keeps its tasks
    --victims task                                       only processes of this role are killed
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests import migrated
from tests.chaos import installation, mistreatment
from tests.chaos.server import Server

FAULTS: dict[str, float | str] = {
    "lost": 5, "lost_late": 1, "lost_late_s": 20, "http500": 2, "http429": 1, "error11": 0.5,
    "slow": 25, "slow_ms": 600, "status_lost": 1, "status_http500": 2, "status_http429": 1,
    "shape": "mixed", "status": "mixed", "price_noise": 20, "sms_first": "mixed",
    "viber_charged": 5,
}  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--database", default="sqlite")
    parser.add_argument("--recipients", type=int, default=3000)
    parser.add_argument(
        "--cap",
        type=int,
        default=0,
        help="a frequency cap, one campaign more to everybody, and all of the marketing loop",
    )
    parser.add_argument("--kills", type=int, default=15)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--restart-command", default="")
    parser.add_argument("--machines", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--rate",
        type=int,
        default=0,
        help="recipients a second, so that it lasts as long as the kills",
    )
    parser.add_argument(
        "--every", type=float, default=1.0, help="seconds between two kills, on average"
    )
    parser.add_argument("--sooner", action="store_true")
    parser.add_argument(
        "--only", type=_faults, default=None, metavar="FAULTS", help='"" for no faults'
    )
    parser.add_argument("--victims", default="", metavar="ROLE")
    parser.add_argument("--minutes", type=float, default=30, help="until it is given up")
    parser.add_argument("--port", type=int, default=8170)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder with the logs")
    return parser.parse_args()


def _faults(text: str) -> dict[str, float | str]:
    """The faults in "lost=5,slow=2"."""
    pairs = (pair.split("=") for pair in text.split(",") if pair)
    return {name: float(value) for name, value in pairs}


def settings_for(asked: argparse.Namespace, folder: Path, database: str) -> dict[str, str]:
    """The environment of all processes."""
    sandbox_port = installation.free_port(asked.port)
    web_port = installation.free_port(sandbox_port + 1)
    return os.environ | {
        "ENV_FILE": os.devnull,
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        installation.MARK: str(os.getpid()),
        "CHAOS_SOONER": "1" if asked.sooner else "",
        "DEBUG": "true",
        "SECRET_KEY": "chaos",
        "DATABASE_URL": database,
        "REDIS_URL": "",
        "BSG_API_URL": f"http://127.0.0.1:{sandbox_port}/rest",
        "BSG_API_KEY": "live_chaos",
        "LINK_BASE_URL": "https://go.example.com",
        "SANDBOX_PORT": str(sandbox_port),
        "PORT": str(web_port),
        "WEB_WORKERS": "1",
        "WORKERS": str(asked.workers),
        "SEND_CONNECTIONS": "8",
        "SEND_RATE": str(asked.rate),
        "RECONCILE_QUARANTINE": "2" if asked.sooner else "30",
        "SWEEP_EVERY": "2" if asked.sooner else "15",
        "MEDIA_ROOT": str(folder / "media"),
        "UPLOAD_ROOT": str(folder / "uploads"),
        "STATE_FILE": str(folder / "state.json"),
        "LOG_LEVEL": "WARNING",
    }


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Ended by a signal, without a result"))
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="chaos"))
        if asked.keep:
            stack.callback(print, f"Logs: {folder}")
        else:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        database, restart = provided(asked, folder, stack)
        env = settings_for(asked, folder, database)
        os.environ.update(env)
        from tests.chaos.run import Run  # Django is set up there, with these settings

        return Run(asked, env, folder, restart).run(random.Random(asked.seed))


def provided(
    asked: argparse.Namespace, folder: Path, stack: ExitStack
) -> tuple[str, mistreatment.Restart | None]:
    """The address of a new database, and how to make it go away for a moment."""
    if asked.database == "sqlite":
        migrated.copy_sqlite(folder / "chaos.sqlite3")
        return f"sqlite:///{folder}/chaos.sqlite3", None
    if asked.database == "own":
        server = stack.enter_context(Server(installation.free_port(asked.port)))
        return server.address, server.restart
    name = f"viberdash_chaos_{os.getpid()}"
    stack.callback(installation.drop_database, asked.database, name)
    address = installation.new_database(asked.database, name)
    if asked.restart_command:
        return address, partial(mistreatment.run, asked.restart_command)
    return address, partial(mistreatment.end_connections, asked.database, name)


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    print(f"{time.monotonic() - started:.0f} seconds altogether")
    sys.exit(status)
