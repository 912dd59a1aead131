"""What the queue calls. A task is a bounded slice of work found in the tables: lost or doubled, it
changes nothing.
"""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch import sweep as sweep_module
from campaigns.dispatch.budgets import warnings
from campaigns.dispatch.freeze import recipients
from campaigns.dispatch.send import resolve_unknown
from campaigns.dispatch.send.leases import askable
from campaigns.dispatch.send.running_campaigns import sendable
from campaigns.dispatch.send.sender import Sender
from campaigns.dispatch.workers import health
from campaigns.dispatch.workers.slots import WorkerSlot, is_taken, send_jobs
from campaigns.gateway.bsg.client import client_from_settings
from campaigns.shared.queue import enqueue
from campaigns.team import safe_mode

REHEARSERS = 2  # threads: nobody waits for a network
SLICE = timedelta(seconds=20)  # of work in one task, far below the queue's time-out
# times that a task to send looks for a machine with a free seat; the next sweep wakes anew
HOPS = 5
PREPARE, SEND, REHEARSE, RECONCILE = (
    f"campaigns.dispatch.tasks.{name}" for name in ("prepare", "send", "rehearse", "reconcile")
)


def work() -> None:
    """Look what there is to do, and wake a worker for each kind of it."""
    for campaign_id in Campaign.objects.filter(state=CampaignState.PREPARING).values_list(
        "pk", flat=True
    ):
        enqueue(PREPARE, campaign_id)
    sweep_module.cancel_rests()
    now = timezone.now()
    jobs = send_jobs()
    free = sum(not is_taken(job) for job in jobs) + len(jobs) * health.idle_elsewhere("send")
    if free and sendable(now).exists():
        for _ in range(free):
            enqueue(SEND)
    if not is_taken("rehearse") and sendable(now, rehearsals=True).exists():
        enqueue(REHEARSE)
    if not is_taken("reconcile") and askable(now).exists():
        enqueue(RECONCILE)


def prepare(campaign_id: int) -> None:
    """Freeze the audience of a campaign, for a bounded time."""
    with WorkerSlot(f"prepare-{campaign_id}") as seat:
        if not seat.held:
            return
        done = recipients.freeze(campaign_id, timezone.now() + SLICE, seat.renew)
    if done:
        work()
    else:
        enqueue(PREPARE, campaign_id)


def send(hops: int = HOPS) -> None:
    """Send what may be sent, for a bounded time, from a seat of this machine that is free.

    Where none is, another machine may have been meant: the task goes round `hops` times at most.
    """
    for job, connections in send_jobs().items():
        with WorkerSlot(job) as seat:
            if not seat.held:
                continue
            safe_mode.look(timezone.now(), lifecycle.any_under_way())
            left = Sender(
                client_from_settings(), connections, timezone.now() + SLICE, seat.renew
            ).run()
        _finish()
        if left:
            enqueue(SEND)
        else:
            work()
        return
    if hops and health.idle_elsewhere("send"):
        enqueue(SEND, hops - 1)


def rehearse() -> None:
    """Send what is rehearsed, for a bounded time, from a seat beside the senders': nothing of it
    leaves the house.
    """
    with WorkerSlot("rehearse") as seat:
        if not seat.held:
            return
        safe_mode.look(timezone.now(), lifecycle.any_under_way())
        left = Sender(None, REHEARSERS, timezone.now() + SLICE, seat.renew).run()
    _finish()
    if left:
        enqueue(REHEARSE)
    else:
        work()


def _finish() -> None:
    for campaign_id in Campaign.objects.filter(state=CampaignState.SENDING).values_list(
        "pk", flat=True
    ):
        sweep_module.finish_if_done(campaign_id)


def reconcile() -> None:
    """Ask the gateway for what nobody knows, for a bounded time."""
    with WorkerSlot("reconcile") as seat:
        if not seat.held:
            return
        client = client_from_settings()
        left = resolve_unknown.reconcile(
            client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, seat.renew
        )
    if left:
        enqueue(RECONCILE)
    else:
        work()


def sweep() -> None:
    """The schedule's sweep; `manage.py sweep` is the other."""
    sweep_module.sweep()


def warn() -> None:
    """The schedule's look at the budgets."""
    warnings.warn()


def mail_warning(pk: int) -> None:
    """Tell that a step of a budget is reached."""
    warnings.tell(pk)
