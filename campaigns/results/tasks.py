"""What the queue calls: asking for statuses, a bounded slice at a time."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.seats import Seat, taken
from campaigns.gateway.client import client_from_settings
from campaigns.queue import enqueue
from campaigns.results import polling

SLICE = timedelta(seconds=15)
FOLLOW = "campaigns.results.tasks.follow"


def wake() -> None:
    """Wake a worker where something is worth asking for."""
    if not taken("follow") and polling.due(timezone.now()):
        enqueue(FOLLOW)


def follow() -> None:
    """Ask the gateway what became of messages, for a bounded time, from this machine's seat."""
    with Seat("follow") as seat:
        if not seat.held:
            return
        client = client_from_settings()
        left = polling.poll(client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, seat.renew)
    if left:
        enqueue(FOLLOW)
