"""The clock that all machines share: leases and rates are set and compared by it alone, so that
machines whose own clocks differ neither end each other's leases early nor lose a rate's tokens.
"""

from datetime import datetime

from django.db import connection
from django.utils import timezone


def now() -> datetime:
    """The time by the database server's clock, for one query; on SQLite that of this machine.

    Ask it once for a round of work, not for each row. Deadlines within one process are not its
    business: they take `timezone.now()`.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        at: datetime = cursor.fetchone()[0]
        return at
