"""Ask on about unresolved recipients, ever more rarely, for ASK_FOR.

An unresolved message may not be sent again, since it may have been sent: so it is worth a question
now and then whether the gateway knows it after all. If it does, the recipient becomes ACCEPTED, is
charged, and results follows the message.

A batch that is DONE and has unresolved recipients is due at its `not_before`.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.status_questions import StatusQuestions
from campaigns.gateway.types import Address
from campaigns.ledger.models import Purpose
from campaigns.shared import database_clock

BATCHES_PER_ROUND = 10
SHORTEST_WAIT, LONGEST_WAIT = timedelta(hours=1), timedelta(days=1)  # between two questions


def due(now: datetime) -> QuerySet[Batch]:
    """The batches to ask about now."""
    return Batch.objects.filter(of_reachable(), state=BatchState.DONE, not_before__lte=now)


def follow(
    client: Client, connections: int, until: datetime, keep_going: Callable[[], bool] = lambda: True
) -> bool:
    """Ask about unresolved recipients that are due. Return whether some may be left at `until`."""
    with ThreadPoolExecutor(connections, "ask") as pool:
        questions = StatusQuestions(pool, until, keep_going)
        while timezone.now() < until and keep_going():
            batches = due(database_clock.now()).select_related("campaign").order_by("not_before")
            claimed = [batch for batch in batches[:BATCHES_PER_ROUND] if _put_off(batch)]
            if not claimed:
                return False
            for batch in claimed:
                _ask(client, questions, batch)
    return True


def _put_off(batch: Batch) -> bool:
    """Set when `batch` is due next; False if another worker has done so."""
    now = database_clock.now()
    age = now - (batch.first_sent_at or batch.done_at or now)
    wait = min(max(age / 2, SHORTEST_WAIT), LONGEST_WAIT)
    later = now + wait if age < ASK_FOR else None
    same = Batch.objects.filter(pk=batch.pk, not_before=batch.not_before, state=BatchState.DONE)
    return bool(same.update(not_before=later))


def _unresolved(batch: Batch) -> QuerySet[Recipient]:
    return Recipient.objects.filter(
        campaign_id=batch.campaign_id,
        batch_number=batch.number,
        send_state=SendState.UNRESOLVED,
    )


def _ask(client: Client, questions: StatusQuestions, batch: Batch) -> None:
    rows = list(_unresolved(batch).values_list("msisdn", "reference", "pk"))
    if not rows or batch.campaign.is_rehearsal:
        Batch.objects.filter(pk=batch.pk).update(not_before=None)
        return
    replies = questions.ask(client, [Address(msisdn, reference) for msisdn, reference, _ in rows])
    accepted = {
        reference: accepted_from(reply.status)
        for (_msisdn, reference, _pk), reply in zip(rows, replies, strict=True)
        if reply.status
    }
    if not accepted:
        return
    outcome = BatchOutcome(
        Claim(batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts),
        {reference: pk for _msisdn, reference, pk in rows},
        Interpretation(accepted=accepted),
        batch.intended_at or timezone.now(),
        Purpose(batch.campaign.purpose),
    )
    with transaction.atomic():
        now = database_clock.now()
        Batch.objects.filter(pk=batch.pk).update(check_at=now)  # results follows the message
        settle_unresolved(outcome, now)
