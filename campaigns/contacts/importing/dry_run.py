"""Checks a file before its import: counts what would be written, without writing it."""

from collections import Counter
from typing import Any

from django.utils import timezone

from campaigns.contacts.consent import imported_consents
from campaigns.contacts.consent.imported_consents import ConsentOutcome
from campaigns.contacts.importing import claims, contact_store, uploads
from campaigns.contacts.importing.claims import Outcome
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.rows import ParsedSlice
from campaigns.contacts.importing.runner import parser_for
from campaigns.contacts.models import Import, ImportState


class DryRunCounts:
    """Counts of a check. `rows` = new + known + duplicates + stop_listed + rejected. `consents`: by
    ConsentOutcome, if the import writes some.
    """

    def __init__(self, contact_import: Import) -> None:
        self.contact_import = contact_import
        self.list_id = contact_import.list_id
        self.consents: Counter[ConsentOutcome] | None = (
            Counter() if contact_import.mapping.get("consent") else None
        )
        self.counts: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()

    def add(self, parsed: ParsedSlice) -> None:
        """Count one slice."""
        stop_listed = contact_store.find_stop_listed(parsed.contacts.msisdns)
        contacts = parsed.contacts.without(stop_listed) if stop_listed else parsed.contacts
        known = contact_store.count_present(contacts.msisdns, self.list_id) if self.list_id else 0
        self.counts.update(
            rows=parsed.rows,
            new=len(contacts) - known,
            known=known,
            duplicates=parsed.duplicates,
            stop_listed=len(stop_listed),
        )
        self.rejected.update(parsed.reasons())
        self.countries.update(contacts.countries)
        if self.consents is not None:
            counts = imported_consents.count(parsed.consents, self.contact_import, stop_listed)
            self.consents.update(counts)
            self.consents[ConsentOutcome.UNREAD] += len(parsed.without_consent)

    def as_json(self) -> dict[str, Any]:
        names = ("rows", "new", "known", "duplicates", "stop_listed")
        counts: dict[str, Any] = {name: self.counts[name] for name in names}
        counts |= {"rejected": dict(self.rejected), "countries": dict(self.countries)}
        return counts if self.consents is None else counts | {"consents": dict(self.consents)}


def run(import_id: int) -> Outcome:
    """Check the file of an import in state CHECKING.

    The import becomes CHECKED, or UPLOADED again with the reason in `failure`. A check that was
    killed starts again from the first row.
    """
    token = claims.claim(import_id, ImportState.CHECKING)
    return claims.guard(import_id, token, lambda mine: _check(mine, token))


def _check(contact_import: Import, token: str) -> Outcome:
    held = Import.objects.filter(
        pk=contact_import.pk, state=ImportState.CHECKING, lease_token=token
    )
    check = DryRunCounts(contact_import)
    try:
        parser = parser_for(contact_import)
        for parsed in parser.slices(uploads.locate(contact_import.path)):
            check.add(parsed)
            lease_until = timezone.now() + claims.LEASE
            if not held.update(rows=check.counts["rows"], lease_until=lease_until):
                raise claims.LeaseLost
    except ContactsError as refused:  # other columns or another layout may be right
        held.update(state=ImportState.UPLOADED, failure=str(refused)[:300], **claims.FREE)
        return Outcome.DONE
    counts = check.as_json() | parser.notes_as_json()
    held.update(
        state=ImportState.CHECKED,
        checked=counts,
        total_rows=counts["rows"],
        rows=0,
        failures=0,
        failure="",
        **claims.FREE,
    )
    return Outcome.DONE
