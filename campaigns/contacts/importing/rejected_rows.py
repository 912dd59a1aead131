"""Rejected rows that hold somebody's phone after all: beside another one, among words, in a column
of another kind.
"""

import re
from collections.abc import Iterable, Iterator

from campaigns.contacts.models import RejectedRow
from campaigns.contacts.phones import parsing

CHUNK_ROWS = 2_000  # rows that are in memory
SEPARATORS = re.compile(r"[./]")  # signs between digits that are no part of `phones.CLEANING`


def find_with_phone(msisdn: str) -> Iterator[int]:
    """Ids of the rejected rows with the phone in any form: with or without its country, however it
    is spaced.

    Reads all rejected rows: for what a person asks for, never for a page.
    """
    number = parsing.national_number(msisdn)
    rows = RejectedRow.objects.order_by("pk").values_list("pk", "row")
    last = 0
    while part := list(rows.filter(pk__gt=last)[:CHUNK_ROWS]):
        last = part[-1][0]
        yield from (
            pk
            for pk, cells in part
            if number in SEPARATORS.sub("", parsing.strip_formatting("|".join(cells)))
        )


def clear_cells(row_ids: Iterable[int]) -> None:
    """Forget what the rows held; their numbers and reasons stay, so that the counts of their
    imports are still true.
    """
    RejectedRow.objects.filter(pk__in=list(row_ids)).update(row=[])
