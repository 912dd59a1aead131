"""Hints of delivery reports: whose status changed, stored until polling asks for it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.results.models import StatusHint

# rows, beyond which reports are dropped; polling finds the changes later
HINTS_MAX = 100_000


def store(references: Sequence[str]) -> int:
    """Store hints for the open messages with these references; return how many."""
    if StatusHint.objects.count() >= HINTS_MAX:
        return 0
    recipients = Recipient.objects.filter(
        reference__in=references, send_state=SendState.ACCEPTED, final=False
    )
    return put_back(recipients.only("pk"))


def put_back(recipients: Iterable[Recipient]) -> int:
    """Store hints for `recipients`, to be taken later; return how many."""
    now = timezone.now()
    hints = [StatusHint(recipient_id=recipient.pk, at=now) for recipient in recipients]
    StatusHint.objects.bulk_create(hints, ignore_conflicts=True)
    return len(hints)


def waiting() -> QuerySet[StatusHint]:
    """The hints that may be taken; those for messages of another account wait."""
    return StatusHint.objects.filter(of_reachable("recipient__campaign"))


def take(how_many: int) -> list[tuple[Batch, list[Recipient]]]:
    """Remove the oldest hints and return their open recipients by batch.

    Batches that are not done are skipped.
    """
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        oldest = waiting().select_for_update(skip_locked=skip, of=("self",)).order_by("at", "pk")
        ids = list(oldest.values_list("pk", flat=True)[:how_many])
        StatusHint.objects.filter(pk__in=ids).delete()
    recipients: defaultdict[tuple[int, int], list[Recipient]] = defaultdict(list)
    for recipient in Recipient.objects.filter(
        pk__in=ids, send_state=SendState.ACCEPTED, final=False
    ).order_by("pk"):
        recipients[recipient.campaign_id, recipient.batch_number].append(recipient)
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for campaign_id, number in recipients:
        numbers[campaign_id].append(number)
    return [
        (batch, recipients[campaign_id, batch.number])
        for campaign_id, batch_numbers in numbers.items()
        for batch in Batch.objects.filter(
            campaign_id=campaign_id, number__in=batch_numbers, state=BatchState.DONE
        )
    ]
