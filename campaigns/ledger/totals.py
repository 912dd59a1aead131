"""Sums kept beside the rows they are sums of, in the same transaction, spread over shards."""

import os
from collections import defaultdict
from typing import Any

from campaigns.ledger.models import SHARDS

Key = tuple[Any, ...]


def shard() -> int:
    """The shard this process writes to: workers on one campaign then rarely wait for each other's
    row.
    """
    return os.getpid() % SHARDS


class Sums:
    """Deltas by key, gathered in memory until they are added to their table in one statement."""

    def __init__(self) -> None:
        self._deltas: defaultdict[Key, list[int]] = defaultdict(list)

    def add(self, key: Key, *deltas: int) -> None:
        row = self._deltas[key]
        if row:
            for place, delta in enumerate(deltas):
                row[place] += delta
        else:
            row.extend(deltas)

    def rows(self) -> list[tuple[Any, ...]]:
        """Key and deltas of each row that moves anything, in one order: two writers can't wait for
        each other.
        """
        return [
            (*key, *deltas)
            for key, deltas in sorted(self._deltas.items(), key=lambda item: repr(item[0]))
            if any(deltas)
        ]
