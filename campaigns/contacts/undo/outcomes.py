"""What an undo does with each contact of an import, as one expression for the database.

Something was sent to a contact if its phone is a recipient, not cancelled, of a campaign or a test
whose recipients were not yet complete when the import began. That may be a message of another list:
whoever got one stays. It misses nobody: recipients come only from a freeze, and one that read a
contact of the import was completed after the import began. `wait_for_undo` and
`wait_for_freezes` keep a freeze and an undo from looking past each other.
"""

# ruff: noqa: S608 - names of our own tables

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from django.db import connection

from campaigns.contacts.models import Import
from campaigns.contacts.undo.kept_values import CONTACT, OVERWRITTEN
from campaigns.shared import bulk

FREEZE_LOCK = 7_412_022  # any number that no other lock of the application has


class UndoOutcome(StrEnum):
    """What the undo does with a contact. The names of the columns of ImportUndo."""

    REMOVED = "removed"  # it was new
    RESTORED = "restored"  # it was updated
    CHANGED = "changed"  # left: a later import or a user changed it
    SENT = "sent"  # left: something was sent to it


# tables of later stages, reached by their names
_SENT = """EXISTS (
    SELECT 1 FROM campaigns_recipient r JOIN campaigns_campaign k ON k.id = r.campaign_id
    WHERE r.msisdn = c.msisdn AND r.send_state <> 'cancelled' AND k.purpose <> 'rehearsal'
    AND (k.frozen_at IS NULL OR k.frozen_at >= %s)
)"""
# A contact that a later import changed has that one's source, and that one's row names ours.
_OUTCOME = f"""
    CASE WHEN COALESCE(c.source_id, 0) <> %s THEN 'changed'
    WHEN {_SENT} THEN 'sent'
    WHEN o.id IS NULL THEN 'removed'
    WHEN o.fields IS NULL THEN 'changed'
    ELSE 'restored' END
"""
_CONTACTS = f"""
    FROM {CONTACT} c LEFT JOIN {OVERWRITTEN} o ON o.contact = c.id AND o.source_id = %s
    WHERE c.list_id = %s AND c.id > %s AND c.id <= %s AND (
        o.id IS NOT NULL OR (c.source_id = %s AND c.id <= %s)
        OR (COALESCE(c.source_id, 0) <> %s AND EXISTS (
            SELECT 1 FROM {OVERWRITTEN} later WHERE later.contact = c.id AND later.old_source = %s
        ))
    )
"""
NO_LIMIT = 2**62


def wait_for_undo() -> None:
    """For a slice of a freeze: wait for undos, and keep them waiting until the transaction ends.

    An undo would otherwise remove contacts that the slice is just making recipients of.
    """
    _lock("pg_advisory_xact_lock_shared")


def wait_for_freezes() -> None:
    """For a slice of an undo: wait for freezes, and keep them waiting until the transaction ends.

    Called before the list is locked, as a freeze locks lists last.
    """
    _lock("pg_advisory_xact_lock")


def _lock(function: str) -> None:
    """Take a lock of PostgreSQL; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [FREEZE_LOCK])


def outcomes_between(
    contact_import: Import, after: int, upper: int
) -> Iterator[tuple[int, str, UndoOutcome]]:
    """Id, country and outcome of the contacts of the import whose ids are in (after, upper]."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT c.id, c.country, {_OUTCOME} {_CONTACTS}",
            _parameters(contact_import, after, upper),
        )
        rows = cursor.fetchall()
    for contact_id, country, outcome in rows:
        yield contact_id, country, UndoOutcome(outcome)


def count_outcomes(contact_import: Import) -> Counter[UndoOutcome]:
    """What an undo of the import would do now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT outcome, count(*) FROM (SELECT {_OUTCOME} AS outcome {_CONTACTS}) AS contacts"
            " GROUP BY outcome",
            _parameters(contact_import, 0, NO_LIMIT),
        )
        return Counter({UndoOutcome(outcome): count for outcome, count in cursor.fetchall()})


def _parameters(contact_import: Import, after: int, upper: int) -> list[Any]:
    source = contact_import.pk
    begun = bulk.moment(contact_import.started_at) if contact_import.started_at else None
    contacts = [source, contact_import.list_id, after, upper]
    return [source, begun, *contacts, source, contact_import.last_contact or 0, source, source]
