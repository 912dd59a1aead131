"""Who is at work: a seat is held by one process at a time, until its lease ends; its row is there
no longer than that. The rows are the heartbeats too.
"""

import secrets
from datetime import datetime, timedelta
from types import TracebackType

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.dispatch.models import Heartbeat

LEASE = timedelta(seconds=15)
RENEW = timedelta(seconds=3)
GIVEN_UP = timedelta(hours=1)  # since the end of a lease


class WorkerSlot:
    """`with Seat("reconcile") as seat:` one process a worker machine; `seat.held` says whether it
    is us.
    """

    def __init__(self, job: str) -> None:
        self.name = f"{job}@{settings.WORKER_NAME}"[:100]
        self.token = secrets.token_hex(16)
        self.held = False
        self._renewed_at = timezone.now()

    def __enter__(self) -> "WorkerSlot":
        now = timezone.now()
        free = Heartbeat.objects.filter(name=self.name, until__lte=now) | Heartbeat.objects.filter(
            name=self.name, until__isnull=True
        )
        self.held = bool(free.update(at=now, until=now + LEASE, token=self.token)) or self._first(
            now
        )
        return self

    def _first(self, now: datetime) -> bool:
        if Heartbeat.objects.filter(name=self.name).exists():
            return False
        try:
            with transaction.atomic():
                Heartbeat.objects.create(
                    name=self.name, at=now, until=now + LEASE, token=self.token
                )
        except IntegrityError:
            return False
        return True

    def renew(self) -> bool:
        """Keep the seat, where its lease is due to be renewed. Whether it is still ours."""
        now = timezone.now()
        if now - self._renewed_at >= RENEW:
            self._renewed_at = now
            ours = Heartbeat.objects.filter(name=self.name, token=self.token)
            self.held = bool(ours.update(at=now, until=now + LEASE))
        return self.held

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.held:
            Heartbeat.objects.filter(name=self.name, token=self.token).delete()


def delete_abandoned(now: datetime) -> None:
    """Take away the seats that nobody gave back and nobody took over: their process was killed,
    their job is done.
    """
    Heartbeat.objects.filter(until__lt=now - GIVEN_UP).delete()


def beat(name: str) -> None:
    """A sign of life of `name`, now."""
    Heartbeat.objects.update_or_create(name=name[:100], defaults={"at": timezone.now()})


def is_taken(job: str) -> bool:
    """Whether somebody on this machine is at `job` now."""
    return Heartbeat.objects.filter(
        name=f"{job}@{settings.WORKER_NAME}"[:100], until__gt=timezone.now()
    ).exists()


def send_jobs() -> dict[str, int]:
    """The jobs of this machine's senders, and the connections of each: SEND_CONNECTIONS in equal
    shares.

    One process is at work on one core at a time, so there are several; two workers are left for
    everything else.
    """
    senders = max(1, min(settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS - 2))
    share, over = divmod(settings.SEND_CONNECTIONS, senders)
    return {
        f"send-{place}" if place else "send": share + (place < over) for place in range(senders)
    }
