"""What the queue calls: asking for statuses, a bounded slice at a time."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.seats import Seat, taken
from campaigns.gateway.client import client_from_settings
from campaigns.queue import enqueue, waiting
from campaigns.results import clearing, comparing, hints, polling

SLICE = timedelta(seconds=15)
QUEUE_MAX = 50  # waiting tasks; beyond it another wake-up would only add to the heap
FOLLOW = "campaigns.results.tasks.follow"


def wake() -> None:
    """Wake a worker where something is worth asking for; clear away what was rehearsed long ago."""
    clearing.clear_old(timezone.now())
    if not taken("follow") and polling.due(timezone.now()):
        enqueue(FOLLOW)


def note(references: Sequence[str]) -> None:
    """Note what delivery reports name, and wake a worker to ask for it."""
    if hints.keep(references) and waiting() < QUEUE_MAX:
        wake()


def follow() -> None:
    """Ask the gateway what became of messages, for a bounded time, from this machine's seat."""
    with Seat("follow") as seat:
        if not seat.held:
            return
        client = client_from_settings()
        left = polling.poll(client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, seat.renew)
    if left:
        enqueue(FOLLOW)


def check_money() -> None:
    """The schedule's look at the account: its balance each hour, a sample of messages each
    night.
    """
    with Seat("money") as seat:
        if not seat.held:
            return
        client, now = client_from_settings(), timezone.now()
        comparing.read_balance(client, now)
        comparing.nightly(client, now)
