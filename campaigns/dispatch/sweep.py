"""The sweep: put right what died half-way, start what is due, finish what is done, and wake the
workers.

Runs from a schedule of the queue and from `manage.py sweep` outside it; any number of sweeps at
once do no harm.
"""

from datetime import datetime

from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState, Tally
from campaigns.dispatch.tally import Moves
from campaigns.dispatch.workers.slots import beat, delete_abandoned
from campaigns.shared.queue import drop_unreadable, enqueue, waiting
from campaigns.team import safe_mode

CANCEL_SLICE = 200  # batches in one transaction
QUEUE_MAX = 50  # waiting tasks; beyond it another wake-up would only add to the heap


def sweep() -> None:
    """One sweep."""
    now = timezone.now()
    beat("sweep")
    free_expired(now)
    if not safe_mode.count_up(now, lifecycle.any_under_way()):
        lifecycle.start_due(now)
    cancel_rests()
    for campaign_id in Campaign.objects.filter(state=CampaignState.SENDING).values_list(
        "pk", flat=True
    ):
        finish_if_done(campaign_id)
    drop_unreadable()
    delete_abandoned(now)
    wake()


def wake() -> None:
    """Wake a worker, unless enough wake-ups wait already."""
    if waiting() < QUEUE_MAX:
        enqueue(lifecycle.WAKE)


def free_expired(now: datetime) -> None:
    """Leases that ended: what had not left is READY again, what may have left is AMBIGUOUS."""
    over = Batch.objects.filter(lease_until__lte=now)
    over.filter(state=BatchState.LEASED).update(
        state=BatchState.READY, token="", lease_until=None, held=None
    )
    over.filter(state=BatchState.SENDING).update(
        state=BatchState.AMBIGUOUS, token="", lease_until=None, not_before=now
    )


def _with_open_batches(state: CampaignState) -> list[int]:
    """Campaigns in `state` that have batches which nobody has sent."""
    ids = Campaign.objects.filter(state=state).order_by("-pk").values_list("pk", flat=True)
    ready = Batch.objects.filter(state=BatchState.READY, campaign_id__in=ids)
    return list(ready.order_by().values_list("campaign_id", flat=True).distinct())


def cancel_rests() -> None:
    """Call off whoever of the cancelled campaigns has not been sent to."""
    for campaign_id in _with_open_batches(CampaignState.CANCELLED):
        cancel_rest(campaign_id)


def cancel_rest(campaign_id: int) -> None:
    """Whoever of a cancelled campaign has not been sent to becomes CANCELLED, a slice of batches at
    a time.
    """
    while _cancel_slice(campaign_id):
        pass


@transaction.atomic
def _cancel_slice(campaign_id: int) -> int:
    ready = Batch.objects.filter(campaign_id=campaign_id, state=BatchState.READY)
    numbers = list(
        ready.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)
        .order_by("number")
        .values_list("number", flat=True)[:CANCEL_SLICE]
    )
    ours = Batch.objects.filter(campaign_id=campaign_id, number__in=numbers)
    people = Recipient.objects.filter(
        campaign_id=campaign_id, batch_number__in=numbers, send_state=SendState.QUEUED
    )
    moves = Moves()
    for country, number in people.order_by().values_list("country").annotate(people=Count("pk")):
        moves.arrive(
            campaign_id, country, SendState.CANCELLED.value, reason="cancelled", people=number
        )
    people.update(send_state=SendState.CANCELLED, reason="cancelled")
    moves.write()
    ours.update(state=BatchState.DONE, done_at=timezone.now())
    return len(numbers)


def finish_if_done(campaign_id: int) -> bool:
    """Finish a campaign when all of its audience is counted in final states. Whether it is finished
    now.
    """
    if Batch.objects.filter(campaign_id=campaign_id).exclude(state=BatchState.DONE).exists():
        return False
    settled = (
        Tally.objects.filter(campaign_id=campaign_id).aggregate(people=Sum("recipients"))["people"]
        or 0
    )
    audience = Campaign.objects.get(pk=campaign_id).audience
    return settled == audience and lifecycle.finish(campaign_id)
