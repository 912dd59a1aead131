"""A finished import from an address, and its schedule."""

from collections.abc import Callable

import pytest

from campaigns.contacts import tasks
from campaigns.contacts.fetching import schedules
from campaigns.contacts.fetching.download import receive_address
from campaigns.contacts.fetching.models import ImportRhythm, ImportSchedule
from campaigns.contacts.importing import lifecycle
from campaigns.contacts.importing.column_mapping import ColumnMapping
from campaigns.contacts.importing.reading.cell_values import EVERY_RULE
from campaigns.contacts.models import Import
from campaigns.models import User
from tests.file_server import FileServer

PHONES = [f"38067000{number:04}" for number in range(1000)]


def table(count: int, head: str = "phone,name", bad: int = 0) -> bytes:
    """A CSV file with `count` rows, of which the last `bad` have no valid phone."""
    rows = [f"{phone},Olena" for phone in PHONES[: count - bad]] + ["12,Olena"] * bad
    return "\n".join([head, *rows, ""]).encode()


@pytest.fixture
def owner(marketer: User) -> User:
    marketer.email = "marta@example.com"
    marketer.save()
    return marketer


@pytest.fixture
def finished(file_server: FileServer, owner: User) -> Import:
    """An import of ten contacts from /clients.csv."""
    file_server.files["/clients.csv"] = table(10)
    made = receive_address(file_server.url("/clients.csv"), None, "Clients", "UA", owner)
    tasks.open_file(made.pk)
    tasks.open_file(made.pk)
    made.refresh_from_db()
    columns = ColumnMapping.from_json(made.mapping)
    lifecycle.choose_columns(made.pk, columns, "UA", "update", EVERY_RULE)
    lifecycle.start_check(made.pk)
    tasks.check(made.pk)
    lifecycle.start(made.pk, owner)
    tasks.run_import(made.pk)
    made.refresh_from_db()
    return made


@pytest.fixture
def schedule(finished: Import, owner: User) -> ImportSchedule:
    return schedules.create(finished, ImportRhythm.HOURLY, None, 0, 10, owner)


@pytest.fixture
def run(schedule: ImportSchedule) -> Callable[[], ImportSchedule]:
    """Run the schedule as if its time had come, to its end."""

    def ran() -> ImportSchedule:
        ImportSchedule.objects.update(next_run_at=schedule.created_at)
        tasks.run_import_schedule(schedule.pk)
        schedule.refresh_from_db()
        if schedule.is_importing:
            assert schedule.latest_import_id
            for step in (tasks.open_file, tasks.check, tasks.run_import):
                step(schedule.latest_import_id)
            schedule.refresh_from_db()
        return schedule

    return ran
