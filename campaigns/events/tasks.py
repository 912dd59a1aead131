"""The tasks of the queue: sending events to webhooks."""

from datetime import timedelta

from django.utils import timezone

from campaigns.dispatch.workers.slots import WorkerSlot, is_taken
from campaigns.events import deliverer, deliveries
from campaigns.shared import database_clock
from campaigns.shared.changes import numbering
from campaigns.shared.queue import enqueue
from campaigns.team import safe_mode

SLOT = "webhooks"
TIME_SLICE = timedelta(seconds=20)


def wake() -> None:
    """Number what is new, and start sending if anything is due."""
    numbering.number_new()
    if safe_mode.in_safe_mode():
        return
    if not is_taken(SLOT) and deliveries.due_webhooks(database_clock.now()):
        enqueue(deliveries.DELIVER)


def deliver() -> None:
    """Send events for the time of a slice; one process does so on a machine.

    In safe mode nothing is sent: this may be the copy of another installation.
    """
    if safe_mode.in_safe_mode():
        return
    with WorkerSlot(SLOT) as slot:
        if not slot.held:
            return
        has_more = deliverer.deliver(timezone.now() + TIME_SLICE, slot.renew)
    if has_more:
        enqueue(deliveries.DELIVER)
