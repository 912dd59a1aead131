"""Tasks of the queue: fetch, open, check, run and undo imports, index contacts.

Each works for a bounded time.
"""

import time

from campaigns.contacts.fetching import download, runs, unattended
from campaigns.contacts.importing import claims, dry_run, lifecycle, runner
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.search import index
from campaigns.contacts.undo import kept_values
from campaigns.contacts.undo import runner as undo_runner
from campaigns.shared.queue import enqueue

INDEX = "campaigns.contacts.tasks.index_contacts"
MAX_SECONDS = 30  # of work in one task, far below the queue's timeout


def open_file(import_id: int) -> None:
    """Unpack an uploaded file and propose how to read it; fetch it first if it has an address."""
    if not download.fetch_file(import_id):
        lifecycle.open_file(import_id)
        _go_on(import_id)


def check(import_id: int) -> None:
    """Count what an import would do."""
    dry_run.run(import_id)
    _go_on(import_id)


def _go_on(import_id: int) -> None:
    """Go on with an import of a schedule, or one that somebody let go on without a user."""
    runs.advance(import_id)
    unattended.advance(import_id)


def run_import(import_id: int) -> None:
    """Import for MAX_SECONDS; enqueue another task for the rest."""
    end = time.monotonic() + MAX_SECONDS
    outcome = runner.run(import_id, lambda: time.monotonic() < end)
    if outcome is Outcome.MORE:
        enqueue(claims.RUN, import_id)
    elif outcome is Outcome.DONE:
        runs.advance(import_id)
        enqueue(INDEX)


def run_import_schedule(schedule_id: int) -> None:
    """Fetch the file of a scheduled import, if it is due."""
    runs.run(schedule_id)


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
    """Enqueue stalled and scheduled imports, delete old values whose time is over, index new
    contacts. For the sweep.
    """
    claims.enqueue_stalled()
    runs.advance_all()
    unattended.advance_all()
    runs.enqueue_due()
    kept_values.prune()
    if index.lists_to_index().exists():
        enqueue(INDEX)
