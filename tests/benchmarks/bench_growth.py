"""What an installation becomes with the years on PostgreSQL: its pages with 30 million recipients
against 10 million, and the bytes that a million messages take.

Both have campaigns of 100,000 to 500,000 recipients at the same pace, so the larger one is just
older. Each page is requested from both in turn. The blocks that a page reads are printed beside
its times: they do not depend on what else the machine does. PostgreSQL is where TEST_DATABASE_URL
says or at the local standard port; 35 GB have to be free. Exit status 1 where a page misses the
limit. `--recipients 500000` for the short form, whose campaigns are smaller.
"""

import argparse
import os
import sys
from statistics import median, quantiles

from tests.benchmarks import bench_dispatch
from tests.benchmarks.bench_reports import Engine, engine
from tests.platforms import POSTGRESQL, trouble

TIMES_AS_OLD = 3
LIMIT = 1.2  # of the 95th percentile
PARTS = 10  # of the smaller installation, which has 40 campaigns
TIMES = 40  # each page is requested from each
MESSAGES = 1_000_000
MB = 1_000_000
LIVE_CAMPAIGNS, LIVE_PEOPLE = 4, 25_000


def say(what: str, figure: str, blocks: str = "", ratio: str = "") -> None:
    print(f"{what:<44}{figure:>40}{blocks:>24}{ratio:>20}", flush=True)


def measure_page(page: str, younger: Engine, older: Engine) -> bool:
    """Whether it keeps its limit."""
    for one in (younger, older):
        one.ask(page)  # warm
    starts = [one.figures("blocks")["blocks"] for one in (younger, older)]
    pairs = [(float(younger.ask(page)), float(older.ask(page))) for _ in range(TIMES)]
    read = [
        (one.figures("blocks")["blocks"] - start) / TIMES
        for one, start in zip((younger, older), starts, strict=True)
    ]
    sides = list(zip(*pairs, strict=True))
    before, now = (quantiles(side, n=20)[-1] for side in sides)
    medians = " ".join(f"{median(side):.0f}" for side in sides)
    good = bool(now / before <= LIMIT)
    say(
        f"page {page}",
        f"p95 {before:.0f} {now:.0f} ms, median {medians}",
        f"blocks {read[0]:,.0f} {read[1]:,.0f}",
        f"{now / before:.2f} of {LIMIT}{'' if good else '  MISSED'}",
    )
    return good


def say_sizes(younger: Engine, older: Engine, messages: int) -> None:
    """What a million messages add, by table and index, as written once and never changed."""
    before, now = younger.figures("sizes"), older.figures("sizes")
    added = {
        name: (size - before.get(name, 0)) * MESSAGES / messages / MB for name, size in now.items()
    }
    for name, size in sorted(added.items(), key=lambda item: -item[1]):
        if size >= 0.1:
            say(f"a million messages: {name}", f"{size:,.1f} MB")


def say_live_sizes() -> None:
    """The same as sending and polling leave the rows, and with new indexes, and compacted."""
    with bench_dispatch.gateway() as port:
        bytes_each = bench_dispatch.engine(
            POSTGRESQL, port, str(LIVE_CAMPAIGNS), str(LIVE_PEOPLE), module="live_rows_engine"
        )
    for name, size in bytes_each.items():
        say(f"a million messages, {name}", f"{size * MESSAGES / MB:,.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=10_000_000, help="of the younger one")
    recipients: int = parser.parse_args().recipients
    if why := trouble(POSTGRESQL):
        sys.exit(f"PostgreSQL: {why}")
    print(f"Load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    say_live_sizes()
    part = ("--part", str(recipients // PARTS))
    older_has = recipients * TIMES_AS_OLD
    with (
        engine(POSTGRESQL, "younger", str(recipients), *part) as younger,
        engine(POSTGRESQL, "older", str(older_has), *part) as older,
    ):
        say(f"rows for {older_has:,} recipients made in", f"{older.made_in:,.0f} s")
        say_sizes(younger, older, older_has - recipients)
        missed = [
            page for page in older.ask("pages").split() if not measure_page(page, younger, older)
        ]
    print(f"Load after: {os.getloadavg()[0]:.1f}")
    if missed:
        sys.exit(f"Missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
