"""`make bench-contacts`: pages of lists and searches for people with 5,000,000 contacts, on SQLite
and PostgreSQL.

PostgreSQL is measured where TEST_DATABASE_URL or the local standard port answers. `--people` takes
another number, `--only sqlite` or `--only postgresql` one of them. Exit status 1 where a page is
slower than its limit.
"""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.bench_import import engine, say
from tests.platforms import POSTGRESQL, trouble

LIMIT = 150  # ms at the 95th percentile


def measure(name: str, database_url: str, folder: Path, people: int) -> None:
    """Print what was measured, and what missed its limit."""
    result = engine(database_url, folder, str(people), module="contacts_engine")
    say(f"{name}: {people:,} people written", f"{result.pop('written'):,.0f} s")
    say(
        f"{name}: put into the index that searches use, by a worker",
        f"{result.pop('indexed'):,.0f} s",
    )
    medians = {
        kind: result.pop(f"{kind}.median") for kind in list(result) if f"{kind}.median" in result
    }
    for kind, median in medians.items():
        missed = "  MISSED" if result[kind] > LIMIT else ""
        figure = f"{median:,.0f}, {result[kind]:,.0f} ms"
        say(
            f"{name}: {kind.replace('_', ' ')}: median, 95 of 100 within",
            figure,
            f"of {LIMIT} ms{missed}",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default="")
    asked = parser.parse_args()
    say("what", "figure", "its limit")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != "postgresql":
            measure("SQLite", f"sqlite:///{folder}/bench.sqlite3", folder, asked.people)
        if asked.only == "sqlite":
            return
        if why := trouble(POSTGRESQL):
            say(f"PostgreSQL: not measured, {why}", "")
        else:
            measure("PostgreSQL", POSTGRESQL, folder, asked.people)


if __name__ == "__main__":
    main()
