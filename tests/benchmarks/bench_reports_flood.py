"""How many worthless delivery reports one web process answers, and how pages and sending fare
meanwhile, as ratios to the same without them.

An installation on SQLite with WEB_WORKERS=1. The reports come over 64 connections from a process of
low priority: to wrong addresses, then to the secret one, with unreadable bodies and unknown
references. The last row has as many as the proxy of docs/production.md passes on. Exit status 1
where those slow pages or sending beyond the target.
"""

import argparse
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
FLOOD, LIMITED = 10_000, 500  # reports per second: offered, and passed on by a proxy
CONNECTIONS, SECONDS = 64, 8.0
AT_ONCE = 25  # reports in one piece
ROUNDS = 2  # without and with, in turn
PEOPLE = 20_000  # sent to in each
# times the quiet 95th percentile; less than this more is the noise of a machine
SLOWER, NOISE_MS = 1.5, 25.0
SENDING = 0.8  # of the rate without a flood
PAGES = ("/", "/campaigns/", "/spend/", "/campaigns/best-times")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as result:
        return int(result.getsockname()[1])


def rubbish(path: str, kind: str) -> list[bytes]:
    """Pieces of AT_ONCE requests each, as they come over the wire: to `wrong` addresses, or to the
    `right` one.
    """
    dice = random.Random(1)

    def report(number: int) -> bytes:
        body = f'{{"reference": "{dice.getrandbits(128):032x}", "status": "read"}}'
        wrong = (path[:-4] + "dead", body), ("/delivery-reports/", "x=1")
        right = (path, body), (path, body), (path, "{" * 60)
        where, values = (right if kind == "right" else wrong)[
            number % (3 if kind == "right" else 2)
        ]
        head = f"POST {where} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(values)}"
        return f"{head}\r\n\r\n{values}".encode()

    return [b"".join(report(place) for place in range(AT_ONCE)) for _ in range(200)]


class Line:
    """One connection; what is not answered yet is bounded, as with any sender."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.open = 0
        self.left = b""  # of a piece that the other end had no room for

    def send(self, piece: bytes) -> None:
        self.left = piece
        self.open += AT_ONCE
        self.push()

    def push(self) -> None:
        try:
            self.left = self.left[self.socket.send(self.left) :]
        except BlockingIOError:
            return

    def answers(self) -> int:
        try:
            told = self.socket.recv(65_536)
        except BlockingIOError:
            return 0
        if not told:
            raise ConnectionError
        result = told.count(b"HTTP/1.1 ")
        self.open = max(self.open - result, 0)
        return result


def flood(port: int, path: str, kind: str, rate: int) -> None:
    """`rate` reports a second until the standard input ends; prints how many a second were offered
    and answered.
    """
    os.nice(19)
    os.set_blocking(0, False)
    pool = rubbish(path, kind)
    lines = [Line(port) for _ in range(CONNECTIONS)]
    sent = answered = 0
    start = time.monotonic()
    while sys.stdin.buffer.read(1) is None:
        for place, line in enumerate(lines):
            try:
                answered += line.answers()
                if line.left:
                    line.push()
                elif line.open < AT_ONCE and sent < (time.monotonic() - start) * rate:
                    line.send(pool[sent // AT_ONCE % len(pool)])
                    sent += AT_ONCE
            except ConnectionError:
                lines[place] = Line(port)
        time.sleep(0.005)
    passed = time.monotonic() - start
    print(f"{sent / passed:.0f} {answered / passed:.0f}")


@contextmanager
def flooding(port: int, path: str, kind: str, rate: int, told: list[str]) -> Iterator[None]:
    """A flood meanwhile; `told` gets what it says at the end. No `kind`: none."""
    if not kind:
        yield
        return
    arguments = ["--flood", str(port), path, kind, str(rate)]
    command = [sys.executable, "-m", "tests.benchmarks.bench_reports_flood", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        time.sleep(1)
        try:
            yield
        finally:
            told += other.communicate("")[0].split()


@contextmanager
def server(*command: str, environment: dict[str, str], port: int) -> Iterator[int]:
    """A process that answers at the port; its id."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
    )
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
            answer = session.get(
                f"http://localhost:{port}{page}", timeout=60, allow_redirects=False
            )
            took.append((time.perf_counter() - start) * 1000)
            assert answer.status_code == 200, f"{page}: {answer.status_code}"
    return took


def prepare(environment: dict[str, str]) -> tuple[str, str]:
    """Tables and a person; their session, and the secret path of the reports."""
    script = (
        "from django.test import Client; from campaigns.team.models import User;from"
        " campaigns.gateway.bsg.delivery_reports import callback_url;user ="
        " User.objects.create_user('olena', role='administrator'); client = Client();"
        " client.force_login(user);print(client.cookies['sessionid'].value,"
        " callback_url().partition('localhost')[2])"
    )
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True
    )
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
    told = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    cookie, path = told.stdout.split()
    return cookie, path


def sending(environment: dict[str, str], folder: str) -> float:
    """Recipients a second that a campaign is sent to, of a database of its own, at a gateway that
    takes everything.
    """
    port = free_port()
    file = Path(folder, "sending.sqlite3")
    told = {"DATABASE_URL": f"sqlite:///{file}", "BSG_API_URL": f"http://127.0.0.1:{port}/rest"}
    gateway = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.stand_in", str(port)], cwd=ROOT, stdout=-1
    )
    try:
        assert gateway.stdout
        gateway.stdout.readline()
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.dispatch_engine",
            str(PEOPLE),
            "4",
            "--send-only",
        ]
        done = subprocess.run(
            command, cwd=ROOT, env=environment | told, stdout=-1, text=True, check=True
        )
    finally:
        gateway.terminate()
        gateway.wait()
        for left in Path(folder).glob(f"{file.name}*"):
            left.unlink()
    return next(
        float(line.partition("=")[2])
        for line in done.stdout.splitlines()
        if line.startswith("send=")
    )


def measure(seconds: float, rounds: int) -> int:
    web = free_port()
    floods = {
        "no flood": ("", 0),
        "wrong addresses": ("wrong", FLOOD),
        "the secret address": ("right", FLOOD),
        "the secret address, limited": ("right", LIMITED),
    }
    took, sent, told = (
        defaultdict[str, list[float]](list),
        defaultdict[str, list[float]](list),
        dict[str, list[str]](),
    )
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3",
            "BSG_API_URL": "http://127.0.0.1:9/rest", "BSG_API_KEY": "live_benchmark",
            "SECRET_KEY": "benchmark" * 8, "DEBUG": "true", "LOG_LEVEL": "ERROR",
            "ENV_FILE": os.devnull, "REDIS_URL": "", "PUBLIC_BASE_URL": "http://localhost",
            "PORT": str(web), "HOST": "127.0.0.1", "WEB_WORKERS": "1",
            "STATE_FILE": f"{folder}/state.json", "DJANGO_SETTINGS_MODULE": "viberdash.settings",
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        cookie, path = prepare(environment)
        gunicorn = ("-m", "gunicorn", "--config", "viberdash/gunicorn.py", "viberdash.wsgi")
        with server(*gunicorn, environment=environment, port=web):
            pages(web, cookie, 2)
            for _ in range(rounds):
                for name, (kind, rate) in floods.items():
                    with flooding(web, path, kind, rate, told.setdefault(name, [])):
                        took[name] += pages(web, cookie, seconds)
                    with flooding(web, path, kind, rate, told[name]):
                        sent[name].append(sending(environment, folder))
    return say(took, sent, told)


def say(
    took: dict[str, list[float]], sent: dict[str, list[float]], told: dict[str, list[str]]
) -> int:
    """The table; 1 where a limited flood slows pages or sending beyond the target."""
    quiet, free = slow(took["no flood"]), median(sent["no flood"])
    missed = False
    print(
        f"{'flood':<30}{'a second, beside pages':>26}{'beside sending':>20}"
        f"{'pages, p95':>24}{'sent a second':>26}"
    )
    for name in took:
        figures = [float(figure) for figure in told[name]]
        beside = [
            (
                f"{median(figures[place::4]):,.0f}, {median(figures[place + 1 :: 4]):,.0f}"
                if figures
                else ""
            )
            for place in (0, 2)
        ]
        p95, rate = slow(took[name]), median(sent[name])
        slower = p95 > max(quiet * SLOWER, quiet + NOISE_MS) or rate < SENDING * free
        missed = missed or (slower and "limited" in name)
        page, gone = (
            f"{p95:.0f} ms = {p95 / quiet:.2f} times",
            f"{rate:,.0f} = {rate / free:.2f} times",
        )
        print(
            f"{name:<30}{beside[0]:>26}{beside[1]:>20}{page:>24}{gone:>26}"
            f"{'  SLOWER' if slower else ''}"
        )
    print(
        f"A second: offered (up to {FLOOD:,}; limited: {LIMITED}), answered. The target, where they"
        f" are limited: pages {SLOWER}, sending {SENDING} times."
    )
    return int(missed)


def slow(took: list[float]) -> float:
    return quantiles(took, n=20)[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--flood", nargs=4, metavar=("PORT", "PATH", "KIND", "RATE"), help=argparse.SUPPRESS
    )
    asked = parser.parse_args()
    if asked.flood:
        port, path, kind, rate = asked.flood
        flood(int(port), path, kind, int(rate))
        return
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(measure(asked.seconds, asked.rounds))


if __name__ == "__main__":
    main()
