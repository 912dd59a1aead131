"""`make bench-follow`: how well polling uses its connections, as ratios to connections / latency.

A stand-in gateway answers each status call after 100 ms. Batches of 50 messages are due, of which
all or only five are open. PostgreSQL is measured where TEST_DATABASE_URL or the local standard port
answers.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.bench_import import say
from tests.platforms import POSTGRESQL, trouble

ROOT = Path(__file__).resolve().parent.parent.parent
LATENCY = 100  # milliseconds
TARGET = 0.85


@contextmanager
def stand_in() -> Iterator[str]:
    """The address of a gateway that answers after LATENCY."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.benchmarks.stand_in", str(port), str(LATENCY)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as server:
        assert server.stdout
        server.stdout.readline()
        try:
            yield f"http://127.0.0.1:{port}/rest"
        finally:
            server.kill()


def engine(database_url: str, gateway: str) -> Iterator[tuple[str, float]]:
    """The figures of one database, from a process with a database of its own."""
    environment = os.environ | {
        "DATABASE_URL": database_url, "BSG_API_URL": gateway, "BSG_API_KEY": "live_benchmark",
        "SECRET_KEY": "benchmark" * 8, "DEBUG": "false", "LOG_LEVEL": "ERROR",
        "ENV_FILE": os.devnull, "TEST_DATABASE_NAME": "test_viberdash_follow", "REDIS_URL": "",
        "DJANGO_SETTINGS_MODULE": "viberdash.settings", "STATUS_RATE": "0", "DEFAULT_COUNTRY": "UA",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.follow_engine"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for line in done.stdout.splitlines():
        name, _equals, value = line.partition("=")
        yield name, float(value)


def measure(name: str, database_url: str) -> None:
    with stand_in() as gateway:
        for what, rate in engine(database_url, gateway):
            connections, people = what.split("x")
            floor = int(connections) * 1000 / LATENCY
            text = f"{name}: {connections} connections, {people} open in each batch"
            say(text, f"{rate:,.0f}/s", f"{rate / floor:.2f} of {TARGET}")


def main() -> None:
    started = time.monotonic()
    say("status calls", "rate", "of its connections")
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", f"sqlite:///{folder}/follow.sqlite3")
    if why := trouble(POSTGRESQL):
        print(f"PostgreSQL is not measured: {why}")
    else:
        measure("PostgreSQL", POSTGRESQL)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
