"""Whether the queue of this machine works: its tasks leave their signs of life in the database."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max

from campaigns.compose import lifecycle
from campaigns.dispatch.models import Heartbeat
from campaigns.queue import enqueue

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
        """Whether nothing was heard of the queue for too long. Gives it something to do where it is quiet."""
        silence = now - max(self.since, _last_sign() or self.since)
        if silence > SILENT:
            return True
        if silence > QUIET:
            enqueue(lifecycle.WAKE)
        return False


def _last_sign() -> datetime | None:
    """When a task of this machine last left a sign of life: at its start, or while it kept its seat."""
    last: datetime | None = Heartbeat.objects.filter(name__endswith=f"@{settings.WORKER_NAME}").aggregate(
        last=Max("at")
    )["last"]
    return last
