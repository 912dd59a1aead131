"""Resolve batches whose outcome is unknown, so that a lost answer never means a second message.

When an answer was lost, or a worker died between intent and record, the batch is AMBIGUOUS. The
gateway is asked by reference for each of its recipients who is still queued:

- Found: the recipient was accepted, with the gateway's id and price.
- Not found (error 40): after a quarantine, in which a late request may still arrive at the
  gateway, the batch is READY again and is sent with the same references.
- No answer until the message has expired: the recipient is UNRESOLVED and is never sent to again
  unless a user resends.

The results are recorded by record_outcomes, like answers to a send. See docs/guarantees.md.
"""

import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send.interpret_answer import (
    GIVE_UP_AFTER_ATTEMPTS,
    Interpretation,
    NextStep,
    NotAccepted,
    delay_after,
)
from campaigns.dispatch.send.leases import Claim, claim_ambiguous
from campaigns.dispatch.send.record_outcomes import BatchOutcome, write_outcomes
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Accepted, MessageStatus
from campaigns.ledger.models import Purpose

BATCHES_PER_ROUND = 10
# After the validity period, until an outcome that nobody knows is given up.
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class StatusReply:
    """The gateway's reply about one recipient.

    `status` None: not found, or no reply at all, as `failure` then says.
    """

    reference: str
    status: MessageStatus | None = None
    failure: str = ""


def reconcile(
    client: Client, connections: int, until: datetime, keep_going: Callable[[], bool] = lambda: True
) -> bool:
    """Resolve ambiguous batches that are due, until the moment `until` or while `keep_going()`.

    Returns whether some may be left.
    """
    token = secrets.token_hex(16)
    with ThreadPoolExecutor(connections, "ask") as pool:
        while True:
            if timezone.now() >= until or not keep_going():
                return True
            batches = claim_ambiguous(BATCHES_PER_ROUND, token, timezone.now())
            if not batches:
                return False
            failpoint("asking")
            _resolve_batches(client, pool, batches, token)


def _resolve_batches(
    client: Client, pool: ThreadPoolExecutor, batches: list[Batch], token: str
) -> None:
    outcomes = [_resolve_batch(client, pool, batch) for batch in batches]
    failpoint("reconciled")
    with transaction.atomic():
        write_outcomes(outcomes, token, BatchState.AMBIGUOUS)
    failpoint("settled")


def _resolve_batch(client: Client, pool: ThreadPoolExecutor, batch: Batch) -> BatchOutcome:
    campaign = Campaign.objects.get(pk=batch.campaign_id)
    recipients = Recipient.objects.filter(
        campaign_id=batch.campaign_id, batch_number=batch.number, send_state=SendState.QUEUED
    )
    ids = dict(recipients.values_list("reference", "pk"))
    if campaign.is_rehearsal:
        client = RehearsalGateway(campaign).client(batch.country)
    replies = list(pool.map(lambda reference: _ask_gateway(client, reference), ids))
    claim = Claim(
        batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts
    )
    failure = next((reply.failure for reply in replies if reply.failure), "")
    return BatchOutcome(
        claim,
        ids,
        _interpret_replies(campaign, batch, replies),
        batch.intended_at or timezone.now(),
        Purpose(campaign.purpose),
        summary=failure,
    )


def _ask_gateway(client: Client, reference: str) -> StatusReply:
    try:
        return StatusReply(reference, client.status_by_reference(reference))
    except GatewayError as error:
        return StatusReply(reference, failure=str(error) or type(error).__name__)


def _interpret_replies(
    campaign: Campaign, batch: Batch, replies: Iterable[StatusReply]
) -> Interpretation:
    result = Interpretation()
    now = timezone.now()
    quarantined = batch.intended_at is None or now >= batch.intended_at + timedelta(
        seconds=settings.RECONCILE_QUARANTINE
    )
    expired_before = now - timedelta(seconds=campaign.validity) - GRACE
    given_up = batch.intended_at is not None and batch.intended_at < expired_before
    # The gateway keeps refusing the reference as sent before (error 43), and does not find it
    # (error 40).
    contradicted = (
        batch.attempts >= GIVE_UP_AFTER_ATTEMPTS
        and batch.first_sent_at is not None
        and batch.first_sent_at < expired_before
    )
    for reply in replies:
        if reply.status is not None:
            result.accepted[reply.reference] = _accepted_from(reply.status)
        elif (reply.failure and given_up) or (contradicted and not reply.failure):
            result.not_accepted[reply.reference] = NotAccepted(
                SendState.UNRESOLVED, reason="unresolved"
            )
        elif reply.failure or not quarantined:
            result.next_step = NextStep.ASK
            result.keep_answer = result.keep_answer or bool(reply.failure)
        elif campaign.state == CampaignState.CANCELLED:
            result.not_accepted[reply.reference] = NotAccepted(
                SendState.CANCELLED, reason="cancelled"
            )
        elif result.next_step is not NextStep.ASK:
            result.next_step = NextStep.AGAIN
    if result.next_step is NextStep.ASK:
        result.delay = (
            delay_after(batch.asked)
            if quarantined
            else timedelta(seconds=settings.RECONCILE_QUARANTINE)
        )
    return result


def _accepted_from(status: MessageStatus) -> Accepted:
    return Accepted(status.gateway_id, status.price, status.currency)
