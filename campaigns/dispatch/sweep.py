"""The sweep: release leases that ran out, start and finish campaigns, wake the workers.

It runs from a schedule of the queue, and from `manage.py sweep` outside the queue. Any number of
sweeps may run at the same time. See docs/queue.md.
"""

import logging
import time
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.reachable import reachable
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.series import runs
from campaigns.compose.triggers.arrivals import TAKE
from campaigns.dispatch import message_changes, variants
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import resume_where_it_fits
from campaigns.dispatch.freeze.events import triggers_with_waiting
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState, Tally
from campaigns.dispatch.tally import TallyChanges
from campaigns.dispatch.workers.slots import delete_abandoned, record_heartbeat
from campaigns.gateway.key_in_use import using
from campaigns.ledger.models import LedgerTotal
from campaigns.shared import database_clock
from campaigns.shared.money import exact
from campaigns.shared.queue import enqueue, waiting
from campaigns.team import safe_mode
from campaigns.team.brand_keys.in_use import keys_in_use

logger = logging.getLogger(__name__)
BATCHES_PER_TRANSACTION = 200  # when a campaign is cancelled
PROCESS = "sweep-process"  # the heartbeat of `manage.py sweep`, while "sweep" is that of any sweep
MAX_WAITING_TASKS = 50  # beyond it another wake-up would only lengthen the queue
TELL_EVERY = 600.0  # seconds, of safe mode
_told_at = -TELL_EVERY
_logged: dict[int, int] = {}  # recipients of campaigns that were done when it was logged


def sweep() -> None:
    """Sweep once."""
    now = database_clock.now()
    record_heartbeat("sweep")
    release_expired_leases(now)
    if safe_mode.count_up(now, lifecycle.any_under_way()):
        _tell_of_safe_mode()
    else:
        for key in keys_in_use():
            with using(key):
                lifecycle.start_due(now)
                resume_where_it_fits()
    for trigger_id in triggers_with_waiting():
        enqueue(TAKE, trigger_id)
    for series_id in runs.due(now):
        enqueue(runs.START, series_id)
    cancel_remaining()
    finish_campaigns()
    delete_abandoned(now)
    wake_worker()


def wake_worker() -> None:
    """Wake a worker, unless enough wake-ups are waiting already."""
    if waiting() < MAX_WAITING_TASKS:
        enqueue(lifecycle.WAKE)


def release_expired_leases(now: datetime) -> None:
    """End leases that ran out: LEASED -> READY, since nothing was sent; SENDING -> AMBIGUOUS."""
    expired = Batch.objects.filter(lease_until__lte=now)
    expired.filter(state=BatchState.LEASED).update(
        state=BatchState.READY, token="", lease_until=None
    )
    expired.filter(state=BatchState.SENDING).update(
        state=BatchState.AMBIGUOUS, token="", lease_until=None, not_before=now
    )


def _tell_of_safe_mode() -> None:
    """Say in the log why nothing is sent, now and then."""
    global _told_at
    if time.monotonic() >= _told_at + TELL_EVERY:
        _told_at = time.monotonic()
        logger.warning(safe_mode.notice())


def log_progress() -> None:
    """Write into the log how far each campaign is that sends, unless it stands still. Called once a
    minute, by one process of all.
    """
    sending = Tally.objects.filter(campaign__state=CampaignState.SENDING)
    settled = sending.order_by("campaign_id").values_list("campaign_id", "campaign__audience")
    for campaign_id, audience, people in settled.annotate(people=Sum("recipients")):
        if people != _logged.get(campaign_id, 0):
            _logged[campaign_id] = people
            logger.info(
                "Campaign %s: %s of %s recipients done",
                campaign_id,
                people,
                audience,
                extra={"campaign_id": campaign_id},
            )


def _campaigns_with_ready_batches(state: CampaignState) -> list[int]:
    ids = Campaign.objects.filter(state=state).order_by("-pk").values_list("pk", flat=True)
    ready = Batch.objects.filter(state=BatchState.READY, campaign_id__in=ids)
    return list(ready.order_by().values_list("campaign_id", flat=True).distinct())


def cancel_remaining() -> None:
    """Cancel the recipients of cancelled campaigns that are in READY or WAITING batches."""
    variants.release_cancelled()
    for campaign_id in _campaigns_with_ready_batches(CampaignState.CANCELLED):
        while _cancel_next_batches(campaign_id):
            pass


@transaction.atomic
def _cancel_next_batches(campaign_id: int) -> int:
    """Cancel the queued recipients of some READY batches; return the number of these batches."""
    ready = Batch.objects.filter(campaign_id=campaign_id, state=BatchState.READY)
    numbers = list(
        ready.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        .order_by("number")
        .values_list("number", flat=True)[:BATCHES_PER_TRANSACTION]
    )
    batches = Batch.objects.filter(campaign_id=campaign_id, number__in=numbers)
    recipients = Recipient.objects.filter(
        campaign_id=campaign_id, batch_number__in=numbers, send_state=SendState.QUEUED
    )
    changes = TallyChanges()
    by_country = recipients.order_by().values_list("country").annotate(people=Count("pk"))
    for country, count in by_country:
        changes.add(
            campaign_id, country, SendState.CANCELLED.value, reason="cancelled", recipients=count
        )
    message_changes.record_cancelled(campaign_id, recipients)
    recipients.update(send_state=SendState.CANCELLED, reason="cancelled")
    changes.write()
    ids = list(batches.values_list("pk", flat=True))
    batches.update(state=BatchState.DONE, done_at=timezone.now(), not_before=None)
    holds.recompute(ids)
    return len(numbers)


def finish_campaigns() -> None:
    """Finish the campaigns that have nobody left to send to, paused ones too.

    Those of an account of which no key is in use wait.
    """
    under_way: set[int] = set()
    states = [CampaignState.SENDING, CampaignState.PAUSED]
    is_closed = Q(open_until=None) | Q(open_until__lte=database_clock.now())
    for key in keys_in_use():
        with using(key):
            campaigns = Campaign.objects.filter(
                reachable(), is_closed, audience__gt=0, state__in=states
            )
            under_way.update(campaigns.values_list("pk", flat=True))
    for campaign_id in sorted(under_way):
        finish_if_done(campaign_id)


def finish_if_done(campaign_id: int) -> bool:
    """Finish a campaign when its whole audience has final states; return whether it is finished."""
    if Batch.objects.filter(campaign_id=campaign_id).exclude(state=BatchState.DONE).exists():
        return False
    settled = (
        Tally.objects.filter(campaign_id=campaign_id).aggregate(people=Sum("recipients"))["people"]
        or 0
    )
    audience = Campaign.objects.get(pk=campaign_id).audience
    if settled != audience or not lifecycle.finish(campaign_id, audience):
        return False
    _log_result(campaign_id)
    return True


def _log_result(campaign_id: int) -> None:
    """Write into the log what a campaign came to, as far as it is known at its end."""
    tallies = Tally.objects.filter(campaign_id=campaign_id).order_by("send_state")
    counts = tallies.values_list("send_state").annotate(Sum("recipients"))
    totals = LedgerTotal.objects.filter(campaign_id=campaign_id).exclude(currency="")
    costs = totals.order_by("currency").values_list("currency").annotate(Sum("amount"))
    logger.info(
        "Campaign %s ended with %s; charged so far: %s",
        campaign_id,
        ", ".join(f"{count} {state}" for state, count in counts),
        ", ".join(f"{exact(amount)} {currency}" for currency, amount in costs) or "nothing",
        extra={"campaign_id": campaign_id},
    )
