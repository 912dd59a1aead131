"""The chain: each entry gets a hash of itself and of everything before, so that no change, removal
or insertion goes unseen.

Links stand in a table of their own and are added by the background job, so that no action waits for
the end of the chain. The order is that of the links: entries may be committed in another order than
that of their ids. What appears later than LATE after its own time is not linked any more, and
`verify` reports it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, QuerySet

from campaigns.shared import database_clock
from campaigns.team.models import AuditEntry, AuditLink, AuditProgress, AuditSeal

GENESIS = "0" * 64  # before the first entry
LATE = timedelta(days=1)  # far longer than any transaction, or clocks that differ
BATCH = 2_000  # entries linked in a transaction
CHUNK = 5_000  # entries verified at a time
FINDINGS_MAX = 1_000
# What a hash covers. Empty values are left out, so a field that is added later changes no hash.
FIELDS = (
    "id", "at", "actor_id", "kind", "actor_name", "role", "brand", "address", "session", "subject",
    "action", "detail", "result", "reason",
)  # fmt: skip
Row = tuple[Any, ...]  # the values of FIELDS
Link = tuple[int, int, str]  # position, entry, hash
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def as_json(row: Row) -> str:
    """The canonical form of an entry: the values of FIELDS as JSON, with the time in UTC."""
    values = {name: value for name, value in zip(FIELDS, row, strict=True) if value}
    values["at"] = values["at"].astimezone(UTC).isoformat(timespec="microseconds")
    if values.get("result") == "done":
        del values["result"]
    return _encode(values)


def link_hash(previous: str, row: Row) -> str:
    """SHA-256 of the hash before and the canonical form, in hexadecimal."""
    return hashlib.sha256(f"{previous}{as_json(row)}".encode()).hexdigest()


def head() -> tuple[int, str]:
    """Position and hash of the end of the chain."""
    last = AuditLink.objects.order_by("-position").values_list("position", "hash").first()
    return last or start()


def start() -> tuple[int, str]:
    """Position and hash that the first link follows: of the last seal, or of nothing."""
    seal = AuditSeal.objects.order_by("-last_position").values_list("last_position", "hash").first()
    return seal or (0, GENESIS)


def unlinked() -> QuerySet[AuditEntry]:
    return AuditEntry.objects.filter(~Exists(AuditLink.objects.filter(entry=OuterRef("pk"))))


def link_next() -> int:
    """Link up to BATCH entries; return how many. Raises IntegrityError if another process does the
    same at this moment.
    """
    began = database_clock.now()
    with transaction.atomic():
        rows = _next_rows()
        position, previous = head()
        links = []
        for position, row in enumerate(rows, position + 1):  # noqa: B020 - goes on from it
            previous = link_hash(previous, row)
            links.append(AuditLink(position=position, entry_id=row[0], hash=previous))
        AuditLink.objects.bulk_create(links)
        if len(rows) < BATCH:
            AuditProgress.objects.update_or_create(pk=1, defaults={"settled_at": began - LATE})
    return len(rows)


def _next_rows() -> list[Row]:
    """The next entries to link. In the first run, over a trail of before, they are taken by their
    ids alone, as there may be millions; its end looks for any that were left behind.
    """
    settled_at = _settled_at()
    if not settled_at:
        last = AuditLink.objects.aggregate(last=Max("entry_id"))["last"] or 0
        following = list(_in_order(AuditEntry.objects.filter(pk__gt=last)))
        if len(following) == BATCH:
            return following
    return list(_in_order(unlinked().filter(at__gte=settled_at) if settled_at else unlinked()))


def _in_order(entries: QuerySet[AuditEntry]) -> Any:  # rows of FIELDS
    return entries.order_by("pk").values_list(*FIELDS)[:BATCH]


def _settled_at() -> datetime | None:
    return AuditProgress.objects.values_list("settled_at", flat=True).first()


@dataclass(slots=True)
class Verification:
    """What `verify` found: `linked` entries up to the `head`, `waiting` ones, and what is wrong."""

    linked: int = 0
    waiting: int = 0
    position: int = 0
    head: str = GENESIS
    findings: list[str] = field(default_factory=list)


def verify() -> Verification:
    """Compare every entry with the chain, from the last seal on. Reads the whole trail; keeps
    FINDINGS_MAX findings.
    """
    began = position, previous = start()
    result = Verification(position=position, head=previous)
    while links := links_after(result.position):
        _keep(result, compare(links, entries_of(links), (result.position, result.head)))
        result.position, _entry, result.head = links[-1]
        result.linked += len(links)
    _keep(result, _look_for_unlinked(result))
    if result.findings and start() != began:  # a segment was removed meanwhile
        return verify()
    return result


def note_verification(findings: int) -> None:
    """Remember that the trail was verified now, and how much was wrong."""
    columns = {"verified_at": database_clock.now(), "findings": findings}
    AuditProgress.objects.update_or_create(pk=1, defaults=columns)


def _keep(result: Verification, findings: Iterator[str]) -> None:
    for finding in findings:
        if len(result.findings) < FINDINGS_MAX:
            result.findings.append(finding)


def compare(
    links: Sequence[Link], rows: Mapping[int, Row], before: tuple[int, str]
) -> Iterator[str]:
    """What is wrong with `links` and their entries, `before` which a link of this position and hash
    stands.
    """
    position, previous = before
    for number, entry_id, stored in links:
        if number != position + 1:
            yield f"links {position + 1} to {number - 1} are missing"
        if entry_id not in rows:
            yield f"entry {entry_id} is missing (position {number})"
        elif number == position + 1 and link_hash(previous, rows[entry_id]) != stored:
            yield f"entry {entry_id}, or the link before it, was changed (position {number})"
        position, previous = number, stored


def links_after(position: int) -> list[Link]:
    """The next CHUNK links: position, entry and hash."""
    links = AuditLink.objects.filter(position__gt=position).order_by("position")
    return list(links.values_list("position", "entry_id", "hash")[:CHUNK])


def entries_of(links: Iterable[Link]) -> dict[int, Row]:
    """The entries of `links` by id, as far as they exist."""
    rows = AuditEntry.objects.filter(pk__in=[entry_id for _position, entry_id, _hash in links])
    return {row[0]: row for row in rows.order_by().values_list(*FIELDS)}


def _look_for_unlinked(result: Verification) -> Iterator[str]:
    """Entries that were added too late. Counts those that wait for the next run in `result`."""
    settled_at = _settled_at()
    for pk, at in unlinked().order_by("pk").values_list("pk", "at").iterator():
        if not settled_at or at >= settled_at:
            result.waiting += 1
        else:
            yield f"entry {pk} was added later than its time says ({at:%Y-%m-%d %H:%M:%S})"


def has_hash(position: int, expected: str) -> bool | None:
    """Whether the chain has this hash at `position`; None where that was removed long ago."""
    for rows, name in ((AuditLink.objects, "position"), (AuditSeal.objects, "last_position")):
        stored = rows.filter(**{name: position}).values_list("hash", flat=True).first()
        if stored is not None:
            return bool(stored == expected)
    return None if position <= start()[0] else False
