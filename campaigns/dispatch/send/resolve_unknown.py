"""Resolve batches whose outcome is unknown, so that a lost answer never means a second message.

When an answer was lost, or a worker died between intent and record, the batch is AMBIGUOUS. The
gateway is asked by reference for each of its recipients who is still queued. Only an answer decides
about anybody:

- Found: the recipient was accepted, with the gateway's id and price.
- Not found (error 40): believed after a quarantine that begins when the last byte of a request may
  have been under way, or when a message that was handed over for later is due. Then the batch is
  READY again and is sent with the same references. Whoever was refused with an error that says
  nothing, again and again, is REFUSED. Whoever the gateway had named as known already (error 43) is
  never sent to again; when the message has expired, they are UNRESOLVED.
- No answer: asked again, ever more rarely, for ASK_FOR; then UNRESOLVED.

About UNRESOLVED recipients follow_unresolved asks on.

The questions are asked by results/polling/asker.py, together with all others. The results are
recorded by record_outcomes, like answers to a send. See docs/guarantees.md.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send.interpret_answer import (
    ENTRY_TRIES,
    FIRST_DELAY,
    Interpretation,
    NextStep,
    NotAccepted,
    delay_after,
)
from campaigns.dispatch.send.leases import (
    LEASE,
    Claim,
    claim_ambiguous,
    reconcilable,
    release_ambiguous,
)
from campaigns.dispatch.send.record_outcomes import BatchOutcome, write_outcomes
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.errors import REFERENCE_EXISTS, UNKNOWN_ERROR
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import Accepted, Address, MessageStatus
from campaigns.ledger.models import Purpose
from campaigns.shared import database_clock

BATCHES_PER_ROUND = 10  # of rehearsals
# After the validity period, until a message that the gateway knew and does not find is given up.
GRACE = timedelta(hours=1)
ASK_FOR = timedelta(days=30)  # since the first request, while no answer comes
RARE_DELAY = timedelta(hours=1)  # between two questions after the validity period
UNRESOLVED = NotAccepted(SendState.UNRESOLVED, reason="unresolved")
CANCELLED = NotAccepted(SendState.CANCELLED, reason="cancelled")


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """An ambiguous batch with its queued recipients: id and error code by reference."""

    batch: Batch
    campaign: Campaign
    messages: list[Address]
    ids: dict[str, int]
    error_codes: dict[str, int | None]

    @property
    def batch_id(self) -> int:
        """The batch."""
        return self.batch.pk


class UnknownOutcomes:
    """A source of questions: batches whose outcome is unknown, under a lease of its own."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(16)

    def is_due(self, _now: datetime) -> bool:
        """Whether the outcome of any batch is to be asked for."""
        return reconcilable(database_clock.now()).exists()

    def take(self, people: int, _under_way: Collection[int]) -> list[OpenBatch]:
        """Claim batches with about `people` queued recipients."""
        limit = max(people // MAX_RECIPIENTS, 1)
        claimed = claim_ambiguous(limit, self._token, database_clock.now())
        return [_load(batch) for batch in claimed]

    def record(self, answered: Sequence[tuple[OpenBatch, Sequence[StatusReply]]]) -> None:
        """Write what the replies mean, batch by batch."""
        failpoint("reconciled")
        now = database_clock.now()
        for batch, replies in answered:
            if replies and not any(reply.was_asked for reply in replies):
                release_ambiguous(batch.batch.pk, self._token)
                continue
            outcome = _outcome(batch, dict(zip(batch.ids, replies, strict=True)), now)
            with transaction.atomic():
                for pause in write_outcomes([outcome], self._token, now, BatchState.AMBIGUOUS):
                    lifecycle.pause_if_running(*pause)
            failpoint("settled")

    def answer_rehearsals(self) -> bool:
        """Resolve some batches of rehearsals, whose gateway answers in this process."""
        claimed = claim_ambiguous(
            BATCHES_PER_ROUND, self._token, database_clock.now(), rehearsals=True
        )
        batches = [_load(batch) for batch in claimed]
        self.record([(batch, _rehearsal_replies(batch)) for batch in batches])
        return bool(batches)


def _load(batch: Batch) -> OpenBatch:
    recipients = Recipient.objects.filter(
        campaign_id=batch.campaign_id, batch_number=batch.number, send_state=SendState.QUEUED
    )
    rows = list(recipients.values_list("msisdn", "reference", "pk", "error_code"))
    return OpenBatch(
        batch,
        Campaign.objects.get(pk=batch.campaign_id),
        [Address(msisdn, reference) for msisdn, reference, _pk, _code in rows],
        {reference: pk for _msisdn, reference, pk, _code in rows},
        {reference: code for _msisdn, reference, _pk, code in rows},
    )


def _rehearsal_replies(batch: OpenBatch) -> list[StatusReply]:
    gateway = RehearsalGateway(batch.campaign).client(batch.batch.country)
    return [
        StatusReply(gateway.status_by_reference(message.reference)) for message in batch.messages
    ]


def _outcome(open_batch: OpenBatch, replies: dict[str, StatusReply], now: datetime) -> BatchOutcome:
    batch, campaign = open_batch.batch, open_batch.campaign
    error = next((reply.error for reply in replies.values() if reply.error), None)
    return BatchOutcome(
        Claim(batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts),
        open_batch.ids,
        _interpret_replies(open_batch, replies, now),
        batch.intended_at or now,
        Purpose(campaign.purpose),
        summary=str(error or ""),
        http_status=error.http_status if error else None,
        body=error.body if error else "",
    )


def _interpret_replies(
    open_batch: OpenBatch, replies: dict[str, StatusReply], now: datetime
) -> Interpretation:
    result = Interpretation()
    may_resend_at = _may_resend_at(open_batch)
    for reference, reply in replies.items():
        if reply.status is not None:
            result.accepted[reference] = accepted_from(reply.status)
        elif ending := _ending(open_batch, reference, reply, now):
            result.not_accepted[reference] = ending
        elif (
            reply.has_failed
            or now < may_resend_at
            or open_batch.error_codes[reference] == REFERENCE_EXISTS
        ):
            result.next_step = NextStep.ASK
            result.keep_answer = result.keep_answer or reply.error is not None
        elif result.next_step is not NextStep.ASK:
            result.next_step = NextStep.AGAIN
    if result.next_step is NextStep.ASK:
        result.delay = _delay(open_batch, replies, now)
    elif UNRESOLVED in result.not_accepted.values():
        result.delay = RARE_DELAY  # then follow_unresolved asks on
    return result


def _may_resend_at(open_batch: OpenBatch) -> datetime:
    """From when on "not found" is believed: nothing of an earlier request can still arrive."""
    batch, campaign = open_batch.batch, open_batch.campaign
    last = batch.in_flight_until or (batch.intended_at or timezone.now()) + LEASE
    return campaign.due_at(last) + timedelta(seconds=settings.RECONCILE_QUARANTINE)


def _ending(
    open_batch: OpenBatch, reference: str, reply: StatusReply, now: datetime
) -> NotAccepted | None:
    """How the message of a recipient who was not found ends; None: it does not end yet."""
    batch, campaign = open_batch.batch, open_batch.campaign
    first_sent_at = batch.first_sent_at or batch.intended_at or now
    if reply.has_failed:
        return UNRESOLVED if now >= first_sent_at + ASK_FOR else None
    if open_batch.error_codes[reference] == REFERENCE_EXISTS:
        return UNRESOLVED if now >= _expires_at(campaign, first_sent_at) + GRACE else None
    if now < _may_resend_at(open_batch):
        return None
    if campaign.state == CampaignState.CANCELLED:
        return CANCELLED
    if batch.entry_errors >= ENTRY_TRIES:
        return NotAccepted(SendState.REFUSED, error_code=UNKNOWN_ERROR)
    return None


def _expires_at(campaign: Campaign, sent_at: datetime) -> datetime:
    return campaign.due_at(sent_at) + timedelta(seconds=campaign.validity)


def _delay(open_batch: OpenBatch, replies: dict[str, StatusReply], now: datetime) -> timedelta:
    """How long to wait before a batch is asked for again."""
    batch = open_batch.batch
    failures = [reply for reply in replies.values() if reply.has_failed]
    if not all(reply.was_asked for reply in failures):
        return timedelta(0)
    if not failures and now < _may_resend_at(open_batch):
        return _may_resend_at(open_batch) - now
    if now >= _expires_at(open_batch.campaign, batch.first_sent_at or now) + GRACE:
        return RARE_DELAY
    if failures and len(failures) < len(replies):
        return FIRST_DELAY  # the gateway answers, if not always
    return delay_after(batch.asked)


def accepted_from(status: MessageStatus) -> Accepted:
    """The acceptance that the status of a message proves."""
    return Accepted(status.gateway_id, status.price, status.currency)
