"""What the queue calls: opening, checking and running imports, each for a bounded time."""

import time

from campaigns.audience import checking, importing, imports, search_index
from campaigns.queue import enqueue

INDEX = "campaigns.audience.tasks.index_people"
SECONDS = 30  # of work in one task, far below the queue's time-out


def open_file(import_id: int) -> None:
    """Unpack an uploaded file and propose how to read it."""
    imports.open_file(import_id)


def check(import_id: int) -> None:
    """Count what an import would do."""
    checking.run(import_id)


def run_import(import_id: int) -> None:
    """Import for a while; what is left is a task of its own."""
    end = time.monotonic() + SECONDS
    if importing.run(import_id, lambda: time.monotonic() < end):
        enqueue(imports.RUN, import_id)
    else:
        imports.resume_next(import_id)
        enqueue(INDEX)


def index_people() -> None:
    """Bring the index that searches use up to the contacts, for a while; what is left is a task of
    its own.
    """
    end = time.monotonic() + SECONDS
    if search_index.bring_up(lambda: time.monotonic() < end):
        enqueue(INDEX)


def resume_stalled() -> None:
    """Wake workers for imports that nobody is at; clear away uploads that were forgotten; have new
    people found.
    """
    imports.resume_stalled()
    imports.clear_forgotten()
    if search_index.behind().exists():
        enqueue(INDEX)
