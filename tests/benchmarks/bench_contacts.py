"""`make bench-contacts`: pages of lists and searches for people with 5,000,000 contacts, on SQLite and PostgreSQL.

PostgreSQL is measured where TEST_DATABASE_URL or the local standard port answers. `--people` takes another number.
"""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.bench_import import engine, say
from tests.platforms import POSTGRESQL, trouble

LIMIT = 150  # ms at the 95th percentile


def measure(name: str, database_url: str, folder: Path, people: int) -> None:
    found = engine(database_url, folder, str(people), module="contacts_engine")
    say(f"{name}: {people:,} people written", f"{found.pop('written'):,.0f} s")
    say(f"{name}: put into the index that searches use, by a worker", f"{found.pop('indexed'):,.0f} s")
    for kind, milliseconds in found.items():
        say(f"{name}: {kind.replace('_', ' ')}, 95 of 100 within", f"{milliseconds:,.0f} ms", f"of {LIMIT} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=5_000_000)
    people = parser.parse_args().people
    say("what", "figure", "its limit")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure("SQLite", f"sqlite:///{folder}/bench.sqlite3", folder, people)
        if why := trouble(POSTGRESQL):
            say(f"PostgreSQL: not measured, {why}", "")
        else:
            measure("PostgreSQL", POSTGRESQL, folder, people)


if __name__ == "__main__":
    main()
