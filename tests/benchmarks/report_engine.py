"""One engine at one size for bench_reports, in a database of its own that is dropped after.

Makes the rows and says in how many seconds; then answers each line of its standard input with one:
"pages" with their names, the name of a page with the milliseconds it took, "rest" with all other
figures as name=value. On PostgreSQL also "sizes" with the bytes of relations, and "blocks" with how
many blocks of tables and indexes all pages so far have read. With --part the campaigns are those of
`report_rows.make_steady`.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import count, cycle, islice
from statistics import median, quantiles
from typing import Any
from unittest.mock import patch

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.db.models import Count, Min, Sum  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.compose.models import Campaign  # noqa: E402
from campaigns.ledger.entries import Movement, write_entries  # noqa: E402
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal  # noqa: E402
from campaigns.reports.campaign.recipients import (  # noqa: E402
    EXPORT_COLUMNS,
    FILTERS,
    GROUPS,
    RecipientQuery,
    export_rows,
)
from campaigns.reports.spend.spending import GROUPINGS  # noqa: E402
from campaigns.shared.table_columns import Cell  # noqa: E402
from campaigns.shared.table_export import FILES  # noqa: E402
from campaigns.team.models import User  # noqa: E402
from tests.benchmarks import report_rows  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402

PEOPLE = (400, 300, 300)  # in one transaction: what twenty answers of the gateway bring, by country
EXPORTED = 1_000_000  # rows
MIN = "msisdn__min"
SOME = 30  # of the campaigns
DAY = timedelta(days=1)
STEADY_PERIOD = 58 * DAY  # of pages of a period: as long as the smaller installation is old

Figures = dict[str, float]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def addresses(campaign: Campaign, since: date) -> Iterator[tuple[str, str]]:
    """The pages that report, by name: of that campaign, and of all days from `since` on."""
    now = timezone.now()
    page, days = f"/campaigns/{campaign.pk}/", f"from={since}&to={now.year}-12-31"
    first_phone = int(campaign.recipients.filter(batch_number=1).aggregate(Min("msisdn"))[MIN])
    yield from (
        ("dashboard", "/"),
        ("dashboard-now", "/dashboard/now"),
        ("campaigns", "/campaigns/"),
    )
    yield "campaigns-sorted", "/campaigns/?sort=-audience"
    yield "campaigns-searched", "/campaigns/?q=19"
    yield (
        "compare",
        "/campaigns/compare?" + "&".join(f"id={campaign.pk - back}" for back in range(6)),
    )
    yield "progress", f"{page}progress"
    yield from (
        (f"campaign-{tab}", f"{page}?tab={tab}")
        for tab in ("recipients", "countries", "message", "activity")
    )
    yield from (
        (f"recipients-{key}", f"{page}recipients?state={key}")
        for key in (*FILTERS, *GROUPS)
        if key != "queued"
    )
    yield "recipients-country", f"{page}recipients?country=DE"
    yield (
        "recipients-phone",
        f"{page}recipients?phone={first_phone + (campaign.audience or 0) // 2}",
    )
    middle = campaign.recipients.filter(batch_number=(campaign.audience or 0) // 100).values_list(
        "pk", flat=True
    )
    yield from (
        ("recipients-beginning", f"{page}recipients?phone={(first_phone + 12_000) // 1_000}"),
        ("best-times", "/campaigns/best-times"),
    )
    yield "recipients-why", f"{page}recipients?state=not_delivered&why=undeliverable"
    yield "recipients-deep", f"{page}recipients?at=a{(campaign.audience or 0) // 100}.{middle[0]}"
    yield from ((f"spend-{key}", f"/spend/?{days}&group={key}") for key in GROUPINGS)
    yield from (("spend-month-to-date", "/spend/"), ("forecast", "/spend/forecast/"))
    yield "reconciliation", "/spend/reconciliation/"
    yield "spend-filtered", f"/spend/?{days}&group=campaign&country=PL"
    entries = f"/spend/entries/?{days}&campaign={campaign.pk}"
    last = LedgerEntry.objects.filter(campaign=campaign).order_by("-day", "-pk")[0]
    yield from (("entries", entries), ("entries-country", f"{entries}&country=DE"))
    yield from (
        ("entries-sms", f"{entries}&channel=sms"),
        ("entries-deep", f"{entries}&at=b{last.day}.{last.pk}"),
    )
    yield "statement", f"/spend/statement/?month={now:%Y-%m}"


def addresses_of_growth(campaign: Campaign) -> Iterator[tuple[str, list[str]]]:
    """The pages that get slower first where rows add up, by name: another address each time, so
    that not all is in memory. `campaign` is the newest.
    """
    campaigns = list(Campaign.objects.filter(audience__gt=report_rows.SMALL_SIZE).order_by("pk"))
    some = [campaigns[len(campaigns) * place // SOME] for place in range(SOME)]
    for name, rest in (
        ("campaign-any", ""),
        ("recipients-any", "recipients"),
        ("recipients-any-by-sms", "recipients?state=fallback"),
        ("recipients-any-not-delivered", "recipients?state=not_delivered"),
        ("recipients-any-country", "recipients?country=PL"),
        ("export-recipients-any", "recipients.csv"),
    ):
        yield name, [f"/campaigns/{one.pk}/{rest}" for one in some]
    entries = [f"?{period_of(one)}&campaign={one.pk}" for one in some]
    yield "entries-any", [f"/spend/entries/{query}" for query in entries]
    yield "export-entries-any", [f"/spend/entries.csv{query}" for query in entries]
    people = [
        one.recipients.filter(batch_number=place + 1).values_list("msisdn", flat=True)[0]
        for place, one in enumerate(some)
    ]
    for name in ("person", "person-data"):
        yield name, [reverse(name, args=[phone]) for phone in people]
    everything = f"from={campaigns[0].launched_at:%Y-%m-%d}&to={timezone.now():%Y-%m-%d}"
    for group in ("month", "campaign", "country"):
        yield f"spend-ever-{group}", [f"/spend/?{everything}&group={group}"]
    yield "export-spend-ever", [f"/spend/export.csv?{everything}&group=month"]
    yield "calendar", ["/campaigns/calendar"]


def period_of(campaign: Campaign) -> str:
    """The day of its launch and the next one, for a query."""
    assert campaign.launched_at
    return f"from={campaign.launched_at:%Y-%m-%d}&to={campaign.launched_at + DAY:%Y-%m-%d}"


def ask(client: Client, address: str) -> float:
    """The milliseconds of a page, or until the first rows of a file."""
    start = time.perf_counter()
    answer: Any = client.get(address)
    if answer.streaming:
        list(islice(answer.streaming_content, 2))  # the mark of the encoding, and rows
    took = (time.perf_counter() - start) * 1000
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    answer.close()
    return took


def measure_totals() -> Figures:
    """What the spend page asks, of the totals and of the entries themselves."""
    keys = ("campaign", "currency", "channel", "kind")
    # what has no price yet is a sum of nothing in one and zero in the other
    known = {"currency": "EUR"}
    totals = LedgerTotal.objects.filter(**known).order_by().values_list(*keys)
    totals = totals.annotate(Sum("amount"), Sum("entries"))
    entries = LedgerEntry.objects.filter(**known).order_by().values_list(*keys)
    entries = entries.annotate(Sum("amount"), Count("pk"))
    assert set(totals.all()) == set(entries.all())
    quick = median(seconds(lambda: list(totals.all())) for _ in range(9))
    slow = median(seconds(lambda: list(entries.all())) for _ in range(3))
    return {"totals.times": slow / quick}


def measure_upkeep() -> Figures:
    """Entries with their totals and without, in turn, in the sizes that sending writes."""
    people = count(10**12)

    def write() -> None:
        with transaction.atomic():
            write_entries(
                [
                    Movement(
                        Kind.CHARGE, Channel.VIBER, 1, country, "EUR",
                        [(next(people), Decimal("0.0234567")) for _ in range(number)],
                    )
                    for country, number in zip(("UA", "PL", "DE"), PEOPLE, strict=True)
                ],
                timezone.now(),
            )  # fmt: skip

    def write_bare() -> None:
        with patch("campaigns.ledger.entries.bulk.upsert"):
            write()

    write()
    pairs = [(seconds(write_bare), seconds(write)) for _ in range(100)]
    bare, kept = (quantiles(side, n=4)[0] for side in zip(*pairs, strict=True))
    return {"upkeep.share": kept / bare - 1}


def memory() -> float:
    """The largest this process has been, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_export(campaign: Campaign, kind: str, rows: int) -> Figures:
    """The recipients as a file: how fast, and what memory grows by after the first tenth of it."""
    before = 0.0

    def read() -> Iterator[tuple[Cell, ...]]:
        nonlocal before
        for number, row in enumerate(
            islice(export_rows(campaign, RecipientQuery(), masked=False), rows), start=1
        ):
            if number == rows // 10:
                before = memory()
            yield row

    start = time.perf_counter()
    answer = FILES[kind]("recipients", EXPORT_COLUMNS, read())
    size = sum(map(len, answer))
    rate = rows / (time.perf_counter() - start)
    answer.close()
    assert size > rows
    return {
        f"export.{kind}.rows": rows,
        f"export.{kind}.rate": rate,
        f"export.{kind}.memory": memory() - before,
    }


def made(recipients: int, part: int) -> Campaign:
    """The rows, as a database has them that has had time to look at them; the largest campaign, or
    the newest of steady ones.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            make = report_rows.make
            campaign = report_rows.make_steady(recipients, part) if part else make(recipients)
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("PRAGMA synchronous = OFF")
            campaign = report_rows.make(recipients)
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA synchronous = FULL")
    return campaign


def rest(campaign: Campaign) -> Figures:
    """Everything but the pages."""
    rows = min(EXPORTED, campaign.audience or 0)
    figures = measure_totals()
    for kind in FILES:
        figures |= measure_export(campaign, kind, rows)
    return figures | measure_upkeep()


def sizes() -> Figures:
    """The bytes of the database, and of each table and index that has pages."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_table_size(oid) FROM pg_class WHERE relnamespace ="
            " 'public'::regnamespace AND relkind IN ('r', 'i') AND relpages > 0"
        )
        relations = dict(cursor.fetchall())
        cursor.execute("SELECT pg_database_size(current_database())")
        return relations | {"database": cursor.fetchone()[0]}


def blocks() -> Figures:
    """The blocks of 8 kB that were read in this database until now, from memory or not."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
        )
        return {"blocks": cursor.fetchone()[0]}


def listed(campaign: Campaign, part: int) -> dict[str, list[str]]:
    """The addresses of each page, by its name."""
    now = timezone.now()
    if not part:
        return {name: [one] for name, one in addresses(campaign, date(now.year - 1, 1, 1))}
    newest = addresses(campaign, (now - STEADY_PERIOD).date())
    return {name: [one] for name, one in newest} | dict(addresses_of_growth(campaign))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("recipients", type=int)
    parser.add_argument("--part", type=int, default=0)
    asked = parser.parse_args()
    start = time.perf_counter()
    campaign = made(asked.recipients, asked.part)
    print(time.perf_counter() - start, flush=True)
    client = Client()
    client.force_login(User.objects.get(username="olena"))
    pages = {name: cycle(found) for name, found in listed(campaign, asked.part).items()}
    figures: dict[str, Callable[[], Figures]] = {
        "rest": lambda: rest(campaign),
        "sizes": sizes,
        "blocks": blocks,
    }
    for line in map(str.strip, sys.stdin):
        if line == "pages":
            print(*pages, flush=True)
        elif line in figures:
            print(*(f"{name}={figure}" for name, figure in figures[line]().items()), flush=True)
        else:
            print(ask(client, next(pages[line])), flush=True)


if __name__ == "__main__":
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}  # nothing is collected
    in_own_database(main)
