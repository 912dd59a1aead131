"""Give committed changes their places in one order, so that a reader can remember how far it read.

Transactions commit in another order than that in which they took their ids. So ids are not read by:
whatever is committed and has no number yet gets the next one, by one worker at a time, which holds
the lock of the counter until its own commit. Whoever reads the counter afterwards sees every change
up to it, and no change ever appears below it.
"""

from django.db import transaction

from campaigns.shared import bulk
from campaigns.shared.changes.models import Change, ChangeCounter

ROWS_AT_ONCE = 500


def number_new() -> int:
    """Number all committed changes that have no number; return the last number given."""
    while True:
        rows, last = _number_some()
        if rows < ROWS_AT_ONCE:
            return last


@transaction.atomic
def _number_some() -> tuple[int, int]:
    """Number up to ROWS_AT_ONCE changes. Returns how many they were, and the last number."""
    if not Change._base_manager.filter(position=None).exists():
        return 0, last_number()
    counter = lock_counter()
    new = Change._base_manager.filter(position=None).order_by("pk")
    positions, last = [], counter.last
    for pk, size in new.values_list("pk", "size")[:ROWS_AT_ONCE]:
        positions.append((last + 1, pk))
        last += size
    bulk.update(Change._meta.db_table, {}, {"position": "bigint"}, positions)
    counter.last = last
    counter.save(update_fields=["last"])
    return len(positions), last


def lock_counter() -> ChangeCounter:
    """The counter, locked until the end of the transaction: nothing is numbered meanwhile."""
    counter, _is_new = ChangeCounter.objects.select_for_update().get_or_create(pk=1)
    return counter


def last_number() -> int:
    """The last number given. All changes up to it are visible to statements from now on."""
    return ChangeCounter.objects.filter(pk=1).values_list("last", flat=True).first() or 0
