"""A restored backup, and a clone running beside its original: nobody gets a second message."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from campaigns.dispatch.send.sender import BatchSender
from tests import migrated
from tests.dispatch import factory
from tests.dispatch.workers import Worker
from tests.other_database import server, using
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
PEOPLE = 300


@pytest.fixture(autouse=True)
def same_account(sandbox: RunningSandbox) -> Iterator[None]:
    """The campaign belongs to the account that the processes use."""
    with override_settings(BSG_API_URL=sandbox.api_url, BSG_API_KEY=KEY):
        yield


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """`backup()` copies the database as it is now; returns the name of the copy."""
    name = f"{connection.settings_dict['NAME']}_copy"
    yield lambda: on_sqlite(tmp_path) if settings.SQLITE else on_postgresql(name)
    if not settings.SQLITE:
        migrated.drop(server(), name)


def on_sqlite(folder: Path) -> str:
    copy = folder / "copy.sqlite3"
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return str(copy)


def on_postgresql(name: str) -> str:
    connection.close()
    with psycopg.connect(server(), autocommit=True) as maintenance:
        maintenance.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{connection.settings_dict["NAME"]}"'
        )
    return name


def output(command: str, *arguments: str) -> str:
    """What a command of manage.py writes. Raises CommandError."""
    written = StringIO()
    call_command(command, *arguments, stdout=written)
    return written.getvalue()


def read_status(campaign_id: int) -> tuple[Counter[str], str]:
    """The recipients by state of a campaign, and its cost of Viber messages."""
    status: dict[str, Any] = json.loads(output("campaign", "status", str(campaign_id), "--json"))
    return (
        Counter({name: status[name] for name in ("accepted", "queued", "unresolved")}),
        status["spend"]["EUR"]["viber"],
    )


def half_sent(sandbox: RunningSandbox) -> int:
    """A campaign that is partly sent, with some requests under way."""
    campaign = factory.launched(PEOPLE)
    rounds = iter([True, True, False])
    BatchSender(
        sandbox.client(), 2, timezone.now() + factory.SOON, lambda: next(rounds, False)
    ).run()
    assert 0 < len(sandbox.messages()) < PEOPLE
    return campaign.pk


def test_clone_at_work_beside_its_original_sends_nobody_twice(
    sandbox: RunningSandbox, backup: Callable[[], str], workers: list[Worker]
) -> None:
    campaign_id = half_sent(sandbox)
    databases = [str(connection.settings_dict["NAME"]), backup()]
    for worker, database in zip(workers, databases, strict=True):
        worker.start(sandbox.api_url, database=database)
    assert [worker.wait() for worker in workers] == [0, 0]
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    for database in databases:
        with using(database):
            assert read_status(campaign_id)[0] == Counter(accepted=PEOPLE, queued=0, unresolved=0)


def test_restored_backup_waits_for_a_person_and_sends_nobody_twice(
    sandbox: RunningSandbox, backup: Callable[[], str], workers: list[Worker]
) -> None:
    campaign_id, work = half_sent(sandbox), workers[0].run
    call_command("sweep")
    restored = backup()
    assert work(sandbox.api_url) == 0
    assert sandbox.bill()["messages"] == PEOPLE
    refused = sandbox.bill()["refused"]

    with using(restored):
        work(sandbox.api_url, passes=2)
        assert read_status(campaign_id)[0]["queued"] > 0
        assert sandbox.bill()["refused"] == refused
        assert output("confirm_restore") == "Safe mode is off. Campaigns send again.\n"
        assert work(sandbox.api_url) == 0
        sandbox.settle()
        assert work(sandbox.api_url) == 0
        people, spent = read_status(campaign_id)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    assert people == Counter(accepted=PEOPLE, queued=0, unresolved=0)
    assert Decimal(spent) == Decimal(bill["spend"]["EUR"]["viber"])
