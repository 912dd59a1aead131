"""`make bench-dispatch`: how fast a campaign goes out, as ratios to the wire and to what people
would use instead.

Everything of one run stands in one table, engine by engine, against the same stand-in gateway,
whose own maximum is printed first. `--large 0` leaves out the campaign to a million. PostgreSQL is
measured where it answers at TEST_DATABASE_URL or at the local standard port.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.platforms import POSTGRESQL, trouble

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 50


def body(first: int) -> bytes:
    """A ready-made request of 50 recipients."""
    to = b",".join(
        b'{"msisdn":"380972920283","reference":"%032d"}' % (first + place) for place in range(BATCH)
    )
    return (
        b'{"tariff":0,"validity":86400,"messages":[{"to":[%b],"text":"Hello!","alpha_name":"Shop","is_promotional":true}]}'
        % to
    )


@contextmanager
def gateway(latency: int = 0) -> Iterator[int]:
    """The stand-in gateway in a process of its own; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.benchmarks.stand_in", str(port), str(latency)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def in_threads(connections: int, work: Callable[[], None]) -> float:
    """Seconds that `connections` threads doing `work` take together."""
    threads = [threading.Thread(target=work) for _ in range(connections)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def floor(port: int, connections: int, people: int) -> float:
    """Recipients a second: `requests` posting ready-made bodies, no database."""
    each = people // BATCH // connections
    ready = body(0)

    def post() -> None:
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(each):
                session.post(
                    f"http://127.0.0.1:{port}/rest/viber/create",
                    data=ready,
                    headers={"Content-Type": "application/json"},
                )

    return each * connections * BATCH / in_threads(connections, post)


def stand_in_maximum(port: int) -> float:
    """Requests a second of the stand-in itself, by bare sockets that send ten at a time and
    read.
    """
    ready = body(0)
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(ready), ready)
    rounds, at_once = 60, 10

    def post() -> None:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            peer.sendall(request)
            size = len(peer.recv(65_536))
            for _ in range(rounds):
                peer.sendall(request * at_once)
                left = size * at_once
                while left > size:  # ids grow longer; the last bytes don't matter
                    left -= len(peer.recv(1_048_576))

    return 4 * (rounds * at_once + 1) / in_threads(4, post)


def engine(
    database_url: str, port: int, *arguments: str, module: str = "dispatch_engine"
) -> dict[str, float]:
    """What a module of this folder measures in a process and a database of its own; no address:
    SQLite.
    """
    # new each time: what one measurement leaves unsent, the next would send
    folder = tempfile.TemporaryDirectory()
    database_url = database_url or f"sqlite:///{folder.name}/bench.sqlite3"
    environment = os.environ | {
        "DATABASE_URL": database_url, "BSG_API_URL": f"http://127.0.0.1:{port}/rest",
        "BSG_API_KEY": "live_benchmark", "SECRET_KEY": "benchmarks" * 8, "DEBUG": "false",
        "LOG_LEVEL": "ERROR", "ENV_FILE": os.devnull, "TEST_DATABASE_NAME": "test_viberdash_bench",
        "REDIS_URL": "", "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }  # fmt: skip
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", *arguments]
    with folder:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    return {name: float(value) for name, value in (line.split("=") for line in done.stdout.split())}


def peer(people: int) -> float:
    """Mails a second of django-post-office through its dummy backend."""
    command = [sys.executable, "-m", "tests.benchmarks.post_office_peer", str(people)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout.split()[-1])


def say(what: str, figure: str, ratio: str = "") -> None:
    print(f"{what:<74}{figure:>16}{ratio:>24}", flush=True)


def measure(name: str, database_url: str, people: int, mails: float) -> None:
    with gateway() as port:
        before = floor(port, 8, people)
        ours = engine(database_url, port, str(people), "8")
        base = (before + floor(port, 8, people)) / 2
    wanted = {"PostgreSQL": 0.5, "SQLite": 0.6}[name]
    say(f"{name}: the floor, requests over 8 connections", f"{base:,.0f}/s")
    say(
        f"{name}: claims, results and ledger written",
        f"{ours['send']:,.0f}/s",
        f"{ours['send'] / base:.2f} of {wanted}",
    )
    say(
        f"{name}: the same with two tracked links, against equal texts",
        f"{ours['send_links']:,.0f}/s",
        f"{ours['send_links'] / ours['send']:.2f} of 0.6",
    )
    say(
        f"{name}: rows by the ORM and bulk_update",
        f"{ours['naive']:,.0f}/s",
        f"{ours['naive'] / base:.3f}",
    )
    say(
        f"{name}: django-post-office, the same by mail",
        f"{mails:,.0f}/s",
        f"{ours['send'] / mails:.1f} times of 3",
    )
    say_freeze(f"{name}: freeze of {people:,}", ours)
    say(f"{name}: memory of a sender, at most", f"{ours['memory']:,.0f} MB", "of 300 MB")
    say(f"{name}: processor time of the senders", f"{ours['worker_seconds']:,.0f} s a million")
    if "wal_send" in ours:
        sizes = ", ".join(
            f"{ours[f'bytes_{table}']:,.0f}" for table in ("recipient", "ledgerentry", "batch")
        )
        say(f"{name}: bytes kept a recipient: recipient, ledger, batch, with indexes", sizes)
        logs = f"{ours['wal_freeze']:,.0f}, {ours['wal_send']:,.0f}"
        say(f"{name}: bytes of log a recipient: freeze, send", logs)
    for connections, target in ((8, 0.90), (32, 0.85)):
        with gateway(latency=100) as port:
            slow = engine(
                database_url, port, str(connections * 500 * 8), str(connections), "--send-only"
            )
        say(
            f"{name}: at 100 ms, {connections} connections", f"{slow['send']:,.0f}/s",
            f"{slow['send'] / (connections * 500):.2f} of {target:.2f}",
        )  # fmt: skip


def say_freeze(what: str, result: dict[str, float]) -> None:
    say(
        what,
        f"{result['freeze']:,.0f}/s",
        f"{result['freeze'] / result['freeze_floor']:.2f} of 0.5",
    )


def measure_growth(name: str, database_url: str, people: int) -> None:
    with gateway() as port:
        ours = engine(database_url, port, str(people), "8", "--growth")
    say_freeze(f"{name}: freeze of {people:,}", ours)
    say(f"{name}: the campaign's page meanwhile, median", f"{ours['page']:,.0f} ms", "of 200 ms")
    say(
        f"{name}: the campaign's page meanwhile, slowest",
        f"{ours['page_slowest']:,.0f} ms",
        "of 200 ms",
    )
    say(f"{name}: sent to {people:,}", f"{ours['send']:,.0f}/s")
    growth = f"{ours['small'] / ours['send']:.2f} of at most 1.2"
    say(f"{name}: time a recipient, against 10,000 at {ours['small']:,.0f}/s", "", growth)
    say(f"{name}: memory of a sender, at most", f"{ours['memory']:,.0f} MB", "of 300 MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument(
        "--large", type=int, default=1_000_000, help="recipients of the large campaign; 0: none"
    )
    asked = parser.parse_args()
    people: int = asked.people
    say("what", "figure", "ratio of its target")
    with gateway() as port:
        say("stand-in gateway, its own maximum", f"{stand_in_maximum(port):,.0f} req/s")
    mails = peer(5_000)
    engines = {"SQLite": "", "PostgreSQL": POSTGRESQL}
    if why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
        del engines["PostgreSQL"]
    for name, database_url in engines.items():
        measure(name, database_url, people, mails)
        if asked.large:
            measure_growth(name, database_url, asked.large)


if __name__ == "__main__":
    main()
