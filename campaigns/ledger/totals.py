"""Totals of rows, kept in the transaction that writes the rows and spread over shards."""

import os
from collections import defaultdict
from typing import Any

from campaigns.ledger.models import SHARDS

Key = tuple[Any, ...]


def process_shard(account_id: int | None = None) -> int:
    """The shard that this process writes to, so that workers rarely wait for the same row."""
    return first_shard(account_id) + os.getpid() % SHARDS


def first_shard(account_id: int | None) -> int:
    """The first shard of an account's totals without a campaign; None is the first account."""
    return SHARDS * (account_id or 0)


class PendingSums:
    """Sums by key, collected in memory until one statement adds them to their table."""

    def __init__(self) -> None:
        self._deltas: defaultdict[Key, list[int]] = defaultdict(list)

    def add(self, key: Key, *deltas: int) -> None:
        row = self._deltas[key]
        if row:
            for position, delta in enumerate(deltas):
                row[position] += delta
        else:
            row.extend(deltas)

    def rows(self) -> list[tuple[Any, ...]]:
        """Key and deltas of each row that changes.

        Always in the same order, so that two writers can't deadlock.
        """
        return [
            (*key, *deltas)
            for key, deltas in sorted(self._deltas.items(), key=lambda item: repr(item[0]))
            if any(deltas)
        ]
