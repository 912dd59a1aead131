"""What the pages that report cost with millions of recipients, as ratios within one run, each with its target.

PostgreSQL is measured where it answers at TEST_DATABASE_URL or at the local standard port, SQLite always. Exit status 1
where a target is missed. `--recipients 1000000` for the short form.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.platforms import POSTGRESQL, trouble

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = 100_000  # recipients, to compare with
PAGE_MS, PAGE_GROWTH, UPKEEP, MEMORY_MB = 150.0, 1.5, 0.2, 16.0
QUICK_MS = 10.0  # what a page may grow by whatever it took; less is the noise of a machine that does other things
Figures = dict[str, float]
missed: list[str] = []


def engine(database_url: str, recipients: int, *arguments: str) -> Figures:
    """What `tests.benchmarks.report_engine` measures in a process and a database of its own."""
    environment = os.environ | {
        "DATABASE_URL": database_url, "BSG_API_URL": "http://127.0.0.1:9/rest", "BSG_API_KEY": "test_benchmark",
        "SECRET_KEY": "benchmark" * 8, "DEBUG": "false", "LOG_LEVEL": "ERROR", "ENV_FILE": os.devnull,
        "TEST_DATABASE_NAME": "test_viberdash_reports", "REDIS_URL": "", "ALLOWED_HOSTS": "testserver",
        "PYTHONWARNINGS": "ignore", "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.benchmarks.report_engine", str(recipients), *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return {name: float(value) for name, value in (line.split("=") for line in done.stdout.split())}


def say(what: str, figure: str, ratio: str = "", good: bool = True) -> None:
    if not good:
        missed.append(what)
    print(f"{what:<58}{figure:>22}{ratio:>26}{'' if good else '  MISSED'}", flush=True)


def measure(name: str, address: str, small_address: str, recipients: int, times: float) -> None:
    small = engine(small_address, SMALL, "--pages-only")
    large = engine(address, recipients)
    say(f"{name}: rows for {recipients:,} recipients made in", f"{large['made.seconds']:,.0f} s")
    for page in (key[5:-7] for key in large if key.startswith("page.") and key.endswith(".median")):
        _say_page(name, page, small, large)
    found = large["totals.times"]
    say(f"{name}: totals, against the entries", f"{found:,.0f} times", f"of {times:.0f}", found >= times)
    share = large["upkeep.share"]
    say(f"{name}: upkeep of the totals, of the insert", f"{share:.1%}", f"of {UPKEEP:.0%}", share <= UPKEEP)
    for kind in ("csv", "xlsx"):
        grown = large[f"export.{kind}.memory"]
        figure = f"{large[f'export.{kind}.rows']:,.0f} at {large[f'export.{kind}.rate']:,.0f}/s"
        say(f"{name}: rows as {kind}, memory", figure, f"{grown:.1f} MB of {MEMORY_MB:.0f}", grown <= MEMORY_MB)


def _say_page(name: str, page: str, small: Figures, large: Figures) -> None:
    slow, middle = large[f"page.{page}.p95"], large[f"page.{page}.median"]
    best, before = large[f"page.{page}.best"], small[f"page.{page}.best"]
    good = slow <= PAGE_MS and (best <= PAGE_GROWTH * before or best - before < QUICK_MS)
    figure = f"{middle:.0f} ms, p95 {slow:.0f} ms"
    say(f"{name}: page {page}", figure, f"{best / before:.2f} of {PAGE_GROWTH}", good)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000_000)
    parser.add_argument("--sqlite-recipients", type=int, default=2_000_000)
    parser.add_argument("--only", choices=["postgresql", "sqlite"])
    asked = parser.parse_args()
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    say("what", "figure", "of its target")
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
        sys.exit("Missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
