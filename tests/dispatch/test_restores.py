"""A backup restored in mid-campaign, and a clone of the server at work beside it: nobody gets a
second message.
"""

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
from django.utils import timezone

from campaigns.dispatch.send.sender import Sender
from tests.chaos.processes import database_url
from tests.dispatch import factory
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]
PEOPLE = 300


@pytest.fixture
def backup(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """`backup()` copies the database as it is now; the address of the copy."""
    name = f"{connection.settings_dict['NAME']}_copy"
    yield lambda: on_sqlite(tmp_path) if settings.SQLITE else on_postgresql(name)
    if not settings.SQLITE:
        with psycopg.connect(server(), autocommit=True) as maintenance:
            maintenance.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def on_sqlite(folder: Path) -> str:
    copy = folder / "copy.sqlite3"
    with (
        closing(sqlite3.connect(connection.settings_dict["NAME"])) as one,
        closing(sqlite3.connect(copy)) as other,
    ):
        one.backup(other)
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
    named = {
        "DATABASE_URL": database,
        "BSG_API_KEY": KEY,
        "DJANGO_SETTINGS_MODULE": "viberdash.settings",
    }
    return os.environ | named


def works_on(database: str, sandbox: RunningSandbox, passes: int = 12) -> "subprocess.Popen[str]":
    """A process that works on a database until its campaigns are at their end, or so long."""
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
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=environment(database),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def standing(database: str, campaign_id: int) -> tuple[Counter[str], str]:
    """Where the people of a campaign stand in some database, and what their Viber messages cost."""
    found = json.loads(manage(database, "campaign", "status", str(campaign_id), "--json"))
    return (
        Counter({name: found[name] for name in ("accepted", "queued", "unresolved")}),
        found["spend"]["EUR"]["viber"],
    )


def half_sent(sandbox: RunningSandbox) -> int:
    """A campaign of which a part is sent, and a part on the wire."""
    campaign = factory.launched(PEOPLE)
    turns = iter([True, True, False])
    Sender(sandbox.client(), 2, timezone.now() + factory.SOON, lambda: next(turns, False)).run()
    assert 0 < len(sandbox.messages()) < PEOPLE
    return campaign.pk


def test_clone_at_work_beside_its_original_sends_nobody_twice(
    sandbox: RunningSandbox, backup: Callable[[], str]
) -> None:
    campaign_id = half_sent(sandbox)
    databases = [database_url(connection), backup()]
    processes = [works_on(database, sandbox) for database in databases]
    outcomes = [process.communicate()[0] for process in processes]
    assert outcomes == ["0\n", "0\n"]
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    everybody = Counter(accepted=PEOPLE, queued=0, unresolved=0)
    assert [standing(database, campaign_id)[0] for database in databases] == [everybody, everybody]


def test_restored_backup_waits_for_a_person_and_sends_nobody_twice(
    sandbox: RunningSandbox, backup: Callable[[], str]
) -> None:
    campaign_id = half_sent(sandbox)
    manage(database_url(connection), "sweep")
    restored = backup()
    assert works_on(database_url(connection), sandbox).communicate()[0] == "0\n"
    assert sandbox.bill()["messages"] == PEOPLE
    refused = sandbox.bill()["refused"]

    works_on(restored, sandbox, passes=2).communicate()
    assert standing(restored, campaign_id)[0]["queued"] > 0
    assert sandbox.bill()["refused"] == refused
    assert manage(restored, "confirm_restore") == "Campaigns send again.\n"
    assert works_on(restored, sandbox).communicate()[0] == "0\n"
    sandbox.settle()
    assert works_on(restored, sandbox).communicate()[0] == "0\n"
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)
    people, spent = standing(restored, campaign_id)
    assert people == Counter(accepted=PEOPLE, queued=0, unresolved=0)
    assert Decimal(spent) == Decimal(bill["spend"]["EUR"]["viber"])
