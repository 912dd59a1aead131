"""One engine's figures for bench_follow, printed as name=value, in a database of its own that is
dropped after.
"""

import time
from datetime import timedelta
from decimal import Decimal

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.utils import timezone  # noqa: E402

from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState  # noqa: E402
from campaigns.gateway.bsg.client import Client  # noqa: E402
from campaigns.gateway.limits import MAX_RECIPIENTS  # noqa: E402
from campaigns.results.polling import asker  # noqa: E402
from tests.benchmarks.own_database import in_own_database  # noqa: E402
from tests.dispatch import factory  # noqa: E402

# Connections, recipients open in each batch, and seconds that the questions take at best.
CASES = ((8, MAX_RECIPIENTS, 8), (8, 5, 8), (64, MAX_RECIPIENTS, 8), (64, 5, 8))
CALLS_PER_CONNECTION = 10  # a second: the stand-in answers after 100 ms


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


if __name__ == "__main__":
    in_own_database(main)
