"""The tasks of the queue; each works for a limited time."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.tasks import ASK, work
from campaigns.dispatch.workers.slots import WorkerSlot, is_taken
from campaigns.gateway.bsg.client import client_from_settings
from campaigns.results import clear_rehearsals
from campaigns.results.gateway_check import following
from campaigns.results.money import gateway_comparison
from campaigns.results.polling import asker, hints
from campaigns.results.retention import nightly
from campaigns.shared.queue import enqueue, waiting
from campaigns.team import accounts

SLICE = timedelta(seconds=15)  # of asking in one task
WAITING_MAX = 50  # tasks in the queue, beyond which no more are added
FOLLOW_CHECKS = "campaigns.results.tasks.follow_checks"


def wake() -> None:
    """Start asking if anything is due, look after checks of the gateway, and delete an old
    rehearsal.
    """
    clear_rehearsals.delete_old_rehearsal(timezone.now())
    if not is_taken("ask") and asker.is_due(timezone.now()):
        enqueue(ASK)
    _wake_for_checks()


def _wake_for_checks() -> None:
    if following.open_checks().exists():
        enqueue(FOLLOW_CHECKS)


def note(references: Sequence[str]) -> None:
    """Store the references that delivery reports name, and start asking about them."""
    stored = hints.store(references)
    following.note_reports(references)
    if stored and waiting() < WAITING_MAX:
        wake()


def ask() -> None:
    """Ask the gateway about messages for the time of a slice; one process does so on a machine."""
    with WorkerSlot("ask") as slot:
        if not slot.held:
            return
        client = client_from_settings()
        is_unfinished = asker.ask(
            client, settings.SEND_CONNECTIONS, timezone.now() + SLICE, slot.renew
        )
    if is_unfinished:
        enqueue(ASK)
    work()  # what proved to be not accepted is sent again
    _wake_for_checks()


def follow_checks() -> None:
    """Look after the messages of checks of the gateway."""
    following.follow(timezone.now())


def check_money() -> None:
    """Read the balance once an hour and check a sample of messages once a night."""
    with WorkerSlot("money") as slot:
        if not slot.held or accounts.load().is_new_key:
            return
        client, now = client_from_settings(), timezone.now()
        gateway_comparison.read_balance(client, now)
        gateway_comparison.check_nightly(client, now)


def remove_old() -> None:
    """Delete old data for some seconds; one process does so on a machine."""
    with WorkerSlot("remove-old") as slot:
        if slot.held:
            nightly.remove_old(timezone.now())
