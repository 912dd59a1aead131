"""Whether the queue of this machine works: each task done and acknowledged is a sign of life.

A task that was done is not enough. When the process that acknowledges tasks died with its lock,
tasks are still done, but again and again, and the queue grows. See docs/queue.md.
"""

import time
from contextlib import suppress
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers.slots import record_heartbeat
from campaigns.shared.queue import enqueue

QUEUE = "queue@"  # begins the names of their heartbeats; the machine follows
SIGN_INTERVAL = 5.0  # seconds; signs of life are not written more often

QUIET_AFTER = timedelta(seconds=30)  # without a sign of life: the queue is given a task
STALLED_AFTER = timedelta(seconds=120)  # without a sign of life: the queue is restarted
LONGEST_PATIENCE = timedelta(minutes=30)  # with a queue that was restarted in vain


class QueueWatch:
    """Watches the queue of this machine, from the moment `since`.

    A queue that was restarted and still shows no sign of life gets twice the time at each further
    restart: a machine under heavy load may need more than the usual time to start it.
    """

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.patience = STALLED_AFTER

    def restart(self, now: datetime) -> None:
        """Count the silence from now on."""
        self.since = now

    def is_stalled(self, now: datetime) -> bool:
        """Whether the last sign of life is too long ago. Enqueues a task if the queue is quiet."""
        last_sign = _last_sign() or self.since
        if last_sign > self.since:
            self.patience = STALLED_AFTER
        silence = now - max(self.since, last_sign)
        if silence > self.patience:
            self.patience = min(2 * self.patience, LONGEST_PATIENCE)
            return True
        if silence > QUIET_AFTER:
            enqueue(lifecycle.WAKE)
        return False


def record_sign_of_life(**_signal: object) -> None:
    """Record that a task was acknowledged. Called in the queue's monitor, which must not fail."""
    global _recorded_at
    if time.monotonic() - _recorded_at < SIGN_INTERVAL:
        return
    try:
        record_heartbeat(_queue_name())
    except Error:
        return  # the database is unavailable: the next task tries again
    _recorded_at = time.monotonic()


_recorded_at = 0.0


def forget_queue() -> None:
    """The queue of this machine was stopped in order: nobody has to wait whether it is there."""
    with suppress(Error):
        Heartbeat.objects.filter(name=_queue_name()).delete()


def count_idle_machines(job: str) -> int:
    """How many other machines have a working queue and nobody at `job`."""
    now = timezone.now()
    alive = _machines(Heartbeat.objects.filter(name__startswith=QUEUE, at__gt=now - STALLED_AFTER))
    at_job = _machines(Heartbeat.objects.filter(name__startswith=f"{job}@", until__gt=now))
    return len(alive - at_job - {settings.WORKER_NAME})


def is_any_alive() -> bool:
    """Whether the queue of any machine works."""
    signs = Heartbeat.objects.filter(name__startswith=QUEUE)
    return signs.filter(at__gt=timezone.now() - STALLED_AFTER).exists()


def _machines(heartbeats: QuerySet[Heartbeat]) -> set[str]:
    return {name.partition("@")[2] for name in heartbeats.values_list("name", flat=True)}


def _queue_name() -> str:
    return f"{QUEUE}{settings.WORKER_NAME}"[:100]


def _last_sign() -> datetime | None:
    return Heartbeat.objects.filter(name=_queue_name()).values_list("at", flat=True).first()
