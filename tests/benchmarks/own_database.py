"""Run what a benchmark measures in a database of its own."""

import sys
from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.db import connection


def in_own_database(work: Callable[[], object]) -> None:
    """Call `work` in a new database, which is dropped after it; on SQLite in the configured file,
    which is a new one already.
    """
    if connection.vendor == "sqlite":
        call_command("migrate", verbosity=0)
        work()
        return
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        work()
    finally:
        sys.stdout.flush()
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)
