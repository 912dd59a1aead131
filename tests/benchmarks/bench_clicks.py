"""How fast tracked links are answered while a campaign is sent, as ratios to an empty view of the
same server and to an empty application, and how late the slowest answers are.

An installation on SQLite with WEB_WORKERS=2 and WEB_THREADS=4, and a gateway that takes everything.
A process sends a campaign with tracked links all the time. For the rate CLIENTS requests run at
once, each on a new connection; for the 99th percentile one after another. Each link is opened by
somebody else. Exit status 1 below RATIO, above LATEST_MS, or if a click was not stored.
"""

import argparse
import json
import os
import secrets
import selectors
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle

from tests.benchmarks.bench_reports_flood import ROOT, free_port, server
from tests.benchmarks.bench_web import CLIENTS, GUNICORN, settings

RATIO, LATEST_MS = 0.7, 20.0
SECONDS, ROUNDS = 5.0, 3
OPENED, SENT = 2_000, 500_000  # recipients whose links are opened; who are sent to meanwhile
AGENT = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0 Mobile"


def ask(path: str) -> bytes:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {AGENT}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode()


def rate(port: int, requests: Iterator[bytes], seconds: float, answers: Counter[int]) -> float:
    """Requests per second, CLIENTS of them at once, each until the server closes its connection."""
    before = answers[port]
    with selectors.DefaultSelector() as waiting:

        def begin() -> None:
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(next(requests))
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
                check(bytes(key.data))
                answers[port] += 1
                waiting.unregister(client)
                client.close()
                begin()
        passed = time.perf_counter() - start
        for key in [*waiting.get_map().values()]:
            key.fileobj.close()  # type: ignore[union-attr]
    return (answers[port] - before) / passed


def check(answer: bytes) -> None:
    assert answer[9:12] in (b"200", b"302"), answer[:200]


def milliseconds(port: int, requests: Iterator[bytes], seconds: float) -> list[float]:
    """Of each request, one after another."""
    took = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        start = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(next(requests))
            answer = b""
            while piece := client.recv(1 << 16):
                answer += piece
        took.append((time.perf_counter() - start) * 1000)
        check(answer)
    return took


def p99(took: list[float]) -> float:
    return statistics.quantiles(took, n=100)[-1]


# what runs in processes of its own, with the database


def prepare() -> None:
    """Two campaigns, one to be opened and one to be sent; print the paths of the links."""
    import django

    django.setup()
    from datetime import timedelta

    from django.utils import timezone

    from campaigns.compose.launch import lifecycle
    from campaigns.compose.message.tracking.codes import link_codes
    from campaigns.dispatch.freeze.recipients import freeze
    from campaigns.dispatch.models import Batch, Recipient
    from tests.benchmarks.dispatch_engine import contacts
    from tests.dispatch import factory

    button = {"button_caption": "Open", "button_url": "https://shop.example.com/?utm_source=viber"}
    hour = timedelta(hours=1)
    for people in (OPENED, SENT):
        campaign = factory.draft(contacts(people), text="Hi https://shop.example.com/a", **button)
        lifecycle.launch(campaign.pk, None)
        freeze(campaign.pk, timezone.now() + hour)
        if people == OPENED:
            Batch.objects.update(state="done", first_sent_at=timezone.now() - hour)
            Recipient.objects.update(send_state="accepted")
            references = list(Recipient.objects.values_list("reference", flat=True))
    codes = link_codes()
    print(json.dumps([f"/l/{codes.code(reference, 0)}" for reference in references]))


def send() -> None:
    """Send until killed, or until everybody is sent to."""
    import django

    django.setup()
    from datetime import timedelta

    from django.utils import timezone

    from campaigns.dispatch.send.sender import BatchSender
    from campaigns.gateway.bsg.client import client_in_use

    print("sending", flush=True)
    BatchSender(client_in_use(), 4, timezone.now() + timedelta(hours=1)).run()


def count() -> None:
    """Print how many were sent to and how many clicks are stored."""
    import django

    django.setup()
    from campaigns.dispatch.models import Recipient
    from campaigns.engagement.models import Click

    accepted = Recipient.objects.filter(send_state="accepted").count() - OPENED
    print(json.dumps([accepted, Click.objects.count(), Click.objects.filter(machine="").count()]))


def engine(step: str, environment: dict[str, str]) -> list[str]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_clicks", f"--{step}"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    told: list[str] = json.loads(done.stdout.splitlines()[-1])
    return told


@contextmanager
def running(*module: str, environment: dict[str, str]) -> Iterator[None]:
    """A process that says a line when it is ready."""
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield
        finally:
            process.terminate()


def measure(seconds: float, rounds: int) -> int:
    web, floor, gateway = free_port(), free_port(), free_port()
    answers = Counter[int]()
    rates, took = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        environment = settings(folder) | {
            "BSG_API_URL": f"http://127.0.0.1:{gateway}/rest",
            "DEBUG": "false", "SECRET_KEY": secrets.token_urlsafe(50),
        }  # fmt: skip
        migrate = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        paths = engine("prepare", environment)
        links = cycle([ask(path) for path in paths])
        view, application = cycle([ask("/nothing")]), cycle([ask("/")])
        stand_in = ("tests.benchmarks.stand_in", str(gateway))
        processes.enter_context(running(*stand_in, environment=environment))
        for port, served in (
            (floor, "tests.benchmarks.bench_web:empty"),
            (web, "tests.benchmarks.empty_page:application"),
        ):
            at_port = environment | {"PORT": str(port)}
            processes.enter_context(server(*GUNICORN, served, environment=at_port, port=port))
        rate(web, links, 1, answers)
        sending = ("tests.benchmarks.bench_clicks", "--send")
        start = time.perf_counter()
        with running(*sending, environment=environment):
            for _ in range(rounds):
                for name, port, requests in (
                    ("application", floor, application),
                    ("view", web, view),
                    ("link", web, links),
                ):
                    of = answers if name == "link" else Counter[int]()
                    rates[name].append(rate(port, requests, seconds, of))
                    took[name] += milliseconds(port, requests, seconds)
            passed = time.perf_counter() - start
        time.sleep(2)  # what the guarantee says
        accepted, stored, people = map(int, engine("count", environment))
    opened = answers[web] + len(took["link"])
    return say(rates, took, accepted / passed, opened, stored, people)


def say(
    rates: dict[str, list[float]],
    took: dict[str, list[float]],
    sent: float,
    opened: int,
    stored: int,
    people: int,
) -> int:
    """The figures; 1 where they miss the targets."""
    best = {name: statistics.median(each) for name, each in rates.items()}
    ratio, late = best["link"] / best["view"], p99(took["link"])
    print(f"{sent:,.0f} recipients a second were sent to meanwhile")
    for name in ("application", "view"):
        print(
            f"empty {name}: {best[name]:,.0f} a second, 99 % within {p99(took[name]):.1f} ms;"
            f" links {best['link'] / best[name]:.2f} times"
        )
    print(f"links: {best['link']:,.0f} a second = {ratio:.2f} times a view (at least {RATIO})")
    print(f"links: 99 % within {late:.1f} ms (at most {LATEST_MS:.0f} ms)")
    print(f"{opened:,} links were opened, {stored:,} clicks stored, {people:,} of people")
    return int(ratio < RATIO or late > LATEST_MS or stored < opened)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    for step in (prepare, send, count):
        parser.add_argument(
            f"--{step.__name__}", action="store_const", const=step, dest="step",
            help=argparse.SUPPRESS,
        )  # fmt: skip
    asked = parser.parse_args()
    if asked.step:
        asked.step()
        return
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(measure(asked.seconds, asked.rounds))


if __name__ == "__main__":
    main()
