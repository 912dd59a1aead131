"""Pages while 10,000 delivery reports a second of rubbish come in: at the process of their own, and at the web server.

An installation of its own on SQLite; the flood comes over 64 connections from another process, which yields to
everything else. Exit status 1 where the flood at the process of its own slows the pages beyond the target.
"""

import argparse
import asyncio
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
RATE, CONNECTIONS, SECONDS = 10_000, 64, 10.0
SLOWER, NOISE_MS = 1.5, 25.0  # times the quiet 95th percentile; less than this more is the noise of a machine
PAGES = ("/", "/campaigns/", "/spend/", "/campaigns/best-times")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def reports(path: str) -> list[bytes]:
    """Requests as they come over the wire: wrong addresses, broken bodies, references of nobody, each repeated."""
    dice = random.Random(1)
    found = []
    for number in range(1000):
        reference = f"{dice.getrandbits(128):032x}"
        body = f'{{"reference": "{reference}", "status": "read"}}'
        where, said = [(path, body), (path[:-4] + "dead", body), (path, "{" * 60), ("/delivery-reports/", "x=1")][
            number % 4
        ]
        found.append(f"POST {where} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())
    return found


class Flood(asyncio.Protocol):
    """One connection; what is not answered yet is bounded, as with any sender."""

    answered = 0

    def __init__(self) -> None:
        self.open = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        answers = data.count(b"HTTP/1.1 ")
        Flood.answered += answers
        self.open = max(self.open - answers, 0)


async def flood(port: int, path: str, seconds: float) -> None:
    """RATE reports a second; prints how many were sent and answered in each."""
    os.nice(19)
    loop = asyncio.get_running_loop()
    pool, sent, start = reports(path), 0, time.monotonic()
    lines = [(await loop.create_connection(Flood, "127.0.0.1", port))[1] for _ in range(CONNECTIONS)]
    while (passed := time.monotonic() - start) < seconds:
        for place, line in enumerate(lines):
            if line.transport.is_closing():
                lines[place] = line = (await loop.create_connection(Flood, "127.0.0.1", port))[1]
            if sent < passed * RATE and line.open < 20:
                line.transport.write(b"".join(pool[(sent + step) % len(pool)] for step in range(5)))  # type: ignore[attr-defined]
                line.open += 5
                sent += 5
        await asyncio.sleep(0.002)
    print(f"{sent / seconds:.0f} {Flood.answered / seconds:.0f}")


@contextmanager
def server(*command: str, environment: dict[str, str], port: int) -> Iterator[int]:
    """A process that answers at the port; its id."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def pages(port: int, cookie: str, seconds: float) -> list[float]:
    """Milliseconds of each page, one after another."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set("sessionid", cookie)
    took: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for page in PAGES:
            start = time.perf_counter()
            answer = session.get(f"http://localhost:{port}{page}", timeout=60, allow_redirects=False)
            took.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, f"{page}: {answer.status_code}"
    return took


def prepare(environment: dict[str, str]) -> tuple[str, str]:
    """Tables and a person; their session, and the secret path of the reports."""
    script = (
        "from django.test import Client; from campaigns.team.models import User;"
        "from campaigns.gateway.delivery_reports import address;"
        "user = User.objects.create_user('olena', role='administrator'); client = Client(); client.force_login(user);"
        "print(client.cookies['sessionid'].value, address().partition('localhost')[2])"
    )
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
    told = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    cookie, path = told.stdout.split()
    return cookie, path


def measure(seconds: float) -> int:
    web, listener = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "BSG_API_URL": "http://127.0.0.1:9/rest",
            "BSG_API_KEY": "test_benchmark", "SECRET_KEY": "benchmark" * 8, "DEBUG": "true", "LOG_LEVEL": "ERROR",
            "ENV_FILE": os.devnull, "REDIS_URL": "", "PUBLIC_BASE_URL": "http://localhost", "PORT": str(web),
            "REPORTS_PORT": str(listener), "HOST": "127.0.0.1", "STATE_FILE": f"{folder}/state.json",
        }  # fmt: skip
        cookie, path = prepare(environment)
        gunicorn = ("-m", "gunicorn", "--config", "viberdash/gunicorn.py", "viberdash.wsgi")
        with (
            server(*gunicorn, environment=environment, port=web),
            server("manage.py", "reports", environment=environment, port=listener),
        ):
            pages(web, cookie, 2)
            quiet = say("no flood", pages(web, cookie, seconds))
            apart = flooded("flood at the process of its own", web, cookie, listener, path, seconds)
            flooded("flood at the web server itself", web, cookie, web, path, seconds)
    good = apart <= max(quiet * SLOWER, quiet + NOISE_MS)
    print(f"95th percentile with the flood: {apart / quiet:.2f} times, of {SLOWER} {'' if good else 'MISSED'}")
    return 0 if good else 1


def flooded(name: str, web: int, cookie: str, port: int, path: str, seconds: float) -> float:
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.bench_reports_flood",
        "--flood",
        str(port),
        path,
        str(seconds + 2),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        time.sleep(1)
        took = pages(web, cookie, seconds)
        told, _nothing = other.communicate()
    sent, answered = told.split()
    return say(f"{name}: {sent}/s sent, {answered}/s answered", took)


def say(name: str, took: list[float]) -> float:
    slow = quantiles(took, n=20)[-1]
    print(f"{name:<75} median {median(took):6.1f} ms, p95 {slow:6.1f} ms, {len(took)} pages", flush=True)
    return slow


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--flood", nargs=3, metavar=("PORT", "PATH", "SECONDS"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.flood:
        asyncio.run(flood(int(asked.flood[0]), asked.flood[1], float(asked.flood[2])))
        return
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(measure(asked.seconds))


if __name__ == "__main__":
    main()
