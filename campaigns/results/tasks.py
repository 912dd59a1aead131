"""The tasks of the queue; each works for a limited time."""

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
from campaigns.team import accounts

SLICE = timedelta(seconds=15)  # of polling in one task
WAITING_MAX = 50  # tasks in the queue, beyond which no more are added
FOLLOW = "campaigns.results.tasks.follow"


def wake() -> None:
    """Start polling if anything is due, and delete an old rehearsal."""
    clear_rehearsals.delete_old_rehearsal(timezone.now())
    if not is_taken("follow") and poller.is_due(timezone.now()):
        enqueue(FOLLOW)


def note(references: Sequence[str]) -> None:
    """Store the references that delivery reports name, and start polling for them."""
    if hints.store(references) and waiting() < WAITING_MAX:
        wake()


def follow() -> None:
    """Poll statuses for the time of a slice; one process does so on each machine."""
    with WorkerSlot("follow") as slot:
        if not slot.held:
            return
        client = client_from_settings()
        is_unfinished = poller.poll(
            client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, slot.renew
        )
    if is_unfinished:
        enqueue(FOLLOW)


def check_money() -> None:
    """Read the balance once an hour and check a sample of messages once a night."""
    with WorkerSlot("money") as slot:
        if not slot.held or accounts.load().is_new_key:
            return
        client, now = client_from_settings(), timezone.now()
        gateway_comparison.read_balance(client, now)
        gateway_comparison.check_nightly(client, now)
