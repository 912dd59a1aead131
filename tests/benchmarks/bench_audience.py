"""`make bench-audience`: what counting an audience costs, as ratios to one bare pass over it, and
the pages that show the figures, with 1,000,000 contacts on two lists, on SQLite and PostgreSQL.

The bare pass is one statement that makes the same selection by hand, counts it, and adds up the
lengths of the merge values that the message uses. PostgreSQL is measured where TEST_DATABASE_URL or
the local standard port answers. `--contacts` takes another number, `--only sqlite` or `--only
postgresql` one of them.
"""

import argparse
import tempfile
from pathlib import Path

from tests.benchmarks.bench_import import engine, say
from tests.platforms import POSTGRESQL, trouble

LIMITS = {
    "measured": (1.5, "of {} bare passes"),
    "count_alone": (None, ""),
    "page_first": (2.5, "of {} s"),
    "page_again": (0.2, "of {} s"),
    "held": (1.0, "of {} s"),
}


def measure(name: str, database_url: str, folder: Path, contacts: int) -> None:
    """Print what was measured."""
    result = engine(database_url, folder, str(contacts), module="audience_engine")
    for what, value in result.items():
        kind = what.partition(".")[0]
        limit, text = LIMITS.get(kind, (None, ""))
        missed = limit is not None and value > limit
        figure = f"{value:,.2f}" if kind in ("measured", "count_alone") else f"{value:,.2f} s"
        shown = what.partition(".")[2].replace("_", " ")
        say(f"{name}: {shown}", figure, text.format(limit) + ("  MISSED" if missed else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"), default="")
    asked = parser.parse_args()
    say("what", "figure", "its limit")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if asked.only != "postgresql":
            measure("SQLite", f"sqlite:///{folder}/bench.sqlite3", folder, asked.contacts)
        if asked.only == "sqlite":
            return
        if why := trouble(POSTGRESQL):
            say(f"PostgreSQL: not measured, {why}", "")
        else:
            measure("PostgreSQL", POSTGRESQL, folder, asked.contacts)


if __name__ == "__main__":
    main()
