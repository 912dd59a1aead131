"""Checks a file before its import: counts what would be written, without writing it."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from campaigns.contacts.importing import contact_store, uploads
from campaigns.contacts.importing.errors import ContactsError
from campaigns.contacts.importing.rows import ParsedSlice
from campaigns.contacts.importing.runner import LEASE, parser_for
from campaigns.contacts.models import Import, ImportState


class DryRunCounts:
    """Counts of a check. `rows` = new + known + duplicates + stop_listed + rejected."""

    def __init__(self, list_id: int | None) -> None:
        self.list_id = list_id
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

    def as_json(self) -> dict[str, Any]:
        names = ("rows", "new", "known", "duplicates", "stop_listed")
        counts: dict[str, Any] = {name: self.counts[name] for name in names}
        return counts | {"rejected": dict(self.rejected), "countries": dict(self.countries)}


def run(import_id: int, keep_going: Callable[[], bool] = lambda: True) -> None:
    """Check the file of an import in state CHECKING.

    The import becomes CHECKED, or UPLOADED again with the reason in `failure`. A check that was
    killed starts again from the first row.
    """
    checking = Import.objects.filter(pk=import_id, state=ImportState.CHECKING)
    contact_import = checking.first()
    if contact_import is None:
        return
    check = DryRunCounts(contact_import.list_id)
    try:
        for parsed in parser_for(contact_import).slices(uploads.locate(contact_import.path)):
            check.add(parsed)
            still_checking = checking.update(
                rows=check.counts["rows"], lease_until=timezone.now() + LEASE
            )
            if not still_checking or not keep_going():
                return
    except ContactsError as refused:
        checking.update(state=ImportState.UPLOADED, failure=str(refused)[:300], lease_until=None)
        return
    counts = check.as_json()
    checking.update(
        state=ImportState.CHECKED,
        checked=counts,
        total_rows=counts["rows"],
        rows=0,
        failure="",
        lease_until=None,
    )
