"""`make bench-faults`: how much longer a campaign takes where the gateway fails and workers die.

6,000 recipients, until the campaign is finished and the ledger is the gateway's bill: without
faults, and with 5 % of the answers to requests lost, 5 % HTTP 500 and 5 % HTTP 429 on status calls,
and three workers killed. The ratio is to what that may take: TARGET times as long, and a lease for
each death. PostgreSQL is measured where TEST_DATABASE_URL or the local standard port answers.
"""

import re
import subprocess
import sys

from tests.benchmarks.bench_dispatch import say
from tests.platforms import POSTGRESQL, trouble

RECIPIENTS, DEATHS, TARGET = 6_000, 3, 3
LEASE = 90  # seconds, as in campaigns/dispatch/send/leases.py
FAULTS = "lost=5,status_http500=5,status_http429=5"


def seconds_of(database: str, faults: str, kills: int) -> float:
    """How long one run takes. Raises RuntimeError where anything came out wrong."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", f"--database={database}", "--machines=1",
         f"--recipients={RECIPIENTS}", f"--only={faults}", f"--kills={kills}", "--every=1",
         "--restarts=0", "--victims=task", "--minutes=30"],
        stdout=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    seconds = re.search(r"^  seconds +([\d,]+)$", ended.stdout, re.MULTILINE)
    if ended.returncode or not seconds:
        raise RuntimeError(ended.stdout)
    return float(seconds.group(1).replace(",", ""))


def measure(name: str, database: str) -> None:
    undisturbed = seconds_of(database, "", 0)
    say(f"{name}: without faults", f"{undisturbed:,.0f} s")
    disturbed = seconds_of(database, FAULTS, DEATHS)
    allowed = TARGET * undisturbed + DEATHS * LEASE
    say(
        f"{name}: with faults and {DEATHS} deaths",
        f"{disturbed:,.0f} s",
        f"{disturbed / allowed:.2f} of 1",
    )


def main() -> None:
    say(f"{RECIPIENTS:,} recipients", "time", "of what it may take")
    measure("SQLite", "sqlite")
    if why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
    else:
        measure("PostgreSQL", POSTGRESQL)


if __name__ == "__main__":
    main()
