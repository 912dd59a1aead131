"""Ask on about unresolved recipients, ever more rarely, for ASK_FOR.

An unresolved message may not be sent again, since it may have been sent: so it is worth a question
now and then whether the gateway knows it after all. If it does, the recipient becomes ACCEPTED, is
charged, and results follows the message.

A batch that is DONE and has unresolved recipients is due at its `not_before`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send.interpret_answer import Interpretation
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.record_outcomes import BatchOutcome, settle_unresolved
from campaigns.dispatch.send.resolve_unknown import ASK_FOR, accepted_from
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import Address
from campaigns.ledger.models import Purpose
from campaigns.shared import database_clock

SHORTEST_WAIT, LONGEST_WAIT = timedelta(hours=1), timedelta(days=1)  # between two questions


@dataclass(frozen=True, slots=True)
class UnresolvedBatch:
    """A batch with its unresolved recipients: id by reference."""

    batch: Batch
    messages: list[Address]
    ids: dict[str, int]

    @property
    def batch_id(self) -> int:
        """The batch."""
        return self.batch.pk


class UnresolvedRecipients:
    """A source of questions: batches with unresolved recipients."""

    def is_due(self, _now: datetime) -> bool:
        """Whether any unresolved recipient is to be asked about."""
        return _due(database_clock.now()).exists()

    def take(self, people: int, _under_way: Collection[int]) -> list[UnresolvedBatch]:
        """Claim batches, by setting when they are due next, with about `people` recipients."""
        due = _due(database_clock.now()).exclude(campaign__purpose=Purpose.REHEARSAL)
        batches = due.select_related("campaign").order_by("not_before")
        limit = max(people // MAX_RECIPIENTS, 1)
        claimed = [batch for batch in batches[:limit] if _put_off(batch)]
        return [_load(batch) for batch in claimed]

    def record(self, answered: Sequence[tuple[UnresolvedBatch, Sequence[StatusReply]]]) -> None:
        """Accept and charge those whom the gateway knows."""
        for batch, replies in answered:
            _record(batch, replies)

    def answer_rehearsals(self) -> bool:
        """The gateway of a rehearsal will never know more: nobody is asked about any more."""
        due = _due(database_clock.now()).filter(campaign__purpose=Purpose.REHEARSAL)
        ids = list(due.values_list("pk", flat=True))
        return bool(Batch.objects.filter(pk__in=ids).update(not_before=None))


def _due(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(of_reachable(), state=BatchState.DONE, not_before__lte=now)


def _put_off(batch: Batch) -> bool:
    """Set when `batch` is due next; False if another worker has done so."""
    now = database_clock.now()
    age = now - (batch.first_sent_at or batch.done_at or now)
    wait = min(max(age / 2, SHORTEST_WAIT), LONGEST_WAIT)
    later = now + wait if age < ASK_FOR else None
    same = Batch.objects.filter(pk=batch.pk, not_before=batch.not_before, state=BatchState.DONE)
    return bool(same.update(not_before=later, asked_at=now))


def _load(batch: Batch) -> UnresolvedBatch:
    recipients = Recipient.objects.filter(
        campaign_id=batch.campaign_id,
        batch_number=batch.number,
        send_state=SendState.UNRESOLVED,
    )
    rows = list(recipients.values_list("msisdn", "reference", "pk"))
    if not rows:
        Batch.objects.filter(pk=batch.pk).update(not_before=None)
    return UnresolvedBatch(
        batch,
        [Address(msisdn, reference) for msisdn, reference, _pk in rows],
        {reference: pk for _msisdn, reference, pk in rows},
    )


def _record(unresolved: UnresolvedBatch, replies: Sequence[StatusReply]) -> None:
    batch = unresolved.batch
    if replies and not any(reply.was_asked for reply in replies):
        Batch.objects.filter(pk=batch.pk).update(not_before=database_clock.now())
    accepted = {
        reference: accepted_from(reply.status)
        for reference, reply in zip(unresolved.ids, replies, strict=True)
        if reply.status
    }
    if not accepted:
        return
    outcome = BatchOutcome(
        Claim(batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts),
        unresolved.ids,
        Interpretation(accepted=accepted),
        batch.intended_at or timezone.now(),
        Purpose(batch.campaign.purpose),
    )
    with transaction.atomic():
        now = database_clock.now()
        Batch.objects.filter(pk=batch.pk).update(check_at=now)  # results follows the message
        settle_unresolved(outcome, now)
