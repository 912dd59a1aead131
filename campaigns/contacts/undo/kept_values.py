"""What an import overwrote, until it is undone or the time for that is over.

A contact that an import added has no row: its `source` and its id say that it was new. A row
without fields is a mark: a user changed the contact after the import, or added it once more, so an
undo leaves it as it is.
"""

# ruff: noqa: S608 - names of our own tables

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from campaigns.contacts.importing import claims
from campaigns.contacts.models import Contact, Import, OverwrittenContact
from campaigns.shared.bulk import among

CONTACT = Contact._meta.db_table
OVERWRITTEN = OverwrittenContact._meta.db_table
PRUNED_AT_ONCE = 20_000


def mark_changed(list_id: int, condition: str, parameters: Iterable[Any]) -> None:
    """Have undos leave the contacts `c` of a list that meet an SQL condition, as they are changed
    by a user in the same transaction.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {OVERWRITTEN} (source_id, contact) SELECT c.source_id, c.id"
            f" FROM {CONTACT} c JOIN {Import._meta.db_table} i ON i.id = c.source_id"
            f" WHERE c.list_id = %s AND i.list_id = c.list_id AND i.last_contact IS NOT NULL"
            f" AND {condition} ON CONFLICT (contact, source_id) DO UPDATE SET fields = NULL",
            [list_id, *parameters],
        )


def forget(contact_ids: Sequence[int]) -> None:
    """Delete the old values of contacts that are removed."""
    condition, parameter = among("contact", contact_ids)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {OVERWRITTEN} WHERE {condition}", [parameter])


def kept_until(contact_import: Import) -> datetime | None:
    """When the time to undo an import ends; None for one that has not ended."""
    ended = contact_import.finished_at
    return ended + timedelta(days=settings.IMPORT_UNDO_DAYS) if ended else None


def prune() -> None:
    """Delete what imports overwrote if their time is over or their list is deleted."""
    oldest = timezone.now() - timedelta(days=settings.IMPORT_UNDO_DAYS)
    over = Import.objects.filter(
        Q(finished_at__lt=oldest) | Q(list=None), last_contact__isnull=False, state__in=claims.ENDED
    )
    for contact_import in over.order_by("pk"):
        rows = OverwrittenContact.objects.filter(source=contact_import)
        while rows.filter(pk__in=rows.order_by("pk").values("pk")[:PRUNED_AT_ONCE]).delete()[0]:
            pass
        Import.objects.filter(pk=contact_import.pk).update(last_contact=None)
