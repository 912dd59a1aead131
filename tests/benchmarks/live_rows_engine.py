"""The bytes that recipients, ledger and batches take as sending and polling leave them, for
bench_growth; printed as name=value, in a database of its own that is dropped after.

`python -m tests.benchmarks.live_rows_engine CAMPAIGNS PEOPLE`: so many campaigns to so many people
each, one after the other, with a VACUUM between the rounds of statuses, as autovacuum would run.
Then the indexes are made anew, then `manage.py compact` does its work.
"""

import sys
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.compose.models import Campaign  # noqa: E402
from campaigns.contacts.models import Contact  # noqa: E402
from campaigns.dispatch import compaction  # noqa: E402
from campaigns.dispatch.freeze.recipients import freeze  # noqa: E402
from campaigns.dispatch.models import Batch, Recipient  # noqa: E402
from campaigns.gateway import statuses  # noqa: E402
from campaigns.gateway.types import FallbackStatus, MessageStatus  # noqa: E402
from campaigns.ledger.models import LedgerEntry  # noqa: E402
from campaigns.results.polling.recording import (  # noqa: E402
    BatchUpdates,
    StatusUpdate,
    record_updates,
)
from tests.benchmarks.dispatch_engine import LONG, contacts, launched, send_all  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402

TABLES = tuple(model._meta.db_table for model in (Recipient, LedgerEntry, Batch))
CHANCE = Random(20261130)
PRICE, SMS_PRICE = Decimal("0.023"), Decimal("0.041")
TOGETHER = 20  # batches whose answers are written in one transaction
# What each hundred of people become in each round, by the first place beyond.
ROUNDS: tuple[dict[int, str], ...] = (
    {100: statuses.SENT},
    {80: statuses.DELIVERED, 87: statuses.EXPIRED, 95: statuses.UNDELIVERABLE, 100: statuses.SENT},
    {55: statuses.READ, 80: statuses.DELIVERED},
)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def told(recipient: Recipient, status: str) -> MessageStatus:
    """The gateway's answer; only those whose message expired are sent an SMS."""
    reached = status not in (statuses.EXPIRED, statuses.UNDELIVERABLE)
    by_sms = status == statuses.EXPIRED
    sms = (FallbackStatus("sms", "", statuses.DELIVERED, SMS_PRICE, "EUR"),) if by_sms else ()
    price = PRICE if reached else Decimal(0)
    return MessageStatus(
        recipient.gateway_id, recipient.msisdn, recipient.reference, status, price, "EUR",
        timezone.now(), timezone.now(), timezone.now(), fallback=sms,
    )  # fmt: skip


def updates(batch: Batch, fates: dict[int, str]) -> Iterator[StatusUpdate]:
    recipients = Recipient.objects.filter(campaign=batch.campaign_id, batch_number=batch.number)
    for recipient in recipients:
        place = recipient.pk * 37 % 100
        if status := next((fates[end] for end in fates if place < end), ""):
            yield StatusUpdate(recipient, told(recipient, status))


def follow(campaign: Campaign) -> None:
    """All statuses of a campaign, in batches as they come due: in no order."""
    for fates in ROUNDS:
        batches = list(Batch.objects.filter(campaign=campaign))
        CHANCE.shuffle(batches)
        for start in range(0, len(batches), TOGETHER):
            part = batches[start : start + TOGETHER]
            with transaction.atomic():
                record_updates(
                    [
                        BatchUpdates(
                            list(updates(one, fates)), campaign, one.country, timezone.now()
                        )
                        for one in part
                    ]
                )
        for table in TABLES:
            run(f"VACUUM {table}")


def say_sizes(when: str, people: int) -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
            rows, indexes = cursor.fetchone()
            name = table.removeprefix("campaigns_")
            print(f"{when}.{name}.rows={rows / people}\n{when}.{name}.indexes={indexes / people}")


def main() -> None:
    campaigns, people = map(int, sys.argv[1:])
    audience = contacts(people)
    for _ in range(campaigns):
        campaign = launched(audience)
        freeze(campaign.pk, timezone.now() + LONG)
        send_all()
        follow(campaign)
    Contact.objects.all().delete()
    say_sizes("live", campaigns * people)
    for table in TABLES:
        run(f"REINDEX TABLE {table}")
    say_sizes("reindexed", campaigns * people)
    compaction.compact()
    say_sizes("compacted", campaigns * people)


if __name__ == "__main__":
    in_own_database(main)
