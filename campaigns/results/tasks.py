"""What the queue calls: asking for statuses, a bounded slice at a time."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.workers.slots import WorkerSlot, is_taken
from campaigns.gateway.bsg.client import client_from_settings
from campaigns.results import clear_rehearsals
from campaigns.results.money import gateway_comparison
from campaigns.results.polling import hints, poller
from campaigns.shared.queue import enqueue, waiting

SLICE = timedelta(seconds=15)
WAITING_MAX = 50  # waiting tasks; beyond it another wake-up would only add to the heap
FOLLOW = "campaigns.results.tasks.follow"


def wake() -> None:
    """Wake a worker where something is worth asking for; clear away what was rehearsed long ago."""
    clear_rehearsals.delete_old_rehearsal(timezone.now())
    if not is_taken("follow") and poller.is_due(timezone.now()):
        enqueue(FOLLOW)


def note(references: Sequence[str]) -> None:
    """Note what delivery reports name, and wake a worker to ask for it."""
    if hints.store(references) and waiting() < WAITING_MAX:
        wake()


def follow() -> None:
    """Ask the gateway what became of messages, for a bounded time, from this machine's seat."""
    with WorkerSlot("follow") as seat:
        if not seat.held:
            return
        client = client_from_settings()
        left = poller.poll(client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, seat.renew)
    if left:
        enqueue(FOLLOW)


def check_money() -> None:
    """The schedule's look at the account: its balance each hour, a sample of messages each
    night.
    """
    with WorkerSlot("money") as seat:
        if not seat.held:
            return
        client, now = client_from_settings(), timezone.now()
        gateway_comparison.read_balance(client, now)
        gateway_comparison.check_nightly(client, now)
