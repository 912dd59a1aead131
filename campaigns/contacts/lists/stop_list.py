"""The stop list: phones that never get a message, whatever lists they are on.

An entry holds for a brand, or for all of them: what administrators enter does.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, Min, OuterRef, QuerySet
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.contacts.importing import column_mapping, csv_reader, file_types, uploads
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.reading import layout_detection
from campaigns.contacts.importing.reading.cell_values import CellRules
from campaigns.contacts.importing.rows import RowParser
from campaigns.contacts.models import Consent, Contact, ContactList, Person, StopListEntry
from campaigns.contacts.phones import parsing
from campaigns.contacts.phones.guesses import Guess
from campaigns.contacts.phones.parsing import Reason
from campaigns.contacts.phones.prefix_rules import Normaliser
from campaigns.contacts.search import queries
from campaigns.team.audit import delete, record
from campaigns.team.brands import are_several
from campaigns.team.models import User
from campaigns.team.permissions import Permission
from campaigns.team.roles import has_permission, sees_phones, visible_to

BATCH_SIZE = 5_000
STOP_LIST = "stoplist"  # in the trail
# An older form is somebody's who asked to be left alone. Of several numbers in a cell, all are: the
# row is rejected, so that somebody looks at it.
STOP_RULES = CellRules(first_of_several=False)


@dataclass(slots=True)
class StopResult:
    """Counts of phones added to the stop list. `rows` = new + known + rejected.

    `older`: how many of them were read from an older or domestic form of a number.
    """

    rows: int = 0
    new: int = 0
    known: int = 0
    older: int = 0
    rejected: list[tuple[str, Reason]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class StopRow:
    """What became of one of several phones. `reason`: of one that is rejected."""

    outcome: str  # new, known, duplicate, rejected
    msisdn: str = ""
    reason: Reason | None = None


def is_stopped(phone: str = "msisdn") -> Exists:
    """The condition on rows whose phone, in the field `phone`, is on the stop list of the brand
    that is acted for, or on that of all brands.
    """
    return Exists(StopListEntry.objects.filter(msisdn=OuterRef(phone)))


def stopped_among(msisdns: Collection[str]) -> set[str]:
    """Those of `msisdns` that are on it. One query."""
    entries = StopListEntry.objects.filter(msisdn__in=msisdns)
    return set(entries.values_list("msisdn", flat=True))


def count_stopped(contact_list: ContactList) -> int:
    """Count the contacts of a list who are on the stop list."""
    return Contact.objects.filter(is_stopped(), list=contact_list).count()


def stopped_text(number: int) -> str:
    """What pages say of so many contacts who get no message; "" for none."""
    if not number:
        return ""
    text = ngettext(
        "%(number)s of these is on the stop list and gets no message.",
        "%(number)s of these are on the stop list and get no message.",
        number,
    )
    return text % {"number": number_format(number, force_grouping=True)}


def find_entries(query: str, user: User) -> QuerySet[StopListEntry]:
    """The entries with the phone or reason `query`; "": all. For those who see phones masked, with
    exactly this phone.
    """
    entries = visible_to(user, StopListEntry.objects.all())
    if not query:
        return entries
    if not sees_phones(user):
        return entries.filter(msisdn=queries.whole_phone(query))
    digits = "".join(sign for sign in parsing.strip_formatting(query) if sign.isdigit()).lstrip("0")
    if digits:
        return entries.filter(msisdn__contains=digits)
    return entries.filter(reason__folded_contains=query)


def add_lines(
    lines: Iterable[str], reason: str, country: str, actor: User | None, for_all_brands: bool
) -> StopResult:
    """Add phones, one per line; `country` is that of phones without a country code.

    Entries already on the stop list keep their reason and date.
    """
    cells = [line.strip() for line in lines if line.strip()]
    normaliser = _normaliser(country)
    rows = _add_cells(cells, normaliser, reason, actor, for_all_brands)
    result = StopResult(rows=len(cells), older=normaliser.guessed.counts[Guess.OLDER_FORM])
    result.rejected = [
        (cell, row.reason) for cell, row in zip(cells, rows, strict=True) if row.reason
    ]
    result.new = sum(row.outcome == "new" for row in rows)
    result.known = result.rows - len(result.rejected) - result.new
    return result


def add_rows(
    cells: list[str], reason: str, country: str, actor: User | None, for_all_brands: bool
) -> list[StopRow]:
    """Add phones as `add_lines` does; returns what became of each, in order."""
    return _add_cells(cells, _normaliser(country), reason, actor, for_all_brands)


def _add_cells(
    cells: list[str], normaliser: Normaliser, reason: str, actor: User | None, for_all_brands: bool
) -> list[StopRow]:
    phones = list(zip(*normaliser.columns(cells), strict=True))
    msisdns = list(dict.fromkeys(msisdn for msisdn, country in phones if country))
    with transaction.atomic():
        known = set(
            StopListEntry.objects.filter(msisdn__in=msisdns).values_list("msisdn", flat=True)
        )
        new = add_phones(msisdns, reason, actor, for_all_brands)
        record(actor, STOP_LIST, "stopped", f"{new} of {len(cells)}")
    rows, seen = [], set()
    for msisdn, country in phones:
        if not country:
            rows.append(StopRow("rejected", reason=Reason(msisdn)))
        elif msisdn in seen:
            rows.append(StopRow("duplicate", msisdn))
        else:
            rows.append(StopRow("known" if msisdn in known else "new", msisdn))
        seen.add(msisdn)
    return rows


def _normaliser(country: str) -> Normaliser:
    return Normaliser(country, STOP_RULES.guesses())


def add_file(
    chunks: Iterable[bytes], reason: str, country: str, actor: User | None, for_all_brands: bool
) -> StopResult:
    """Add the phones of a file of any type that can be imported. Raises ContactsError."""
    name = uploads.store(chunks)
    result = StopResult()
    try:
        path = file_types.unpack(uploads.locate(name)).path
        layout = layout_detection.detect(path, country)
        rows = csv_reader.read_sample(path, layout)
        mapping = column_mapping.propose_with_phone_column(rows, layout, "", country)
        parser = RowParser(layout, ColumnMapping(mapping.phones), country, STOP_RULES)
        for parsed in parser.slices(path):
            result.rows += parsed.rows
            msisdns = parsed.contacts.msisdns
            result.new += _add_recorded(msisdns, reason, actor, for_all_brands)
            result.rejected += [
                ("; ".join(row)[:60], Reason(reject_reason))
                for _number, row, reject_reason in parsed.rejected
            ]
        result.older = parser.guessed.counts[Guess.OLDER_FORM]
    finally:
        uploads.remove(name)
    result.known = result.rows - len(result.rejected) - result.new
    return result


@transaction.atomic
def _add_recorded(msisdns: list[str], reason: str, actor: User | None, for_all_brands: bool) -> int:
    """Add a slice of a file; the file as a whole is not written in one transaction."""
    new = add_phones(msisdns, reason, actor, for_all_brands)
    record(actor, STOP_LIST, "stopped", f"{new} of {len(msisdns)}, from a file")
    return new


@transaction.atomic
def stop(msisdn: str, reason: str, actor: User | None, for_all_brands: bool = False) -> None:
    """Add one phone, unless it is there, and record it."""
    new = add_phones([msisdn], reason, actor, for_all_brands)
    if new or for_all_brands:
        entry = StopListEntry.objects.filter(msisdn=msisdn).order_by("pk")[0]
        record(actor, entry, "stopped", "for all brands" if for_all_brands else "")


def add_phones(
    msisdns: list[str], reason: str, actor: User | None, for_all_brands: bool = False
) -> int:
    """Add phones (E.164 digits without duplicates) to the stop list of the brand, or of all.

    Returns how many were not there before. The caller records it.
    """
    added = 0
    for start in range(0, len(msisdns), BATCH_SIZE):
        phones = msisdns[start : start + BATCH_SIZE]
        with transaction.atomic():
            entries = StopListEntry.objects.filter(msisdn__in=phones).order_by()
            if for_all_brands:
                _extend_to_all_brands(entries)
            known = set(entries.values_list("msisdn", flat=True))
            new = [phone for phone in phones if phone not in known]
            of_brand: dict[str, Any] = {"brand": None} if for_all_brands else {}
            StopListEntry.objects.bulk_create(
                [
                    StopListEntry(msisdn=phone, reason=reason[:200], created_by=actor, **of_brand)
                    for phone in new
                ],
                ignore_conflicts=True,
            )
            added += len(new)
    return added


def _extend_to_all_brands(entries: QuerySet[StopListEntry]) -> None:
    """Let the first entry of each phone hold for all brands, unless one does."""
    known = set(entries.filter(brand=None).values_list("msisdn", flat=True))
    first_ids = entries.exclude(msisdn__in=known).values("msisdn").annotate(first=Min("pk"))
    ids = [row["first"] for row in first_ids]
    StopListEntry.objects.filter(pk__in=ids).update(brand=None)


@transaction.atomic
def remove_entry(entry: StopListEntry, actor: User | None) -> None:
    """Remove a phone from the stop list, and record it.

    Raises PermissionDenied unless `actor` may, and ContactsError if consent is withdrawn. That is
    looked up after the deletion: whoever withdraws consent meanwhile holds the entry until it
    shows.
    """
    is_for_all = entry.brand_id is None and are_several()
    if is_for_all and actor and not has_permission(actor, Permission.STOP_FOR_ALL):
        raise PermissionDenied
    delete(actor, entry, "lifted")
    if Person.objects.filter(msisdn=entry.msisdn, consent=Consent.WITHDRAWN).exists():
        raise ContactsError(
            _("This contact has withdrawn consent. Change that on the contact's page first.")
        )
