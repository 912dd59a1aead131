"""The tasks of the queue; each works for a limited time."""

from collections.abc import Sequence
from datetime import timedelta

from django.utils import timezone

from campaigns.compose.triggers import arrivals
from campaigns.dispatch.tasks import ASK, work
from campaigns.dispatch.workers.slots import WorkerSlot, ask_jobs, is_any_free
from campaigns.dispatch.workers.turns import enqueue_for, find_key, turns
from campaigns.gateway.bsg.client import client_in_use
from campaigns.gateway.key_in_use import using
from campaigns.results import clear_rehearsals
from campaigns.results.gateway_check import following
from campaigns.results.money import gateway_comparison
from campaigns.results.polling import asker, hints
from campaigns.results.retention import nightly
from campaigns.results.stop_proposals import nightly as proposing
from campaigns.results.variants import decision
from campaigns.shared.queue import enqueue, waiting
from campaigns.team import accounts
from campaigns.team.brand_keys.in_use import keys_in_use

SLICE = timedelta(seconds=15)  # of asking in one task
WAITING_MAX = 50  # tasks in the queue, beyond which no more are added
CHECK_MONEY = "campaigns.results.tasks.check_money"
FOLLOW_CHECKS = "campaigns.results.tasks.follow_checks"


def wake(first: int = 0) -> None:
    """Start asking if anything is due, decide between variants whose time has come, look after
    checks of the gateway, and delete an old rehearsal.

    Keys after the one of `first` come before it, as in dispatch.tasks.work.
    """
    clear_rehearsals.delete_old_rehearsal(timezone.now())
    arrivals.remove_old(timezone.now())
    decision.decide_due(timezone.now())
    for turn, key in turns(first):
        with using(key):
            if is_any_free(ask_jobs(turn)) and asker.is_due(timezone.now()):
                enqueue_for(key.owner, ASK)
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


def ask(owner: int = 0) -> None:
    """Ask the gateway about messages with the key of `owner`, for the time of a slice. One process
    of a machine does so for a key.
    """
    found = find_key(owner)
    if found is None:
        return
    key, turn = found
    for job, connections in ask_jobs(turn).items():
        with WorkerSlot(job) as slot:
            if not slot.held:
                continue
            with using(key):
                is_unfinished = asker.ask(
                    client_in_use(), connections, timezone.now() + SLICE, slot.renew
                )
        if is_unfinished:
            enqueue_for(owner, ASK)
        if turn.keys > 1:
            wake(owner)
        work(owner)  # what proved to be not accepted is sent again
        _wake_for_checks()
        return


def follow_checks() -> None:
    """Look after the messages of checks of the gateway."""
    following.follow(timezone.now())


def check_money(owner: int = 0) -> None:
    """Read the balance once an hour and check a sample of messages once a night, with the key of
    `owner`; with that of the environment, also have other tasks do so with the keys of brands.
    """
    keys = keys_in_use()
    for other in keys:
        if not owner and other.owner:
            enqueue_for(other.owner, CHECK_MONEY)
    key = next((key for key in keys if key.owner == owner), None)
    if key is None:
        return
    with WorkerSlot(f"money-{owner}" if owner else "money") as slot, using(key):
        if not slot.held or accounts.load().is_new_key:
            return
        client, now = client_in_use(), timezone.now()
        gateway_comparison.read_balance(client, now)
        gateway_comparison.check_nightly(client, now)


def remove_old() -> None:
    """Do the work of the night for some seconds: propose phones for the stop list, and delete old
    data. One process does so on a machine.
    """
    with WorkerSlot("remove-old") as slot:
        if slot.held:
            proposing.propose(timezone.now())
            nightly.remove_old(timezone.now())
