"""The table of the Spend page as a file: one row for each group and currency, exact amounts."""

from collections.abc import Iterator

from campaigns.reports.spend.spending import Spending, costs_or_unknown
from campaigns.shared.table_columns import Cell, Column, Kind

AMOUNT_COLUMNS = (
    "viber", "sms", "fee", "correction", "total", "viber_at_send", "viber_since",
)  # fmt: skip
COUNT_COLUMNS = ("entries", "not_yet_known")


def file_name(spending: Spending) -> str:
    """Return the name of the file, without its extension."""
    period = spending.period
    return f"spend-{spending.grouping.key}-{period.first.isoformat()}-{period.last.isoformat()}"


def columns(spending: Spending) -> tuple[Column, ...]:
    """Return the columns; the name of that of the groups says so if they overlap."""
    grouping = spending.grouping
    return (
        Column(
            f"{grouping.key}_overlapping" if grouping.overlaps else grouping.key,
            Kind.DAY if grouping.by_time else Kind.TEXT,
        ),
        Column("currency"),
        *(Column(name, Kind.MONEY) for name in AMOUNT_COLUMNS),
        *(Column(name, Kind.NUMBER) for name in COUNT_COLUMNS),
    )


def export_rows(spending: Spending) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows; the counts stand in the first row of a group only."""
    for group in spending.groups:
        key = group.key[0] if spending.grouping.by_time else group.name
        for number, cost in enumerate(costs_or_unknown(group.bill)):
            counts = (group.bill.entries, group.bill.not_yet_known) if number == 0 else (None, None)
            yield (
                key, cost.currency, cost.viber, cost.sms, cost.fee, cost.correction, cost.total,
                cost.charged, cost.adjustment, *counts,
            )  # fmt: skip
