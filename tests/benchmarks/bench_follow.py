"""`make bench-follow`: how well polling uses its connections, as ratios to connections / latency.

A stand-in gateway answers each status call after 100 ms. Batches of 50 messages are due, of which
all or only five are open. Then questions of each kind are due at once, beside 1,000,000 messages
that are not: how late the last of each kind is asked, as a ratio to backlog / rate. PostgreSQL is
measured where TEST_DATABASE_URL or the local standard port answers.
"""

import time

from tests.benchmarks.bench_dispatch import engine, gateway, say
from tests.platforms import POSTGRESQL, trouble

LATENCY = 100  # milliseconds
TARGET, LATENESS = 0.85, 1.2


def measure(name: str, database_url: str) -> None:
    with gateway(LATENCY) as port:
        figures = engine(database_url, port, module="follow_engine")
    for what, rate in figures.items():
        if what.startswith("late:"):
            kind = what.removeprefix("late:").replace("_", " ")
            say(f"{name}: the last question of the kind: {kind}", "", f"{rate:.2f} of {LATENESS}")
            continue
        connections, people = what.split("x")
        floor = int(connections) * 1000 / LATENCY
        text = f"{name}: {connections} connections, {people} open in each batch"
        say(text, f"{rate:,.0f}/s", f"{rate / floor:.2f} of {TARGET}")


def main() -> None:
    started = time.monotonic()
    say("status calls", "rate", "of its connections")
    measure("SQLite", "")
    if why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
    else:
        measure("PostgreSQL", POSTGRESQL)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
