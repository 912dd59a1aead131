"""Writes the consents of a slice of an import: persons, their histories, the stop list.

Everything is done in the transaction of the slice, so an import that was killed repeats the same.
Persons are locked in the order of their phones, before the stop list and the list, as elsewhere.
"""

# ruff: noqa: S608 - names of our own tables

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.contacts.consent import wordings
from campaigns.contacts.models import Consent, ConsentRecord, Import, Person, StopListEntry
from campaigns.shared import bulk
from campaigns.shared.brands.scope import shared_condition
from campaigns.shared.bulk import among
from campaigns.shared.days import site_today
from campaigns.team.audit import record

PERSON, RECORD = Person._meta.db_table, ConsentRecord._meta.db_table
STOP_LIST = StopListEntry._meta.db_table
CONSENT_COLUMNS = "consent, consent_on, consent_source, consent_wording_id"  # of a person
REASON_MAX = 200  # characters


class ConsentOutcome(StrEnum):
    """What becomes of a consent in a file. The keys of `Import.consents`."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    UNCHANGED = "unchanged"  # nothing new
    OLDER = "older"  # left: what is known is of a later day
    KEPT_WITHDRAWN = "kept_withdrawn"  # left: a file does not give back what was withdrawn
    UNREAD = "unread"  # the row says what cannot be read, and is kept with the rejected rows


WRITTEN = (ConsentOutcome.GIVEN, ConsentOutcome.WITHDRAWN)


class ImportedConsent(NamedTuple):
    """A consent in a file. `day`: "" if the file does not say it."""

    msisdn: str
    consent: str
    day: str
    source: str
    wording: str


class _Row(NamedTuple):
    """A consent as it is stored; `wording`: its id."""

    consent: str
    day: str = ""
    source: str = ""
    wording: int | None = None


@dataclass(slots=True)
class _Slice:
    """What is to be done: consents of persons who have a row, and of those who have none."""

    outcomes: Counter[ConsentOutcome] = field(default_factory=Counter)
    changed: dict[str, _Row] = field(default_factory=dict)
    new: dict[str, _Row] = field(default_factory=dict)


def count(
    consents: Sequence[ImportedConsent], contact_import: Import, stop_listed: Collection[str]
) -> Counter[ConsentOutcome]:
    """What an import would do with these consents, whose phones are all different."""
    wording_ids = wordings.find_all((consent.wording for consent in consents), contact_import)
    return _compare(consents, contact_import, stop_listed, wording_ids, lock=False).outcomes


def write(
    consents: Sequence[ImportedConsent], contact_import: Import, stop_listed: Collection[str]
) -> Counter[ConsentOutcome]:
    """Write the consents of a slice, in the caller's transaction; returns what became of them.

    `stop_listed`: those of the phones that are on the stop list. They get no row of a person, as it
    would bring back a phone that was erased.
    """
    if not consents:
        return Counter()
    texts = (consent.wording for consent in consents)
    wording_ids = wordings.store_all(texts, contact_import)
    compared = _compare(consents, contact_import, stop_listed, wording_ids, lock=True)
    missed = _insert(compared.new, contact_import)
    if changed_ids := _update(compared.changed, contact_import):
        add_records(changed_ids, contact_import, contact_import.created_by_id, is_undo=False)
    written = chain(compared.changed.items(), compared.new.items())
    withdrawn = [phone for phone, row in written if row.consent == Consent.WITHDRAWN]
    if withdrawn := [phone for phone in withdrawn if phone not in missed]:
        _stop(withdrawn, contact_import)
    if missed:
        again = [consent for consent in consents if consent.msisdn in missed]
        counted = Counter(ConsentOutcome(compared.new[phone].consent) for phone in missed)
        return compared.outcomes - counted + write(again, contact_import, stop_listed)
    return compared.outcomes


def _compare(
    consents: Sequence[ImportedConsent],
    contact_import: Import,
    stop_listed: Collection[str],
    wording_ids: dict[str, int | None],
    *,
    lock: bool,
) -> _Slice:
    present = _find([consent.msisdn for consent in consents], contact_import, lock)
    today, result = site_today().isoformat(), _Slice()
    for msisdn, consent, day, source, wording in consents:
        known = present.get(msisdn)
        if known is None and msisdn in stop_listed:
            continue
        row = _Row(consent, day, source, wording_ids.get(wording))
        outcome = _outcome(known, row)
        result.outcomes[outcome] += 1
        if outcome in WRITTEN:
            rows = result.new if known is None else result.changed
            rows[msisdn] = row if day else _Row(consent, today, source, row.wording)
    return result


def _outcome(known: _Row | None, row: _Row) -> ConsentOutcome:
    """What becomes of `row`, whose day is "" if the file does not say it."""
    written = ConsentOutcome(row.consent)
    if known is None or known.consent == Consent.UNKNOWN:
        return written
    if known.consent == Consent.WITHDRAWN and row.consent == Consent.GIVEN:
        return ConsentOutcome.KEPT_WITHDRAWN
    if not row.day:
        return ConsentOutcome.UNCHANGED if row.consent == known.consent else written
    if row.day < known.day:
        return ConsentOutcome.OLDER
    is_same = (row.consent, row.day) == (known.consent, known.day)
    adds_nothing = row.source in ("", known.source) and row.wording in (None, known.wording)
    return ConsentOutcome.UNCHANGED if is_same and adds_nothing else written


def _find(msisdns: list[str], contact_import: Import, lock: bool) -> dict[str, _Row]:
    """The consents of those of the phones that have a row of a person."""
    condition, parameter = among("msisdn", msisdns)
    locked = " FOR UPDATE" if lock and connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT msisdn, consent, consent_on, consent_source, consent_wording_id FROM {PERSON}"
            f" WHERE brand_id = %s AND {condition} ORDER BY msisdn{locked}",
            [contact_import.brand_id, parameter],
        )
        return {
            msisdn: _Row(consent, str(day or ""), source, wording)
            for msisdn, consent, day, source, wording in cursor.fetchall()
        }


def _update(rows: dict[str, _Row], contact_import: Import) -> list[int]:
    """Change the rows of persons, which are locked; returns their ids."""
    if not rows:
        return []
    items, parameters = _items(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {PERSON} SET consent = item.consent, consent_on = item.day,"
            f" consent_source = item.source, consent_wording_id = item.wording,"
            f" version = version + 1, updated_by_id = %s, updated_at = %s FROM {items}"
            f" WHERE {PERSON}.msisdn = item.msisdn AND brand_id = %s RETURNING id",
            [*_by_whom(contact_import), *parameters, contact_import.brand_id],
        )
        return [person_id for (person_id,) in cursor.fetchall()]


def _insert(rows: dict[str, _Row], contact_import: Import) -> set[str]:
    """Make rows of persons with their first records; returns the phones of those left out, whose
    rows somebody else has just made.
    """
    if not rows:
        return set()
    insert = _insert_postgres if connection.vendor == "postgresql" else _insert_sqlite
    return insert(rows, contact_import)


def _insertion(rows: dict[str, _Row], contact_import: Import) -> tuple[str, list[Any]]:
    """The statement that makes the rows of persons, in the order of their phones."""
    items, parameters = _items(rows)
    return (
        f"INSERT INTO {PERSON} (msisdn, {CONSENT_COLUMNS}, brand_id, language, notes, version,"
        " updated_by_id, updated_at) SELECT msisdn, consent, day, source, wording, %s, '', '', 1,"
        f" %s, %s FROM {items} WHERE true ORDER BY msisdn ON CONFLICT (msisdn, brand_id) DO NOTHING"
    ), [contact_import.brand_id, *_by_whom(contact_import), *parameters]


def _insert_postgres(rows: dict[str, _Row], contact_import: Import) -> set[str]:
    """One statement; what it made is named only where it is not all."""
    insertion, parameters = _insertion(rows, contact_import)
    addition, of_records = _addition("made", contact_import, contact_import.created_by_id)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH made AS ({insertion} RETURNING id, msisdn, {CONSENT_COLUMNS}),"
            f" added AS ({addition})"
            " SELECT CASE WHEN count(*) < %s THEN array_agg(msisdn) END, count(*) FROM made",
            [*parameters, *of_records, len(rows)],
        )
        made, count = cursor.fetchone()
    return set() if count == len(rows) else rows.keys() - set(made or ())


def _insert_sqlite(rows: dict[str, _Row], contact_import: Import) -> set[str]:
    """SQLite has one writer: nobody else can make rows, and those with higher ids are new."""
    insertion, parameters = _insertion(rows, contact_import)
    addition, of_records = _addition(PERSON, contact_import, contact_import.created_by_id)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(max(id), 0) FROM {PERSON}")
        last = cursor.fetchone()
        cursor.execute(insertion, parameters)
        cursor.execute(f"{addition} WHERE id > %s ORDER BY id", [*of_records, *last])
    return set()


def _by_whom(contact_import: Import) -> list[Any]:
    return [contact_import.created_by_id, bulk.moment(timezone.now())]


def _items(rows: dict[str, _Row]) -> tuple[str, list[Any]]:
    """The rows as a table expression "item" with its parameters."""
    flat = [(phone, row.consent, row.day, row.source, row.wording) for phone, row in rows.items()]
    if connection.vendor != "postgresql":
        names = ("msisdn", "consent", "day", "source", "wording")
        cells = ", ".join(
            f"json_extract(value, '$[{place}]') AS {name}" for place, name in enumerate(names)
        )
        return f"(SELECT {cells} FROM json_each(%s)) AS item", [json.dumps(flat)]
    kinds = ("text", "text", "text", "text", "bigint")
    columns = zip(kinds, zip(*flat, strict=True), strict=True)
    return (
        "(SELECT msisdn, consent, day::date AS day, source, wording"
        f" FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)})"
        " AS cell(msisdn, consent, day, source, wording)) AS item"
    ), [bulk.array(kind, column) for kind, column in columns]


def _phones(msisdns: list[str]) -> tuple[str, Any]:
    """The phones as a table expression "item" with its parameter."""
    if connection.vendor == "postgresql":
        return "unnest(%s::text[]) AS item(msisdn)", msisdns
    return "(SELECT value AS msisdn FROM json_each(%s)) AS item", json.dumps(msisdns)


def add_records(
    person_ids: list[int], contact_import: Import, user_id: int | None, *, is_undo: bool
) -> None:
    """Add the present consents of persons to their histories, in the name of an import or its
    undo.
    """
    condition, parameter = among("id", person_ids)
    addition, parameters = _addition(PERSON, contact_import, user_id, is_undo=is_undo)
    with connection.cursor() as cursor:
        cursor.execute(f"{addition} WHERE {condition} ORDER BY id", [*parameters, parameter])


def _addition(
    persons: str, contact_import: Import, user_id: int | None, *, is_undo: bool = False
) -> tuple[str, list[Any]]:
    """The statement that adds the consents in a table of persons to their histories."""
    return (
        f"INSERT INTO {RECORD} (person_id, consent, day, source, wording_id, recorded_at,"
        f" recorded_by_id, token, imported_id, is_undo) SELECT id, {CONSENT_COLUMNS}, %s, %s, '',"
        f" %s, %s FROM {persons}"
    ), [bulk.moment(timezone.now()), user_id, contact_import.pk, is_undo]


def _stop(msisdns: list[str], contact_import: Import) -> None:
    """Add phones to the stop list of the brand. Entries that are there stay locked, so that nobody
    removes them who has not seen this change.
    """
    condition, parameter = among("msisdn", msisdns)
    locked = " FOR UPDATE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT msisdn FROM {STOP_LIST} WHERE {shared_condition()} AND {condition}"
            f" ORDER BY id{locked}",
            [parameter],
        )
        known = {msisdn for (msisdn,) in cursor.fetchall()}
        phones, parameter = _phones([phone for phone in msisdns if phone not in known])
        reason = _("Consent withdrawn, by the file %(name)s") % {"name": contact_import.file_name}
        cursor.execute(
            f"INSERT INTO {STOP_LIST} (brand_id, msisdn, reason, created_by_id, created_at)"
            f" SELECT %s, msisdn, %s, %s, %s FROM {phones} WHERE true ORDER BY msisdn"
            " ON CONFLICT DO NOTHING",
            [contact_import.brand_id, reason[:REASON_MAX], *_by_whom(contact_import), parameter],
        )
        new = cursor.rowcount
    detail = f"{new} of {len(msisdns)}, consent withdrawn in a file"
    record(contact_import.created_by, "stoplist", "stopped", detail)
