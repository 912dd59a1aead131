"""The tasks of the queue: each finds its work in the tables and does it for a limited time.

A task that is lost or runs twice changes nothing. See docs/queue.md.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.reachable import sendable, using_key_of_campaign
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.series import runs
from campaigns.dispatch import sweep as sweep_module
from campaigns.dispatch.budgets import warnings
from campaigns.dispatch.freeze import events, recipients
from campaigns.dispatch.send.leases import reconcilable
from campaigns.dispatch.send.running_campaigns import sendable_batches
from campaigns.dispatch.send.sender import BatchSender
from campaigns.dispatch.workers import health
from campaigns.dispatch.workers.slots import (
    Turn,
    WorkerSlot,
    ask_jobs,
    is_any_free,
    is_taken,
    send_jobs,
)
from campaigns.dispatch.workers.turns import enqueue_for, find_key, turns
from campaigns.gateway.bsg.client import client_in_use
from campaigns.gateway.key_in_use import GatewayKey, using
from campaigns.shared import database_clock
from campaigns.shared.queue import enqueue
from campaigns.team import safe_mode

REHEARSAL_THREADS = 2  # few: a simulated gateway answers without waiting for a network
TIME_SLICE = timedelta(seconds=20)  # of work in one task, far below the queue's time-out
# How often a send task is passed on in search of a machine with a free slot; the next sweep
# wakes them again.
MAX_HOPS = 5
PREPARE, SEND, REHEARSE = (
    f"campaigns.dispatch.tasks.{name}" for name in ("prepare", "send", "rehearse")
)
ASK = "campaigns.results.tasks.ask"  # asks about unknown outcomes too


def work(first: int = 0) -> None:
    """Look what there is to do, and enqueue a task for each kind of it, for each key in use.

    Keys after the one of `first` come before it: where they take turns, it has just had its own.
    """
    sweep_module.cancel_remaining()
    now, preparing = database_clock.now(), set[int]()
    for turn, key in turns(first):
        with using(key):
            campaigns = Campaign.objects.filter(sendable(), state=CampaignState.PREPARING)
            preparing.update(campaigns.values_list("pk", flat=True))
            _enqueue_work(key, turn, now)
    for campaign_id in sorted(preparing):
        enqueue(PREPARE, campaign_id)
    if not is_taken("rehearse") and sendable_batches(now, rehearsals=True).exists():
        enqueue(REHEARSE)


def take_events(trigger_id: int) -> None:
    """Turn the events of a trigger that wait into recipients. In safe mode they go on waiting."""
    if safe_mode.in_safe_mode():
        return
    until = timezone.now() + TIME_SLICE
    if events.take(trigger_id, lambda: timezone.now() < until):
        work()


def start_series(series_id: int) -> None:
    """Make the runs of a series that are due. In safe mode they wait, and are skipped if late."""
    if safe_mode.in_safe_mode():
        return
    with WorkerSlot(f"series-{series_id}") as slot:
        if slot.held and runs.start(series_id, database_clock.now()):
            work()


def _enqueue_work(key: GatewayKey, turn: Turn, now: datetime) -> None:
    """Enqueue tasks to send and to ask about unknown outcomes, with the key in use."""
    jobs = send_jobs(turn)
    idle = health.count_idle_machines(next(iter(jobs)))
    free_slots = sum(not is_taken(job) for job in jobs) + len(jobs) * idle
    if free_slots and sendable_batches(now).exists():
        for _ in range(free_slots):
            _enqueue_send(key.owner)
    if is_any_free(ask_jobs(turn)) and reconcilable(now).exists():
        enqueue_for(key.owner, ASK)


def _enqueue_send(owner: int, hops: int = MAX_HOPS) -> None:
    if owner:
        enqueue(SEND, hops, owner)
    else:
        enqueue(SEND, *([] if hops == MAX_HOPS else [hops]))


def prepare(campaign_id: int) -> None:
    """Freeze the audience of a campaign that may be sent now, for one time slice."""
    with WorkerSlot(f"prepare-{campaign_id}") as slot:
        if not slot.held:
            return
        with using_key_of_campaign(campaign_id):
            if not Campaign.objects.filter(sendable(), pk=campaign_id).exists():
                return
            is_done = recipients.freeze(campaign_id, timezone.now() + TIME_SLICE, slot.renew)
    if is_done:
        work()
    else:
        enqueue(PREPARE, campaign_id)


def send(hops: int = MAX_HOPS, owner: int = 0) -> None:
    """Send with the key of `owner` for one time slice, in a free worker slot of this machine.

    Without a free slot the task may have been meant for another machine, so it is passed on, at
    most `hops` times.
    """
    found = find_key(owner)
    if found is None:
        return
    key, turn = found
    jobs = send_jobs(turn)
    for job, connections in jobs.items():
        with WorkerSlot(job) as slot:
            if not slot.held:
                continue
            safe_mode.detect_restore(timezone.now(), lifecycle.any_under_way())
            with using(key):
                has_more = BatchSender(
                    client_in_use(), connections, timezone.now() + TIME_SLICE, slot.renew
                ).run()
        sweep_module.finish_campaigns()
        if has_more:
            _enqueue_send(owner)
        if not has_more or turn.keys > 1:
            work(owner)
        return
    if hops and health.count_idle_machines(next(iter(jobs))):
        _enqueue_send(owner, hops - 1)


def rehearse() -> None:
    """Send rehearsals for one time slice, to simulated gateways, beside the senders."""
    with WorkerSlot("rehearse") as slot:
        if not slot.held:
            return
        safe_mode.detect_restore(timezone.now(), lifecycle.any_under_way())
        has_more = BatchSender(
            None, REHEARSAL_THREADS, timezone.now() + TIME_SLICE, slot.renew
        ).run()
    sweep_module.finish_campaigns()
    if has_more:
        enqueue(REHEARSE)
    else:
        work()


def sweep() -> None:
    """Sweep, from the queue's schedule; `manage.py sweep` does the same outside the queue."""
    sweep_module.sweep()
    sweep_module.log_progress()


def warn() -> None:
    """Check the budgets, from the queue's schedule."""
    warnings.record_warnings()


def mail_warning(pk: int) -> None:
    """Mail a budget warning."""
    warnings.mail_warning(pk)
