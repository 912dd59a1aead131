"""Entries of the audit trail as a table, read a part at a time."""

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from campaigns.shared.table_columns import Cell, Column, Kind
from campaigns.team.models import AuditEntry

FILE_NAME = "audit-trail"
CHUNK_ROWS = 2_000  # held in memory at a time
TEXTS = ("who", "kind", "role", "brand", "address", "session", "object", "action", "detail")
COLUMNS = (
    Column("id", Kind.NUMBER),
    Column("time", Kind.TIME),
    *map(Column, (*TEXTS, "result", "reason")),
)


def audit_table(
    entries: QuerySet[AuditEntry],
) -> tuple[Sequence[Column], Iterator[Sequence[Cell]]]:
    """Columns and rows of `entries`, the oldest first."""
    rows = entries.order_by("at", "pk").iterator(chunk_size=CHUNK_ROWS)
    return COLUMNS, map(_cells, rows)


def _cells(entry: AuditEntry) -> Sequence[Cell]:
    return (
        entry.pk,
        entry.at,
        entry.who,
        entry.get_kind_display(),
        entry.get_role_display(),
        entry.brand,
        entry.address,
        entry.session,
        entry.subject,
        entry.action,
        entry.detail,
        entry.get_result_display(),
        entry.reason,
    )
