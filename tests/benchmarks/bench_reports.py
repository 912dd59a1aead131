"""What the pages that report cost with millions of recipients, as ratios within one run, each with
its target.

Each page is asked for in turn of a database with 100,000 recipients and of the large one, so that
whatever else the machine does meets both. PostgreSQL is measured where it answers at
TEST_DATABASE_URL or at the local standard port, SQLite always. Exit status 1 where a target is
missed. `--recipients 1000000` for the short form.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import IO, cast

from tests.platforms import POSTGRESQL, trouble

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = 100_000  # recipients, to compare with
TIMES = 30  # each page is asked for in each database
PAGE_MS, PAGE_GROWTH, UPKEEP, MEMORY_MB = 150.0, 1.5, 0.2, 16.0
missed: list[str] = []


class Engine:
    """`tests.benchmarks.report_engine` in a process and a database of its own; it answers a line
    with a line.
    """

    def __init__(self, database_url: str, name: str, *arguments: str) -> None:
        environment = os.environ | {
            "DATABASE_URL": database_url, "BSG_API_URL": "http://127.0.0.1:9/rest",
            "BSG_API_KEY": "live_benchmark", "SECRET_KEY": "benchmarks" * 8, "DEBUG": "false",
            "LOG_LEVEL": "ERROR", "ENV_FILE": os.devnull,
            "TEST_DATABASE_NAME": f"test_viberdash_reports_{name}", "REDIS_URL": "",
            "ALLOWED_HOSTS": "testserver", "PYTHONWARNINGS": "ignore", "FRESH_MINUTES": "1440",
            "DJANGO_SETTINGS_MODULE": "viberdash.settings",
        }  # fmt: skip
        command = [sys.executable, "-m", "tests.benchmarks.report_engine", *arguments]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True
        )
        self.made_in = float(self.listen())

    def listen(self) -> str:
        line = cast("IO[str]", self.process.stdout).readline()
        if not line:
            sys.exit(f"The engine ended with status {self.process.wait()}")
        return line.strip()

    def ask(self, what: str) -> str:
        print(what, file=cast("IO[str]", self.process.stdin), flush=True)
        return self.listen()

    def figures(self, what: str) -> dict[str, float]:
        """What it answers as name=value."""
        pairs = (pair.split("=") for pair in self.ask(what).split())
        return {name: float(value) for name, value in pairs}

    def close(self) -> None:
        cast("IO[str]", self.process.stdin).close()
        self.process.wait()


@contextmanager
def engine(database_url: str, name: str, *arguments: str) -> Iterator[Engine]:
    made = Engine(database_url, name, *arguments)
    try:
        yield made
    finally:
        made.close()


def say(what: str, figure: str, ratio: str = "", good: bool = True) -> None:
    if not good:
        missed.append(what)
    print(f"{what:<58}{figure:>32}{ratio:>22}{'' if good else '  MISSED'}", flush=True)


def measure(name: str, address: str, small_address: str, recipients: int, times: float) -> None:
    with (
        engine(small_address, "small", str(SMALL)) as small,
        engine(address, "large", str(recipients)) as large,
    ):
        say(f"{name}: rows for {recipients:,} recipients made in", f"{large.made_in:,.0f} s")
        for page in large.ask("pages").split():
            _measure_page(name, page, small, large)
        figures = large.figures("rest")
    result = figures["totals.times"]
    say(
        f"{name}: totals, against the entries",
        f"{result:,.0f} times",
        f"of {times:.0f}",
        result >= times,
    )
    share = figures["upkeep.share"]
    say(
        f"{name}: upkeep of the totals, of the insert",
        f"{share:.1%}",
        f"of {UPKEEP:.0%}",
        share <= UPKEEP,
    )
    for kind in ("csv", "xlsx"):
        grown = figures[f"export.{kind}.memory"]
        figure = f"{figures[f'export.{kind}.rows']:,.0f} at {figures[f'export.{kind}.rate']:,.0f}/s"
        say(
            f"{name}: rows as {kind}, memory",
            figure,
            f"{grown:.1f} MB of {MEMORY_MB:.0f}",
            grown <= MEMORY_MB,
        )


def _measure_page(name: str, page: str, small: Engine, large: Engine) -> None:
    """Its 95th percentile, and how much longer it takes than with SMALL recipients, at the
    median.
    """
    for one in (small, large):
        one.ask(page)  # warm
    pairs = [(float(small.ask(page)), float(large.ask(page))) for _ in range(TIMES)]
    before, now = (median(side) for side in zip(*pairs, strict=True))
    slow, growth = quantiles((pair[1] for pair in pairs), n=20)[-1], now / before
    figure = f"p95 {slow:.0f} ms of {PAGE_MS:.0f}, median {now:.0f}"
    good = slow <= PAGE_MS and growth <= PAGE_GROWTH
    say(f"{name}: page {page}", figure, f"{growth:.2f} of {PAGE_GROWTH}", good)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000_000)
    parser.add_argument("--sqlite-recipients", type=int, default=2_000_000)
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    asked = parser.parse_args()
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    say("what", "figure, of its limit", "ratio, of its limit")
    if asked.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            base = f"sqlite:///{folder}"
            recipients = min(asked.sqlite_recipients, asked.recipients)
            measure("SQLite", f"{base}/large.sqlite3", f"{base}/small.sqlite3", recipients, 25)
    if asked.only == "sqlite":
        pass
    elif why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
    else:
        measure("PostgreSQL", POSTGRESQL, POSTGRESQL, asked.recipients, 50)
    print(f"Load after: {os.getloadavg()[0]:.1f}")
    if missed:
        print("Missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
