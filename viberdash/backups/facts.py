"""What a database holds, to compare a restored one with the original."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

Execute = Callable[[str], Iterable[Sequence[Any]]]  # a query -> its rows
TABLES = ("campaigns_campaign", "campaigns_recipient", "campaigns_contact", "campaigns_ledgerentry")
SUMS = (
    "SELECT currency, SUM(amount) FROM campaigns_ledgerentry"
    " WHERE amount IS NOT NULL GROUP BY currency ORDER BY currency"
)


def read(execute: Execute) -> dict[str, Any]:
    """Rows of the tables that matter, the ledger's sums by currency in ten-millionths, and the
    applied migrations.
    """
    rows = {table: _number(execute, table) for table in TABLES}
    migrations = execute("SELECT app, name FROM django_migrations ORDER BY app, name")
    return {
        "rows": rows,
        "ledger": {currency: int(amount) for currency, amount in execute(SUMS)},
        "migrations": [f"{app}.{name}" for app, name in migrations],
    }


def _number(execute: Execute, table: str) -> int:
    [(number,)] = execute(f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - one of TABLES
    return int(number)
