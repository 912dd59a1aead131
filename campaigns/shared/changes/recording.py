"""Record changes, in the transaction that makes them, if any webhook wants their kind.

Where none does, this costs one look into an almost empty table for each transaction.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from campaigns.shared.changes.models import Change, WantedKind
from campaigns.shared.queue import enqueue

MESSAGES_MAX = 500  # in a row
WAKE = "campaigns.events.tasks.wake"
WAKE_INTERVAL = 5.0  # seconds: a process that records many changes does not fill the queue
Wanted = frozenset[tuple[int, str]]

_woken_at = float("-inf")  # by this process


@dataclass(frozen=True, slots=True)
class NewChange:
    """What happened: see Change for the columns."""

    brand_id: int | None
    kind: str
    object_id: int
    before: str = ""
    after: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    messages: Sequence[int] = ()


def load_wanted(beginning: str) -> Wanted:
    """The pairs of brand and kind that anybody wants, of kinds with this `beginning`."""
    rows = WantedKind._base_manager.filter(kind__startswith=beginning)
    return frozenset(rows.values_list("brand_id", "kind"))


def record(changes: Iterable[NewChange], wanted: Wanted) -> None:
    """Record those of `changes` that are `wanted`. Call it in the transaction that makes them."""
    rows = [
        row
        for change in changes
        if (change.brand_id, change.kind) in wanted
        for row in _rows(change)
    ]
    if rows:
        Change._base_manager.bulk_create(rows)
        _wake()


def _rows(change: NewChange) -> Iterator[Change]:
    at, messages = timezone.now(), change.messages
    for start in range(0, max(len(messages), 1), MESSAGES_MAX):
        part = list(messages[start : start + MESSAGES_MAX])
        yield Change(
            brand_id=change.brand_id,
            kind=change.kind,
            object_id=change.object_id,
            before=change.before,
            after=change.after,
            facts=dict(change.facts),
            messages=part,
            size=max(len(part), 1),
            at=at,
        )


def _wake() -> None:
    """Wake a worker now and then; the schedule of the queue does so each minute anyway."""
    global _woken_at
    if time.monotonic() - _woken_at > WAKE_INTERVAL:
        _woken_at = time.monotonic()
        enqueue(WAKE)
