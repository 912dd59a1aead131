"""`make bench-cap`: how fast an audience freezes with a frequency cap, as a ratio to without.

Everybody has two messages of four earlier campaigns, and may get three: all are counted, and nobody
is left out. Then they may get two, and everybody is left out.
"""

import argparse

from tests.benchmarks.bench_dispatch import engine, say
from tests.platforms import POSTGRESQL, trouble

WANTED = 0.7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    people = parser.parse_args().people
    say("what", "figure", "ratio of its target")
    engines = {"SQLite": "", "PostgreSQL": POSTGRESQL}
    if why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
        del engines["PostgreSQL"]
    for name, database_url in engines.items():
        ours = engine(database_url, 0, str(people), module="frequency_cap_engine")
        say(f"{name}: freeze of {people:,} without a cap", f"{ours['without']:,.0f}/s")
        ratio = f"{ours['capped'] / ours['without']:.2f} of {WANTED}"
        say(f"{name}: the same with a cap", f"{ours['capped']:,.0f}/s", ratio)
        say(f"{name}: contacts who have all reached it", f"{ours['nobody']:,.0f}/s")


if __name__ == "__main__":
    main()
