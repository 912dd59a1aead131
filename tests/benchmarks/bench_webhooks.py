"""`make bench-webhooks`: how much slower a campaign is sent where a webhook wants every message.

Senders, stand-in gateway, target and deliverer share this machine. Runs with and without a webhook
take turns, and the median counts. PostgreSQL is measured where it answers at TEST_DATABASE_URL or
at the local standard port.
"""

import argparse
import base64
import os
import statistics

from tests.benchmarks.bench_dispatch import engine, gateway, say
from tests.platforms import POSTGRESQL, trouble

RATIO = 0.9


def measure(name: str, database_url: str, people: int, times: int) -> None:
    without: list[dict[str, float]] = []
    beside: list[dict[str, float]] = []
    for _time in range(times):
        for figures, arguments in ((without, []), (beside, ["--webhook"])):
            with gateway() as port:
                figures.append(
                    engine(database_url, port, str(people), *arguments, module="webhooks_engine")
                )
    plain = statistics.median(run["send"] for run in without)
    told = statistics.median(run["send"] for run in beside)
    say(f"{name}: sent to {people:,}, no webhook", f"{plain:,.0f}/s")
    say(
        f"{name}: the same, and a webhook is told of each message",
        f"{told:,.0f}/s",
        f"{told / plain:.2f} of {RATIO}",
    )
    events = statistics.median(run["events"] for run in beside)
    say(f"{name}: events delivered, from the first send to the last event", f"{events:,.0f}/s")
    rest = statistics.median(run["rest"] for run in beside)
    left = statistics.median(run["left"] for run in beside)
    say(f"{name}: of these after the last send ({left:,.0f} events)", f"{rest:,.0f}/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=1, help="how often each is measured")
    parser.add_argument("--only", choices=["SQLite", "PostgreSQL"])
    asked = parser.parse_args()
    os.environ["KEY_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    os.environ["WEBHOOK_INTERNAL_TARGETS"] = "127.0.0.1"
    say("what", "figure", "ratio of its target")
    engines = {"SQLite": "", "PostgreSQL": POSTGRESQL}
    if why := trouble(POSTGRESQL):
        say(f"PostgreSQL: not measured, {why}", "")
        del engines["PostgreSQL"]
    for name, database_url in engines.items():
        if asked.only in (None, name):
            measure(name, database_url, asked.people, asked.times)


if __name__ == "__main__":
    main()
