"""Settle what nobody knows: ask the gateway by reference for everybody in an AMBIGUOUS batch who is
still queued.

Found: accepted, with its id and price. Not found (error 40): after a quarantine, in which a late
request may still arrive there, the batch is sent again with the same references. What can't be
settled while the message is valid is UNRESOLVED: a person decides, and nothing is sent again by
itself.
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
    TROUBLE_AFTER,
    Ending,
    Judgement,
    Next,
    wait_after,
)
from campaigns.dispatch.send.leases import Claim, claim_ambiguous
from campaigns.dispatch.send.record_outcomes import Closing, close
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Accepted, MessageStatus
from campaigns.ledger.models import Purpose

AT_ONCE = 10  # batches in one round
# after the validity, until a batch that can't be settled is given to a person
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer for one recipient. `status` None: not found; `failure` says why there is no
    answer.
    """

    reference: str
    status: MessageStatus | None = None
    failure: str = ""


def reconcile(
    client: Client, connections: int, until: datetime, keep: Callable[[], bool] = lambda: True
) -> bool:
    """Ask for ambiguous batches that are due, until the moment `until`. Whether some were left
    then.
    """
    token = secrets.token_hex(16)
    with ThreadPoolExecutor(connections, "ask") as pool:
        while True:
            if timezone.now() >= until or not keep():
                return True
            batches = claim_ambiguous(AT_ONCE, token, timezone.now())
            if not batches:
                return False
            failpoint("asking")
            _settle(client, pool, batches, token)


def _settle(client: Client, pool: ThreadPoolExecutor, batches: list[Batch], token: str) -> None:
    closings = [_closing(client, pool, batch) for batch in batches]
    failpoint("reconciled")
    with transaction.atomic():
        close(closings, token, BatchState.AMBIGUOUS)
    failpoint("settled")


def _closing(client: Client, pool: ThreadPoolExecutor, batch: Batch) -> Closing:
    campaign = Campaign.objects.get(pk=batch.campaign_id)
    people = Recipient.objects.filter(
        campaign_id=batch.campaign_id, batch_number=batch.number, send_state=SendState.QUEUED
    )
    ids = dict(people.values_list("reference", "pk"))
    theirs = RehearsalGateway(campaign).client(batch.country) if campaign.is_rehearsal else client
    asked = list(pool.map(lambda reference: _ask(theirs, reference), ids))
    claim = Claim(
        batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts
    )
    failure = next((one.failure for one in asked if one.failure), "")
    return Closing(
        claim,
        ids,
        _judge(campaign, batch, asked),
        batch.intended_at or timezone.now(),
        Purpose(campaign.purpose),
        held=batch.held,
        falls_back=bool(campaign.sms_text),
        what=failure,
    )


def _ask(client: Client, reference: str) -> Asked:
    try:
        return Asked(reference, client.status_by_reference(reference))
    except GatewayError as error:
        return Asked(reference, failure=str(error) or type(error).__name__)


def _judge(campaign: Campaign, batch: Batch, asked: Iterable[Asked]) -> Judgement:
    judgement = Judgement()
    now = timezone.now()
    quarantined = batch.intended_at is None or now >= batch.intended_at + timedelta(
        seconds=settings.RECONCILE_QUARANTINE
    )
    over = now - timedelta(seconds=campaign.validity) - GRACE
    given_up = batch.intended_at is not None and batch.intended_at < over
    # the gateway keeps saying that it has the message when it is sent (43), and that it has not
    # when it is asked (40)
    contradicted = (
        batch.attempts >= TROUBLE_AFTER
        and batch.first_sent_at is not None
        and batch.first_sent_at < over
    )
    for one in asked:
        if one.status is not None:
            judgement.accepted[one.reference] = _accepted(one.status)
        elif (one.failure and given_up) or (contradicted and not one.failure):
            judgement.ended[one.reference] = Ending(SendState.UNRESOLVED, reason="unresolved")
        elif one.failure or not quarantined:
            judgement.next = Next.ASK
            judgement.notable = judgement.notable or bool(one.failure)
        elif campaign.state == CampaignState.CANCELLED:
            judgement.ended[one.reference] = Ending(SendState.CANCELLED, reason="cancelled")
        elif judgement.next is not Next.ASK:
            judgement.next = Next.AGAIN
    if judgement.next is Next.ASK:
        judgement.wait = (
            wait_after(batch.asked)
            if quarantined
            else timedelta(seconds=settings.RECONCILE_QUARANTINE)
        )
    return judgement


def _accepted(status: MessageStatus) -> Accepted:
    return Accepted(status.gateway_id, status.price, status.currency)
