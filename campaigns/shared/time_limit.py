"""A limit on the time that queries of a block may take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction


class TimeLimitReached(Exception):  # noqa: N818 - expected, not an error
    """A query took longer than it may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitReached from a query of the block that runs longer than `seconds`.

    On SQLite `seconds` is the time of all queries together.
    """
    limit = _limit_postgresql if connection.vendor == "postgresql" else _limit_sqlite
    try:
        with limit(seconds):
            yield
    except OperationalError as error:
        if not any(word in str(error) for word in ("interrupted", "statement timeout")):
            raise
        raise TimeLimitReached from error


@contextmanager
def _limit_postgresql(seconds: float) -> Iterator[None]:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        yield


@contextmanager
def _limit_sqlite(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    connection.ensure_connection()
    connection.connection.set_progress_handler(lambda: time.monotonic() > end, 20_000)
    try:
        yield
    finally:
        connection.connection.set_progress_handler(None, 0)
