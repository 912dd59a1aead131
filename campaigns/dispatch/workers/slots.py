"""Worker slots: one process at a time does a job on a machine, until its lease ends.

A slot is a row of Heartbeat, which exists only while the slot is held. Other rows of that table
are plain heartbeats, such as the sweep's.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers import stopping

LEASE = timedelta(seconds=15)
RENEW_INTERVAL = timedelta(seconds=3)
ABANDONED_AFTER = timedelta(hours=1)  # since the end of the lease


class WorkerSlot:
    """`with WorkerSlot("reconcile") as slot:` one process of a machine gets the slot.

    `slot.held` says whether this process has it.
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
        self.held = bool(free.update(at=now, until=now + LEASE, token=self.token)) or self._create(
            now
        )
        return self

    def _create(self, now: datetime) -> bool:
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
        """Renew the lease if it is time to; return whether to go on: whether the slot is still held
        and the queue is not to end.
        """
        now = timezone.now()
        if now - self._renewed_at >= RENEW_INTERVAL:
            self._renewed_at = now
            ours = Heartbeat.objects.filter(name=self.name, token=self.token)
            self.held = bool(ours.update(at=now, until=now + LEASE))
        return self.held and not stopping.is_requested()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.held:
            Heartbeat.objects.filter(name=self.name, token=self.token).delete()


def delete_abandoned(now: datetime) -> None:
    """Delete slots whose process was killed and that nobody took over since: the job is done."""
    Heartbeat.objects.filter(until__lt=now - ABANDONED_AFTER).delete()


def record_heartbeat(name: str) -> None:
    """Record a sign of life of `name`."""
    Heartbeat.objects.update_or_create(name=name[:100], defaults={"at": timezone.now()})


def is_taken(job: str) -> bool:
    """Whether a process of this machine has the slot for `job` now."""
    return Heartbeat.objects.filter(
        name=f"{job}@{settings.WORKER_NAME}"[:100], until__gt=timezone.now()
    ).exists()


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of a key among the keys in use. As long as there are jobs for all of them, each has
    one that no other takes, so that a slow account holds up no other.
    """

    place: int = 0
    keys: int = 1

    def of(self, jobs: dict[str, int]) -> dict[str, int]:
        """Those of `jobs` that the key may take: its own, and what is left when each key has one.
        With fewer jobs than keys, all: the keys take turns.
        """
        if self.keys > len(jobs):
            return jobs
        names = list(jobs)
        return {name: jobs[name] for name in (names[self.place], *names[self.keys :])}


ALONE = Turn()


def send_jobs(turn: Turn = ALONE) -> dict[str, int]:
    """The sender jobs of this machine, each with its share of SEND_CONNECTIONS: those that the key
    may take whose `turn` it is.

    There are several, since a process uses one core at a time, and as each key gets its own. Two
    workers are left for everything else.
    """
    return turn.of(_shared("send", _count_senders(turn.keys)))


def ask_jobs(turn: Turn = ALONE) -> dict[str, int]:
    """The jobs of this machine that ask for statuses, each with its share of SEND_CONNECTIONS:
    those that the key may take whose `turn` it is. One for each key, as far as one worker is left
    for everything else.
    """
    spare = settings.WORKERS - _count_senders(turn.keys) - 1
    return turn.of(_shared("ask", max(1, min(turn.keys, settings.SEND_CONNECTIONS, spare))))


def is_any_free(jobs: Iterable[str]) -> bool:
    """Whether no process of this machine has the slot of one of `jobs`."""
    return not all(map(is_taken, jobs))


def _count_senders(keys: int) -> int:
    wanted = max(settings.SEND_PROCESSES, keys)
    return max(1, min(wanted, settings.SEND_CONNECTIONS, settings.WORKERS - 2))


def _shared(job: str, count: int) -> dict[str, int]:
    """So many jobs with this name, each with its share of SEND_CONNECTIONS."""
    share, extra = divmod(settings.SEND_CONNECTIONS, count)
    return {
        f"{job}-{number}" if number else job: share + (number < extra) for number in range(count)
    }
