"""One engine's figures for bench_follow, printed as name=value, in a database of its own that is
dropped after.
"""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.compose.models import Campaign  # noqa: E402
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState  # noqa: E402
from campaigns.gateway.bsg.client import Client  # noqa: E402
from campaigns.gateway.limits import MAX_RECIPIENTS  # noqa: E402
from campaigns.results.polling import asker  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402
from tests.dispatch import factory  # noqa: E402

# Connections, recipients open in each batch, and seconds that the questions take at best.
CASES = ((8, MAX_RECIPIENTS, 8), (8, 5, 8), (64, MAX_RECIPIENTS, 8), (64, 5, 8))
CALLS_PER_CONNECTION = 10  # a second: the stand-in answers after 100 ms
OPEN, LATENESS_CONNECTIONS = 1_000_000, 64
# Questions of each kind that are due at once.
KINDS = {"in doubt": 1_500, "again": 6_000, "new": 3_000, "unresolved": 1_500}


def make_due(questions: int, open_per_batch: int) -> None:
    """A campaign with so many open messages, `open_per_batch` of each batch, all of them due."""
    Batch.objects.update(check_at=None, checks=1)
    campaign = factory.launched(questions // open_per_batch * MAX_RECIPIENTS)
    recipients = Recipient.objects.filter(campaign=campaign)
    recipients.update(
        send_state=SendState.ACCEPTED, charged=Decimal("0.023"), currency="EUR", final=True
    )
    for number in Batch.objects.filter(campaign=campaign).values_list("number", flat=True):
        ids = recipients.filter(batch_number=number).values_list("pk", flat=True)[:open_per_batch]
        Recipient.objects.filter(pk__in=list(ids)).update(final=False)
    sent_at = timezone.now() - timedelta(minutes=10)
    Batch.objects.filter(campaign=campaign).update(
        state=BatchState.DONE, intended_at=sent_at, done_at=sent_at
    )


def make_open_messages() -> None:
    """OPEN messages that are asked about later, so that all that is due is a small part of them."""
    campaign = factory.draft()
    Campaign.objects.filter(pk=campaign.pk).update(state="finished", launched_at=timezone.now())
    later, sent_at = timezone.now() + timedelta(hours=1), timezone.now() - timedelta(minutes=10)
    batches = range(1, OPEN // MAX_RECIPIENTS + 1)
    Batch.objects.bulk_create(
        (
            Batch(campaign=campaign, number=number, country="UA", size=MAX_RECIPIENTS,
                  state=BatchState.DONE, intended_at=sent_at, done_at=sent_at, check_at=later,
                  checks=1)
            for number in batches
        ),
        batch_size=5_000,
    )  # fmt: skip
    for number in range(0, OPEN, 50_000):
        Recipient.objects.bulk_create(
            Recipient(campaign=campaign, msisdn=str(380_500_000_000 + person), country="UA",
                      reference=f"{person:032x}", batch_number=person // MAX_RECIPIENTS + 1,
                      send_state=SendState.ACCEPTED, charged=Decimal("0.023"), currency="EUR")
            for person in range(number, number + 50_000)
        )  # fmt: skip


def make_kind_due(kind: str, questions: int) -> list[int]:
    """A campaign with so many questions of a kind; the ids of its batches."""
    contacts = factory.contact_list(kind, questions)
    campaign = factory.launched_to(contacts)
    due = timezone.now() - timedelta(minutes=10)
    state, batches = {
        "in doubt": (SendState.QUEUED, {"state": BatchState.AMBIGUOUS, "not_before": due}),
        "again": (SendState.ACCEPTED, {"check_at": due, "checks": 1}),
        "new": (SendState.ACCEPTED, {}),
        "unresolved": (SendState.UNRESOLVED, {"not_before": due, "checks": 1}),
    }[kind]
    Recipient.objects.filter(campaign=campaign).update(
        send_state=state, charged=Decimal("0.023"), currency="EUR"
    )
    of_campaign = Batch.objects.filter(campaign=campaign)
    of_campaign.update(**{"state": BatchState.DONE, "intended_at": due, "done_at": due} | batches)
    return list(of_campaign.values_list("pk", flat=True))


def measure_lateness(client: Client) -> None:
    """How late the last question of each kind is asked, as a share of backlog / rate."""
    make_open_messages()
    batches = {kind: make_kind_due(kind, questions) for kind, questions in KINDS.items()}
    possible = sum(KINDS.values()) / (LATENESS_CONNECTIONS * CALLS_PER_CONNECTION)  # seconds
    watching = threading.Thread(target=watch, args=(batches, possible))
    watching.start()
    while asker.ask(client, LATENESS_CONNECTIONS, timezone.now() + timedelta(seconds=20)):
        pass
    watching.join()


def watch(batches: dict[str, list[int]], possible: float) -> None:
    """Print for each kind after how long the last of its batches was asked about."""
    begun, remaining = time.perf_counter(), dict(batches)
    while remaining:
        time.sleep(0.1)
        for kind, ids in list(remaining.items()):
            if not Batch.objects.filter(pk__in=ids, asked_at=None).exists():
                late = (time.perf_counter() - begun) / possible
                print(f"late:{kind.replace(' ', '_')}={late}")
                del remaining[kind]
    connection.close()


def main() -> None:
    settings.STATUS_RATE = 0
    client = Client(settings.BSG_API_URL, settings.BSG_API_KEY, connections=64)
    start = 0
    for connections, open_per_batch, seconds in CASES:
        make_due(connections * CALLS_PER_CONNECTION * seconds, open_per_batch)
        questions = Recipient.objects.filter(final=False, pk__gt=start).count()
        start = Recipient.objects.order_by("-pk").values_list("pk", flat=True)[0]
        begun = time.perf_counter()
        while asker.ask(client, connections, timezone.now() + timedelta(seconds=20)):
            pass
        print(f"{connections}x{open_per_batch}={questions / (time.perf_counter() - begun)}")
    Batch.objects.update(check_at=None)
    measure_lateness(client)


if __name__ == "__main__":
    in_own_database(main)
