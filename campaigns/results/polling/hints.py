"""Whose status is worth asking for now: what delivery reports hint at, kept until somebody asks."""

from collections import defaultdict
from collections.abc import Sequence

from django.db import connection, transaction
from django.utils import timezone

from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.results.models import StatusHint

# rows; beyond it reports are dropped, and polling finds what they would have told
HINTS_MAX = 100_000


def store(references: Sequence[str]) -> int:
    """Note those of `references` that are ours and still open. How many."""
    if StatusHint.objects.count() >= HINTS_MAX:
        return 0
    found = Recipient.objects.filter(
        reference__in=references, send_state=SendState.ACCEPTED, final=False
    )
    now = timezone.now()
    hints = [StatusHint(recipient_id=pk, at=now) for pk in found.values_list("pk", flat=True)]
    StatusHint.objects.bulk_create(hints, ignore_conflicts=True)
    return len(hints)


def take(how_many: int) -> list[tuple[Batch, list[Recipient]]]:
    """The oldest hints, no longer noted: the people who are still open, by their batches that are
    done.
    """
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        oldest = StatusHint.objects.select_for_update(skip_locked=skip).order_by("at", "pk")
        ids = list(oldest.values_list("pk", flat=True)[:how_many])
        StatusHint.objects.filter(pk__in=ids).delete()
    people: defaultdict[tuple[int, int], list[Recipient]] = defaultdict(list)
    for person in Recipient.objects.filter(
        pk__in=ids, send_state=SendState.ACCEPTED, final=False
    ).order_by("pk"):
        people[person.campaign_id, person.batch_number].append(person)
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for campaign_id, number in people:
        numbers[campaign_id].append(number)
    return [
        (batch, people[campaign_id, batch.number])
        for campaign_id, wanted in numbers.items()
        for batch in Batch.objects.filter(
            campaign_id=campaign_id, number__in=wanted, state=BatchState.DONE
        )
    ]
