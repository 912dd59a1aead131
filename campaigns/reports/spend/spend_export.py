"""The table of the Spend page as a file: one row for each group and currency, exact amounts."""

from collections.abc import Iterator

from campaigns.reports.spend.spending import Spending, costs_or_unknown
from campaigns.shared.table_export import Cell

AMOUNT_COLUMNS = (
    "currency", "viber", "sms", "fee", "correction", "total", "viber_at_send", "viber_since",
    "entries", "not_yet_known",
)  # fmt: skip


def file_name(spending: Spending) -> str:
    """Return the name of the file, without its extension."""
    period = spending.period
    return f"spend-{spending.grouping.key}-{period.first.isoformat()}-{period.last.isoformat()}"


def columns(spending: Spending) -> tuple[str, ...]:
    """Return the headings; that of the groups says so if they overlap."""
    grouping = spending.grouping
    return (f"{grouping.key}_overlapping" if grouping.overlaps else grouping.key, *AMOUNT_COLUMNS)


def export_rows(spending: Spending) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows; the counts stand in the first row of a group only."""
    for group in spending.groups:
        key = group.key[0].isoformat() if spending.grouping.by_time else group.name
        for number, cost in enumerate(costs_or_unknown(group.bill)):
            counts = (group.bill.entries, group.bill.not_yet_known) if number == 0 else (None, None)
            yield (
                key, cost.currency, cost.viber, cost.sms, cost.fee, cost.correction, cost.total,
                cost.charged, cost.adjustment, *counts,
            )  # fmt: skip
