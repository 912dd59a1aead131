"""Finds and clears a phone in rejected rows, for the data of a contact and its erasure.

A rejected row may still contain a valid phone: next to another one, within a text, or in a column
that was not imported as phone.
"""

import re
from collections.abc import Iterable, Iterator

from campaigns.contacts.models import RejectedRow
from campaigns.contacts.phones import parsing

CHUNK_ROWS = 2_000  # held in memory at a time
SEPARATORS = re.compile(r"[./]")  # between digits, besides parsing.CLEANING


def find_with_phone(msisdn: str) -> Iterator[int]:
    """Yield the ids of rejected rows that contain the phone, with or without country code.

    Reads all rejected rows: for requests of a person about their data, not for lists on pages.
    """
    digits = parsing.national_number(msisdn)
    rows = RejectedRow.objects.order_by("pk").values_list("pk", "row")
    last_id = 0
    while chunk := list(rows.filter(pk__gt=last_id)[:CHUNK_ROWS]):
        last_id = chunk[-1][0]
        yield from (
            pk
            for pk, cells in chunk
            if digits in SEPARATORS.sub("", parsing.strip_formatting("|".join(cells)))
        )


def clear_cells(row_ids: Iterable[int]) -> None:
    """Delete the cells of rejected rows; rows and reasons stay, so that import counts add up."""
    RejectedRow.objects.filter(pk__in=list(row_ids)).update(row=[])
