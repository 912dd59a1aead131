"""The dry run: what an import would do, counted without writing anything."""

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
    """The counts so far. `rows` = new + known + duplicates + stop_listed + rejected."""

    def __init__(self, list_id: int | None) -> None:
        self.list_id = list_id
        self.counts: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        self.countries: Counter[str] = Counter()

    def add(self, parsed: ParsedSlice) -> None:
        """Count one slice."""
        stopped = contact_store.find_stop_listed(parsed.people.msisdns)
        people = parsed.people.without(stopped) if stopped else parsed.people
        known = contact_store.count_present(people.msisdns, self.list_id) if self.list_id else 0
        self.counts.update(
            rows=parsed.rows,
            new=len(people) - known,
            known=known,
            duplicates=parsed.duplicates,
            stop_listed=len(stopped),
        )
        self.rejected.update(parsed.reasons())
        self.countries.update(people.countries)

    def as_json(self) -> dict[str, Any]:
        names = ("rows", "new", "known", "duplicates", "stop_listed")
        counts: dict[str, Any] = {name: self.counts[name] for name in names}
        return counts | {"rejected": dict(self.rejected), "countries": dict(self.countries)}


def run(import_id: int, keep_going: Callable[[], bool] = lambda: True) -> None:
    """Check the file of an import in state CHECKING: it becomes CHECKED, or UPLOADED again with
    words that say why not.

    Nothing is kept of a check that was killed: whoever finds it in CHECKING starts it anew.
    """
    checking = Import.objects.filter(pk=import_id, state=ImportState.CHECKING)
    run_ = checking.first()
    if run_ is None:
        return
    check = DryRunCounts(run_.list_id)
    try:
        for parsed in parser_for(run_).slices(uploads.locate(run_.path)):
            check.add(parsed)
            going = checking.update(rows=check.counts["rows"], lease_until=timezone.now() + LEASE)
            if not going or not keep_going():
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
