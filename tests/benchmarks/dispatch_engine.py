"""One engine's figures for bench_dispatch, printed as name=value, in a database of its own that is
dropped after.
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from multiprocessing.connection import Connection

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, connections, transaction  # noqa: E402
from django.test import Client as Browser  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.compose.launch import lifecycle  # noqa: E402
from campaigns.compose.models import Campaign  # noqa: E402
from campaigns.contacts.models import Contact, ContactList  # noqa: E402
from campaigns.dispatch.freeze.recipients import freeze  # noqa: E402
from campaigns.dispatch.models import Recipient, SendState  # noqa: E402
from campaigns.dispatch.send.sender import BatchSender  # noqa: E402
from campaigns.dispatch.workers.slots import send_jobs  # noqa: E402
from campaigns.gateway.bsg.client import client_in_use  # noqa: E402
from campaigns.gateway.types import Accepted, Address, Message, SendRequest  # noqa: E402
from campaigns.shared import bulk  # noqa: E402
from campaigns.team.models import User  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402
from tests.dispatch import factory  # noqa: E402

LONG = timedelta(hours=1)
NAIVE = 2_000  # recipients; enough to see its rate
# recipients of a small campaign, and how many of them the median is of
SMALL, SMALL_TIMES = 10_000, 5
FORK = multiprocessing.get_context("fork")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def contacts(people: int) -> ContactList:
    """A list of `people`, in the shortest way."""
    made = ContactList.objects.create(name=f"{people} people", contact_count=people)
    rows = [(made.pk, factory.phone(n), factory.COUNTRIES[n % 3][0], "{}") for n in range(people)]
    with transaction.atomic():
        bulk.append(Contact._meta.db_table, ("list_id", "msisdn", "country", "fields"), rows)
    return made


def launched(audience: ContactList, **texts: str) -> Campaign:
    campaign = factory.draft(audience, **texts)
    lifecycle.launch(campaign.pk, None)
    return campaign


def freeze_floor(campaign: Campaign) -> float:
    """Seconds of a bare INSERT ... SELECT of the same rows into a table with the same unique
    indexes.
    """
    table = Recipient._meta.db_table
    copy = "bench_recipient"
    like = f"CREATE TABLE {copy} AS SELECT * FROM {table} WHERE 1 = 0"
    with connection.cursor() as cursor:
        cursor.execute(like)
        for columns in ("id", "msisdn, campaign_id", "reference"):
            cursor.execute(f"CREATE UNIQUE INDEX {copy}_{columns[:2]} ON {copy} ({columns})")
        took = seconds(
            lambda: cursor.execute(
                f"INSERT INTO {copy} SELECT * FROM {table} WHERE campaign_id = %s", [campaign.pk]
            )
        )
        cursor.execute(f"DROP TABLE {copy}")
    return took


def naive(campaign: Campaign) -> float:
    """Seconds for the obvious way: rows claimed by the ORM, posted, written back by bulk_update."""
    client = client_in_use()
    start = time.perf_counter()
    for _ in range(NAIVE // 50):
        with transaction.atomic():
            waiting = Recipient.objects.select_for_update().filter(
                campaign=campaign, send_state=SendState.QUEUED
            )
            people = list(waiting.order_by("pk")[:50])
            for person in people:
                person.reason = "claimed"
            Recipient.objects.bulk_update(people, ["reason"])
        to = tuple(Address(person.msisdn, person.reference) for person in people)
        answer = client.send(SendRequest((Message(to, "Hello!", "Shop", True),)))
        for person in people:
            verdict = answer.verdicts[person.reference]
            assert isinstance(verdict, Accepted)
            person.send_state, person.charged = SendState.ACCEPTED, verdict.price
            person.gateway_id, person.currency = verdict.gateway_id, verdict.currency
        Recipient.objects.bulk_update(people, ["send_state", "gateway_id", "charged", "currency"])
    return time.perf_counter() - start


def send_all() -> float:
    """Seconds until everybody is sent to, by as many processes as a worker machine has for it."""
    connections.close_all()  # each process opens its own
    processes = [FORK.Process(target=sender, args=(n,)) for n in send_jobs().values()]
    start = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    took = time.perf_counter() - start
    assert not any(process.exitcode for process in processes), "a sender died"
    return took


def sender(connections: int) -> None:
    BatchSender(client_in_use(), connections, timezone.now() + LONG).run()


def memory() -> float:
    """The largest that one of the senders has been, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def look_at(campaign_id: int, username: str, pipe: Connection) -> None:
    """Ask for the page of a campaign again and again until told to stop; milliseconds of each
    answer.
    """
    settings.DEBUG = True  # for addresses of static files that nobody has collected
    browser = Browser(SERVER_NAME="localhost")
    browser.force_login(User.objects.get(username=username))
    address, took = reverse("campaign-detail", args=[campaign_id]), []
    browser.get(address)  # the first one loads code and templates
    while not pipe.poll(0.05):
        start = time.perf_counter()
        assert browser.get(address).status_code == 200
        took.append(1000 * (time.perf_counter() - start))
    pipe.send(took)


def freeze_watched(campaign: Campaign) -> tuple[float, list[float]]:
    """Seconds of the freeze, and the milliseconds in which the campaign's page answered
    meanwhile.
    """
    User.objects.create_superuser("reader", password="reader")
    connections.close_all()
    ours, theirs = FORK.Pipe()
    reader = FORK.Process(target=look_at, args=(campaign.pk, "reader", theirs))
    reader.start()
    time.sleep(3)  # it signs in
    took = seconds(lambda: freeze(campaign.pk, timezone.now() + LONG))
    ours.send("enough")
    answered = ours.recv()
    reader.join()
    return took, answered


def stored(campaign: Campaign, people: int) -> dict[str, float]:
    """Bytes a recipient that a finished campaign takes, with its indexes (PostgreSQL)."""
    tables = {"recipient": 1, "ledgerentry": 1, "batch": 1}
    with connection.cursor() as cursor:
        for name in tables:
            cursor.execute("SELECT pg_total_relation_size(%s)", [f"campaigns_{name}"])
            tables[name] = cursor.fetchone()[0]
    return {f"bytes_{name}": size / people for name, size in tables.items()}


def wal() -> int:
    """Bytes of log written so far (PostgreSQL)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_lsn() - '0/0'")
        return int(cursor.fetchone()[0])


def everything_sent(campaign: Campaign, people: int) -> None:
    sent = Recipient.objects.filter(campaign=campaign, send_state=SendState.ACCEPTED).count()
    assert sent == people, f"{sent} of {people}"


def worker_seconds() -> float:
    """Seconds of processor that the senders took so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(people: int, send_only: bool) -> dict[str, float]:
    """The freeze and the send of one campaign, and the obvious way beside it."""
    postgresql = connection.vendor == "postgresql"
    audience = contacts(people)
    campaign = launched(audience)
    log = wal() if postgresql else 0
    froze = seconds(lambda: freeze(campaign.pk, timezone.now() + LONG))
    log_of_freeze = wal() - log if postgresql else 0
    figures = {}
    if not send_only:
        figures = {"freeze": people / froze, "freeze_floor": people / freeze_floor(campaign)}
    if postgresql:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        log = wal()
    figures["send"] = people / send_all()
    figures["memory"], figures["worker_seconds"] = memory(), worker_seconds() * 1_000_000 / people
    everything_sent(campaign, people)
    if postgresql:
        figures |= {"wal_freeze": log_of_freeze / people, "wal_send": (wal() - log) / people}
        figures |= stored(campaign, people)
    if not send_only:
        second = launched(audience)
        freeze(second.pk, timezone.now() + LONG)
        figures["naive"] = NAIVE / naive(second)
        lifecycle.cancel(second.pk, None)
        figures["send_links"] = people / send_links(audience)
    return figures


def send_links(audience: ContactList) -> float:
    """Seconds until a campaign is sent in which each message has two links of its recipient."""
    settings.LINK_BASE_URL = "https://go.example.com"
    shop = "https://shop.example.com/"
    campaign = launched(audience, text=f"Hello! {shop}a", button_caption="Go", button_url=shop)
    freeze(campaign.pk, timezone.now() + LONG)
    took = send_all()
    everything_sent(campaign, audience.contact_count)
    return took


def grown(people: int) -> dict[str, float]:
    """What becomes of it with size: small campaigns, then one to `people`."""
    few, rates = contacts(SMALL), []
    for _ in range(SMALL_TIMES):
        small = launched(few)
        freeze(small.pk, timezone.now() + LONG)
        rates.append(SMALL / send_all())
        everything_sent(small, SMALL)
    campaign = launched(contacts(people))
    froze, answered = freeze_watched(campaign)
    figures = {"freeze": people / froze, "freeze_floor": people / freeze_floor(campaign)}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    figures |= {"page": statistics.median(answered), "page_slowest": max(answered)}
    figures |= {"small": statistics.median(rates), "send": people / send_all(), "memory": memory()}
    everything_sent(campaign, people)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("--send-only", action="store_true")
    parser.add_argument("--growth", action="store_true")
    asked = parser.parse_args()
    settings.SEND_CONNECTIONS = asked.connections
    figures = grown(asked.people) if asked.growth else measured(asked.people, asked.send_only)
    print("\n".join(f"{name}={figure}" for name, figure in figures.items()))


if __name__ == "__main__":
    in_own_database(main)
