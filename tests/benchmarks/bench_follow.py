"""`make bench-follow`: how well polling uses its connections, as ratios to connections / latency.

A stand-in gateway answers each status call after 100 ms. Batches of 50 messages are due, of which
all or only five are open. PostgreSQL is measured where TEST_DATABASE_URL or the local standard port
answers.
"""

import time

from tests.benchmarks.bench_dispatch import engine, gateway, say
from tests.platforms import POSTGRESQL, trouble

LATENCY = 100  # milliseconds
TARGET = 0.85


def measure(name: str, database_url: str) -> None:
    with gateway(LATENCY) as port:
        figures = engine(database_url, port, module="follow_engine")
    for what, rate in figures.items():
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
