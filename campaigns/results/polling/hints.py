"""Hints of delivery reports: whose status changed, stored until polling asks for it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.results.models import StatusHint
from campaigns.results.polling.batch_checks import BatchCheck, record_checks

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


class HintedRecipients:
    """A source of questions: recipients with a hint, without the rest of their batch."""

    def is_due(self, _now: datetime) -> bool:
        """Whether there is any hint that may be taken."""
        return _waiting().exists()

    def take(self, people: int, under_way: Collection[int]) -> list[BatchCheck]:
        """Take the oldest hints; those of batches `under_way` are put back."""
        checks = []
        for batch, recipients in _take(people):
            if batch.pk in under_way:
                put_back(recipients)
            else:
                checks.append(BatchCheck(batch, recipients, is_hinted=True))
        return checks

    def record(self, answered: Sequence[tuple[BatchCheck, Sequence[StatusReply]]]) -> None:
        """Write the answers; the checks of the batches stay as planned."""
        record_checks(answered)

    def answer_rehearsals(self) -> bool:
        """No report names a rehearsal."""
        return False


def _waiting() -> QuerySet[StatusHint]:
    """The hints that may be taken; those for messages of another account wait."""
    return StatusHint.objects.filter(of_reachable("recipient__campaign"))


def _take(how_many: int) -> list[tuple[Batch, list[Recipient]]]:
    """Remove the oldest hints and return their open recipients by batch.

    Batches that are not done are skipped.
    """
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        oldest = _waiting().select_for_update(skip_locked=skip, of=("self",)).order_by("at", "pk")
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
        ).select_related("campaign")
    ]
