"""Rejected rows: those with a phone, for the data of a contact and its erasure, and old ones.

A rejected row may still contain a valid phone: next to another one, within a text, or in a column
that was not imported as phone.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef, QuerySet

from campaigns.contacts.models import Import, RejectedRow
from campaigns.contacts.phones import parsing

CHUNK_ROWS = 2_000  # held in memory at a time
REMOVED_AT_ONCE = 5_000
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


def imports_with_rows() -> QuerySet[Import]:
    """The imports whose rejected rows are still there."""
    return Import.objects.filter(Exists(RejectedRow.objects.filter(source=OuterRef("pk"))))


def remove_old(before: datetime) -> int | None:
    """Delete some of the rejected rows of imports that ended `before`. Returns how many; None:
    nothing is left. The imports keep their counts and reasons.
    """
    ended = imports_with_rows().filter(finished_at__lt=before).order_by("pk").first()
    if ended is None:
        return None
    rows = RejectedRow.objects.filter(source=ended).order_by("row_number")
    ids = list(rows.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    return RejectedRow.objects.filter(pk__in=ids).delete()[0]
