"""Tasks of the queue: open, check, run and undo imports, index contacts; for a bounded time."""

import time

from campaigns.contacts.importing import claims, dry_run, lifecycle, runner
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.search import index
from campaigns.contacts.undo import kept_values
from campaigns.contacts.undo import runner as undo_runner
from campaigns.shared.queue import enqueue

INDEX = "campaigns.contacts.tasks.index_contacts"
MAX_SECONDS = 30  # of work in one task, far below the queue's timeout


def open_file(import_id: int) -> None:
    """Unpack an uploaded file and propose how to read it."""
    lifecycle.open_file(import_id)


def check(import_id: int) -> None:
    """Count what an import would do."""
    dry_run.run(import_id)


def run_import(import_id: int) -> None:
    """Import for MAX_SECONDS; enqueue another task for the rest."""
    end = time.monotonic() + MAX_SECONDS
    outcome = runner.run(import_id, lambda: time.monotonic() < end)
    if outcome is Outcome.MORE:
        enqueue(claims.RUN, import_id)
    elif outcome is Outcome.DONE:
        enqueue(INDEX)


def undo_import(import_id: int) -> None:
    """Undo an import for MAX_SECONDS; enqueue another task for the rest."""
    end = time.monotonic() + MAX_SECONDS
    if undo_runner.run(import_id, lambda: time.monotonic() < end) is Outcome.MORE:
        enqueue(claims.UNDO, import_id)


def index_contacts() -> None:
    """Add contacts to the search index for MAX_SECONDS; enqueue another task for the rest."""
    end = time.monotonic() + MAX_SECONDS
    if index.index_contacts(lambda: time.monotonic() < end):
        enqueue(INDEX)


def resume_stalled() -> None:
    """Enqueue stalled imports, cancel abandoned ones, delete old values whose time is over, index
    new contacts. For the sweep.
    """
    claims.enqueue_stalled()
    lifecycle.cancel_abandoned()
    kept_values.prune()
    if index.lists_to_index().exists():
        enqueue(INDEX)
