"""Requests per second of the web server, with and without stalled clients, as ratios to the same
server with an empty application.

An installation on SQLite with WEB_WORKERS=2 and WEB_THREADS=4. CLIENTS requests run at once, each
on a new connection, as nginx sends them. 58 clients of a kind stall: with incomplete headers, with
a body of one byte per second, or without reading the response. At the end a contact file of 480 MB
is uploaded. Exit status 1 if `/healthz` takes more than 2 s, or if the file arrives incomplete.
"""

import argparse
import hashlib
import http.client
import os
import re
import selectors
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from tests.benchmarks.bench_reports_flood import free_port, prepare, server
from tests.benchmarks.hostile_files import Peak

WORKERS, THREADS, CLIENTS = 2, 4, 16
STALLED = WORKERS * THREADS + 50
SECONDS, ROUNDS = 2.0, 3  # of each measurement; how often each is repeated
HEALTHY_S = 2.0
FILE_MB = 480
PAGES = {"/healthz": False, "/sign-in/": False, "/campaigns/": True}  # signed in or not
LARGE = "/static/vendor/tabler/tabler.min.css"  # the unread response, several times over
STALLS = ("incomplete headers", "slow body", "unread response")
GUNICORN = ("-m", "gunicorn", "--config", "viberdash/gunicorn.py")


def empty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The floor: an application that does nothing (WSGI)."""
    start_response("200 OK", [("Content-Length", "0")])
    return []


def ask(path: str, cookie: str = "") -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={cookie}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode()


def rate(port: int, request: bytes, seconds: float) -> float:
    """Requests per second, CLIENTS of them at once, each until the server closes its connection."""
    answered = 0
    with selectors.DefaultSelector() as waiting:

        def begin() -> None:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(request)
            waiting.register(client, selectors.EVENT_READ, bytearray())

        for _ in range(CLIENTS):
            begin()
        start = time.perf_counter()
        while time.perf_counter() < start + seconds:
            for key, _events in waiting.select(1):
                client: socket.socket = key.fileobj  # type: ignore[assignment]
                if piece := client.recv(1 << 16):
                    key.data.extend(piece)
                    continue
                assert key.data.startswith(b"HTTP/1.1 200"), bytes(key.data[:200])
                answered += 1
                waiting.unregister(client)
                client.close()
                begin()
        passed = time.perf_counter() - start
        for key in [*waiting.get_map().values()]:
            key.fileobj.close()  # type: ignore[union-attr]
    return answered / passed


def stall(kind: str, port: int) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    client.connect(("127.0.0.1", port))
    head = b"POST /sign-in/ HTTP/1.1\r\nHost: localhost\r\n"
    client.sendall(
        {
            "incomplete headers": head + b"X-Ha",
            "slow body": head + b"Content-Length: 99999\r\n\r\nx",
            "unread response": ask(LARGE).replace(b"close", b"keep-alive") * 20,
        }[kind]
    )
    return client


@contextmanager
def stalling(kind: str, port: int) -> Iterator[None]:
    """Keep STALLED clients of `kind` open meanwhile; none if it is empty."""
    over = threading.Event()
    with ExitStack() as clients:
        stalled = [clients.enter_context(stall(kind, port)) for _ in range(STALLED if kind else 0)]

        def trickle() -> None:
            while not over.wait(1):
                for client in stalled:
                    client.send(b"x")

        trickling = threading.Thread(target=trickle)
        if kind == "slow body":
            trickling.start()
            clients.callback(trickling.join)
        clients.callback(over.set)
        time.sleep(1 if kind else 0)  # until the server has accepted them
        yield


def health(port: int) -> float:
    """Seconds until `/healthz` responds; infinite above ten times HEALTHY_S."""
    start = time.perf_counter()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=HEALTHY_S * 10) as client:
            client.sendall(ask("/healthz"))
            return time.perf_counter() - start if client.recv(12)[9:] == b"200" else float("inf")
    except TimeoutError:
        return float("inf")


class Form:
    """An upload of a contact file of FILE_MB, made as it is sent; then `sha256` is the file's."""

    def __init__(self, token: str) -> None:
        parts = {"country": "UA", "name": "upload", "csrfmiddlewaretoken": token}
        fields = "".join(
            f'--end\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        )
        file = '--end\r\nContent-Disposition: form-data; name="file"; filename="people.csv"\r\n\r\n'
        self.before, self.after = f"{fields}{file}".encode(), b"\r\n--end--\r\n"
        self.megabyte = (b"380501112233,Olena\n" * 60_000)[: 1 << 20]
        self.length = len(self.before) + FILE_MB * len(self.megabyte) + len(self.after)
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        yield self.before
        for _ in range(FILE_MB):
            self.sha256.update(self.megabyte)
            yield self.megabyte
        yield self.after


def upload(port: int, cookie: str, uploads: Path) -> tuple[float, bool]:
    """How many seconds it took, and whether the file arrived complete."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    page = "/contacts/import"
    connection.request("GET", page, headers={"Cookie": f"sessionid={cookie}", "Host": "localhost"})
    answer = connection.getresponse()
    csrf = answer.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', answer.read().decode())
    assert token
    form = Form(token[1])
    headers = {
        "Host": "localhost", "Cookie": f"sessionid={cookie}; {csrf}",
        "Referer": f"http://localhost{page}", "Content-Length": str(form.length),
        "Content-Type": "multipart/form-data; boundary=end",
    }  # fmt: skip
    start = time.perf_counter()
    connection.request("POST", page, iter(form), headers)
    taken = connection.getresponse().status == 302
    seconds = time.perf_counter() - start
    connection.close()
    stored = [path.read_bytes() for path in uploads.glob("*")] if uploads.is_dir() else []
    return seconds, taken and form.sha256.digest() in [hashlib.sha256(s).digest() for s in stored]


def settings(folder: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "UPLOAD_ROOT": f"{folder}/uploads",
        "BSG_API_URL": "http://127.0.0.1:9/rest", "BSG_API_KEY": "live_benchmark",
        "SECRET_KEY": "benchmark" * 8, "DEBUG": "true", "LOG_LEVEL": "ERROR",
        "ENV_FILE": os.devnull, "REDIS_URL": "", "PUBLIC_BASE_URL": "http://localhost",
        "STATE_FILE": f"{folder}/state.json", "DJANGO_SETTINGS_MODULE": "viberdash.settings",
        "WEB_WORKERS": str(WORKERS), "WEB_THREADS": str(THREADS), "HOST": "127.0.0.1",
        "PYTHONWARNINGS": "ignore",
    }  # fmt: skip


def measure(seconds: float, rounds: int) -> int:
    web, floor = free_port(), free_port()
    rates, healthy = defaultdict[tuple[str, str], list[float]](list), defaultdict[str, float](float)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as servers:
        environment = settings(folder)
        cookie, _path = prepare(environment)
        for port, application in (
            (floor, "tests.benchmarks.bench_web:empty"),
            (web, "viberdash.wsgi"),
        ):
            command = (*GUNICORN, application)
            running = server(*command, environment=environment | {"PORT": str(port)}, port=port)
            parent = servers.enter_context(running)
        for page in PAGES:
            rate(web, ask(page, cookie if PAGES[page] else ""), 0.5)  # fills caches
        for _ in range(rounds):
            for kind in ("", *STALLS):
                with stalling(kind, floor):
                    rates[kind, "empty"].append(rate(floor, ask("/"), seconds))
                with stalling(kind, web):
                    healthy[kind] = max(healthy[kind], *(health(web) for _ in range(5)))
                    for page, signed_in in PAGES.items() if healthy[kind] <= HEALTHY_S else ():
                        request = ask(page, cookie if signed_in else "")
                        rates[kind, page].append(rate(web, request, seconds))
        peak = Peak(parent)
        took, complete = upload(web, cookie, Path(folder, "uploads"))
        grown = peak.growth()
    say(rates, healthy)
    print(
        f"Upload of {FILE_MB} MB: {took:.1f} s, memory of the processes +{grown:.0f} MB,", end=" "
    )
    print("arrived complete" if complete else "INCOMPLETE")
    return int(not complete or max(healthy.values()) > HEALTHY_S)


def say(rates: dict[tuple[str, str], list[float]], healthy: dict[str, float]) -> None:
    """Print requests per second, with ratios to the empty application and to no stalled clients."""
    print(f"{'stalled clients':<28}{'slowest /healthz':>18}", end="")
    print("".join(f"{page:>28}" for page in ("empty", *PAGES)))
    for kind in ("", *STALLS):
        named = f"{STALLED} x {kind}" if kind else "none"
        print(f"{named:<28}{healthy[kind]:>16.2f} s", end="")
        for page in ("empty", *PAGES):
            if not rates[kind, page]:
                print(f"{'not measured':>28}", end="")
                continue
            here, alone, floor = (
                statistics.median(rates[place])
                for place in ((kind, page), ("", page), (kind, "empty"))
            )
            print(f"{f'{here:,.0f} ({here / floor:.3f}, {here / alone:.2f})':>28}", end="")
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(measure(asked.seconds, asked.rounds))


if __name__ == "__main__":
    main()
