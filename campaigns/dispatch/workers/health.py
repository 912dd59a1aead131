"""Whether the queue of this machine works: each task that was done and acknowledged is its sign of
life.

A task alone would not be one. Where the process that acknowledges has died with its lock, tasks are
still done, and then done again and again, and the queue grows.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers.slots import beat
from campaigns.shared.queue import enqueue

OFTEN = 5.0  # seconds; signs of life are not written more often

QUIET = timedelta(seconds=30)  # without a sign of life, until the queue is given something to do
SILENT = timedelta(seconds=120)  # until it is held to stand still


class Watch:
    """Watches the queue of this machine since the moment `since`."""

    def __init__(self, since: datetime) -> None:
        self.since = since

    def begin(self, now: datetime) -> None:
        """Count silence from now on."""
        self.since = now

    def stands_still(self, now: datetime) -> bool:
        """Whether nothing was heard of the queue for too long. Gives it something to do where it is
        quiet.
        """
        silence = now - max(self.since, _last_sign() or self.since)
        if silence > SILENT:
            return True
        if silence > QUIET:
            enqueue(lifecycle.WAKE)
        return False


def leave_sign(**_signal: object) -> None:
    """A task was acknowledged. Called in the queue's monitor, which must not die of it."""
    global _left_at
    if time.monotonic() - _left_at < OFTEN:
        return
    try:
        beat(_name())
    except Error:
        return  # the database is away: the next one tries again
    _left_at = time.monotonic()


_left_at = 0.0


def idle_elsewhere(job: str) -> int:
    """How many other machines there are whose queue works and where nobody is at `job`."""
    now = timezone.now()
    alive = _machines(Heartbeat.objects.filter(name__startswith="queue@", at__gt=now - SILENT))
    at_it = _machines(Heartbeat.objects.filter(name__startswith=f"{job}@", until__gt=now))
    return len(alive - at_it - {settings.WORKER_NAME})


def _machines(heartbeats: QuerySet[Heartbeat]) -> set[str]:
    return {name.partition("@")[2] for name in heartbeats.values_list("name", flat=True)}


def _name() -> str:
    return f"queue@{settings.WORKER_NAME}"[:100]


def _last_sign() -> datetime | None:
    return Heartbeat.objects.filter(name=_name()).values_list("at", flat=True).first()
