"""A restored backup, and a clone running beside its original: nobody gets a second message."""

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from campaigns.dispatch.send.sender import BatchSender
from tests.chaos.processes import database_url
from tests.dispatch import factory
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
    """`backup()` copies the database as it is now; returns the address of the copy."""
    name = f"{connection.settings_dict['NAME']}_copy"
    yield lambda: on_sqlite(tmp_path) if settings.SQLITE else on_postgresql(name)
    if not settings.SQLITE:
        with psycopg.connect(server(), autocommit=True) as maintenance:
            maintenance.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def on_sqlite(folder: Path) -> str:
    copy = folder / "copy.sqlite3"
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{copy}"


def on_postgresql(name: str) -> str:
    connection.close()
    with psycopg.connect(server(), autocommit=True) as maintenance:
        maintenance.execute(
            f'CREATE DATABASE "{name}" TEMPLATE "{connection.settings_dict["NAME"]}"'
        )
    return database_url(connection).rpartition("/")[0] + f"/{name}"


def server() -> str:
    return database_url(connection).rpartition("/")[0] + "/postgres"


def environment(database: str) -> dict[str, str]:
    variables = {
        "DATABASE_URL": database,
        "BSG_API_URL": settings.BSG_API_URL,
        "BSG_API_KEY": KEY,
        "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }
    return os.environ | variables


def start_work(database: str, sandbox: RunningSandbox, passes: int = 12) -> "subprocess.Popen[str]":
    """Start a process that works on a database until its campaigns are over."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.dispatch.killable"],
        env=environment(database), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin
    process.stdin.write(
        json.dumps({"api_url": sandbox.api_url, "failpoint": "", "passes": passes}) + "\n"
    )
    process.stdin.flush()
    return process


def manage(database: str, *command: str) -> str:
    process = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=environment(database),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return process.stdout


def read_status(database: str, campaign_id: int) -> tuple[Counter[str], str]:
    """The recipients by state of a campaign in some database, and its cost of Viber messages."""
    status = json.loads(manage(database, "campaign", "status", str(campaign_id), "--json"))
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
    sandbox: RunningSandbox, backup: Callable[[], str]
) -> None:
    campaign_id = half_sent(sandbox)
    databases = [database_url(connection), backup()]
    processes = [start_work(database, sandbox) for database in databases]
    outcomes = [process.communicate()[0] for process in processes]
    assert outcomes == ["0\n", "0\n"]
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    everybody = Counter(accepted=PEOPLE, queued=0, unresolved=0)
    assert [read_status(database, campaign_id)[0] for database in databases] == [
        everybody,
        everybody,
    ]


def test_restored_backup_waits_for_a_person_and_sends_nobody_twice(
    sandbox: RunningSandbox, backup: Callable[[], str]
) -> None:
    campaign_id = half_sent(sandbox)
    manage(database_url(connection), "sweep")
    restored = backup()
    assert start_work(database_url(connection), sandbox).communicate()[0] == "0\n"
    assert sandbox.bill()["messages"] == PEOPLE
    refused = sandbox.bill()["refused"]

    start_work(restored, sandbox, passes=2).communicate()
    assert read_status(restored, campaign_id)[0]["queued"] > 0
    assert sandbox.bill()["refused"] == refused
    assert manage(restored, "confirm_restore") == "Safe mode is off. Campaigns send again.\n"
    assert start_work(restored, sandbox).communicate()[0] == "0\n"
    sandbox.settle()
    assert start_work(restored, sandbox).communicate()[0] == "0\n"
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    people, spent = read_status(restored, campaign_id)
    assert people == Counter(accepted=PEOPLE, queued=0, unresolved=0)
    assert Decimal(spent) == Decimal(bill["spend"]["EUR"]["viber"])
