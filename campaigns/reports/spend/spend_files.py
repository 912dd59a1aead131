"""The table of the Spend page as a file: one row a group and currency, amounts with all their
decimals.
"""

from collections.abc import Iterator

from campaigns.reports.spend.spending import Spending, costs_or_unknown
from campaigns.shared.table_columns import Cell, Column, Kind

AMOUNTS = ("viber", "sms", "fee", "correction", "total", "viber_at_send", "viber_since")
COUNTS = ("entries", "not_yet_known")


def name(spending: Spending) -> str:
    """What the file is called, without its ending."""
    period = spending.period
    return f"spend-{spending.grouping.key}-{period.first.isoformat()}-{period.last.isoformat()}"


def columns(spending: Spending) -> tuple[Column, ...]:
    """The columns; the name of that of the groups says where they overlap."""
    grouping = spending.grouping
    return (
        Column(
            f"{grouping.key}_overlapping" if grouping.overlaps else grouping.key,
            Kind.DAY if grouping.by_time else Kind.TEXT,
        ),
        Column("currency"),
        *(Column(name, Kind.MONEY) for name in AMOUNTS),
        *(Column(name, Kind.NUMBER) for name in COUNTS),
    )


def rows(spending: Spending) -> Iterator[tuple[Cell, ...]]:
    """A row for each group and currency."""
    for group in spending.groups:
        key = group.key[0] if spending.grouping.by_time else group.name
        for number, cost in enumerate(costs_or_unknown(group.bill)):
            counts = (group.bill.entries, group.bill.not_yet_known) if number == 0 else (None, None)
            yield (
                key, cost.currency, cost.viber, cost.sms, cost.fee, cost.correction, cost.total,
                cost.at_send, cost.since, *counts,
            )  # fmt: skip
