"""Undoes the consents that an import wrote, where nobody has changed them since.

The history says what the consent was before; that it is so again is one more record. The stop list
stays as it is: whoever stands there may have asked for it meanwhile.
"""

# ruff: noqa: S608 - names of our own tables

from django.db import connection
from django.utils import timezone

from campaigns.contacts.consent.imported_consents import PERSON, RECORD, add_records
from campaigns.contacts.models import Import, ImportUndo
from campaigns.shared import bulk
from campaigns.shared.bulk import among

SLICE_ROWS = 10_000
# records of the import that are the newest of their person
_UNCHANGED = f"""
    FROM {RECORD} r WHERE r.imported_id = %s AND NOT r.is_undo AND NOT EXISTS (
        SELECT 1 FROM {RECORD} later WHERE later.person_id = r.person_id AND later.id > r.id
    )
"""
_BEFORE = f"""
    SELECT r.person_id, old.consent, old.day, old.source, old.wording_id
    FROM {RECORD} r LEFT JOIN {RECORD} old ON old.id = (
        SELECT max(earlier.id) FROM {RECORD} earlier
        WHERE earlier.person_id = r.person_id AND earlier.id < r.id
    )
"""


def count(contact_import: Import) -> int:
    """How many consents an undo of the import would set back now."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_UNCHANGED}", [contact_import.pk])
        return int(cursor.fetchone()[0])


def undo_slice(contact_import: Import, undo: ImportUndo) -> bool:
    """Set the next consents back and add to `undo`, which the caller saves, in the transaction of
    the caller; False if none is left.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, person_id FROM {RECORD} r WHERE r.imported_id = %s AND NOT r.is_undo"
            f" AND r.id > %s ORDER BY r.id LIMIT {SLICE_ROWS}",
            [contact_import.pk, undo.consent_position],
        )
        rows = cursor.fetchall()
        if not rows:
            return False
        if connection.vendor == "postgresql":
            condition, parameter = among("id", [person_id for _id, person_id in rows])
            cursor.execute(
                f"SELECT 1 FROM {PERSON} WHERE {condition} ORDER BY msisdn FOR UPDATE", [parameter]
            )
        condition, parameter = among("r.id", [record_id for record_id, _person_id in rows])
        cursor.execute(
            f"SELECT r.id, r.person_id {_UNCHANGED} AND {condition}", [contact_import.pk, parameter]
        )
        unchanged = dict(cursor.fetchall())
    _set_back(list(unchanged), undo)
    add_records(list(unchanged.values()), contact_import, undo.created_by_id, is_undo=True)
    undo.consent_position = rows[-1][0]
    undo.consents += len(unchanged)
    return True


def _set_back(record_ids: list[int], undo: ImportUndo) -> None:
    """Give the persons of these records the consent of the record before, or an unknown one."""
    condition, parameter = among("r.id", record_ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {PERSON} SET consent = COALESCE(before.consent, 'unknown'),"
            " consent_on = before.day, consent_source = COALESCE(before.source, ''),"
            " consent_wording_id = before.wording_id, version = version + 1,"
            f" updated_by_id = %s, updated_at = %s FROM ({_BEFORE} WHERE {condition}) AS before"
            f" WHERE before.person_id = {PERSON}.id",
            [undo.created_by_id, bulk.moment(timezone.now()), parameter],
        )
