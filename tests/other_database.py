"""A second database on the engine of the tests: the fixture `empty_database`, and `using` it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from tests import migrated
from tests.chaos.processes import database_url


def server() -> str:
    """The address of the database on PostgreSQL's server that is always there."""
    return database_url(connection).rpartition("/")[0] + "/postgres"


@contextmanager
def using(database: str) -> Iterator[None]:
    """Work on the database with this name in place of that of the tests, in each thread."""
    name = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name


@pytest.fixture
def empty_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The name of a database without tables."""
    if settings.SQLITE:
        yield str(tmp_path / "other.sqlite3")
        return
    name = f"{connection.settings_dict['NAME']}_other"
    with psycopg.connect(server(), autocommit=True) as maintenance:
        maintenance.execute(f'CREATE DATABASE "{name}"')
    yield name
    migrated.drop(server(), name)
