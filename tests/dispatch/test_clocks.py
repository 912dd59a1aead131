"""Machines whose clocks differ: leases and rates follow the one clock that they share."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.dispatch import sweep
from campaigns.dispatch.models import AccountRate, Batch, BatchState, Pace
from campaigns.dispatch.send import account_rate, rate_control
from campaigns.dispatch.send.leases import LEASE
from campaigns.dispatch.send.sender import BatchSender
from campaigns.shared import database_clock
from campaigns.shared.database_clock import now as time_of_the_database
from tests.dispatch import asking, factory
from tests.scripted_gateway import ScriptedGateway

pytestmark = pytest.mark.django_db
SHARED = datetime(2026, 3, 15, 12, tzinfo=UTC)  # by the clock of the database
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
APART = pytest.mark.parametrize("ahead", [-5 * MINUTE, 5 * MINUTE], ids=["behind", "ahead"])


@pytest.fixture
def _shared_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_clock, "now", lambda: SHARED)


def sender(gateway: ScriptedGateway) -> BatchSender:
    return BatchSender(gateway.client, 2, timezone.now() + MINUTE)


def test_time_is_that_of_the_server_for_one_query() -> None:
    is_own = connection.vendor == "sqlite"
    before = timezone.now()
    with time_machine.travel(SHARED, tick=False), CaptureQueriesContext(connection) as queries:
        at = time_of_the_database()
    assert len(queries) == (0 if is_own else 1)
    assert (at == SHARED) if is_own else (abs(at - before) < MINUTE)


@APART
@pytest.mark.usefixtures("_shared_clock")
def test_leases_and_intents_are_set_by_the_shared_clock(
    gateway: ScriptedGateway, ahead: timedelta
) -> None:
    factory.launched(3)
    with time_machine.travel(SHARED + ahead, tick=False):
        machine = sender(gateway)
        plan = machine._plan_round([], True)
        assert set(Batch.objects.values_list("lease_until", flat=True)) == {SHARED + LEASE}
        machine.prepared = machine._build_batches(plan.new_claims)
        plan = machine._plan_round([], True)
    assert (plan.intended_at, plan.decided_at) == (SHARED, SHARED + ahead)
    columns = ("state", "intended_at", "lease_until", "in_flight_until")
    assert set(Batch.objects.values_list(*columns)) == {
        (BatchState.SENDING, SHARED, SHARED + LEASE, SHARED + LEASE)
    }


@APART
@pytest.mark.usefixtures("_shared_clock")
def test_request_leaves_and_is_recorded_whatever_the_machines_clock_says(
    gateway: ScriptedGateway, ahead: timedelta
) -> None:
    factory.launched(3)
    with time_machine.travel(SHARED + ahead):
        sender(gateway).run()
    assert len(gateway.accepted) == 3
    assert set(Batch.objects.values_list("state", "done_at")) == {(BatchState.DONE, SHARED)}


@APART
@pytest.mark.usefixtures("_shared_clock")
def test_sweep_and_questions_wait_by_the_shared_clock(
    gateway: ScriptedGateway, ahead: timedelta
) -> None:
    factory.launched(3)
    lease = {"state": BatchState.SENDING, "token": "theirs", "intended_at": SHARED}
    Batch.objects.update(**lease, in_flight_until=SHARED, lease_until=SHARED + SECOND)
    with time_machine.travel(SHARED + ahead):
        sweep.sweep()
        assert not Batch.objects.exclude(state=BatchState.SENDING).exists()
        Batch.objects.update(state=BatchState.AMBIGUOUS, not_before=SHARED + SECOND)
        Batch.objects.update(lease_until=None)
        assert not asking.resolve(gateway.client, 2)
        assert gateway.questions == []
        Batch.objects.update(not_before=SHARED)
        assert not asking.resolve(gateway.client, 2)
    assert len(gateway.questions) == 3
    # the quarantine is not over, however late it is on the machine
    assert not Batch.objects.exclude(state=BatchState.AMBIGUOUS).exists()


def test_machine_that_is_behind_changes_nothing_of_a_rate() -> None:
    """Two machines, ten seconds apart, send by turns at a rate of 50 a second."""
    granted = 0
    for second in range(20):
        for ahead in (0, 10):
            at = SHARED + timedelta(seconds=second + ahead)
            granted += sum(rate_control.allow_by_rate([1, 1], {1: 50}, at))
    assert 20 <= granted <= 21
    rate_control.take_tokens("statuses", 50, 50, SHARED)
    rate_control.take_tokens("statuses", 50, 50, SHARED - 10 * SECOND)
    pace = Pace.objects.get(scope="statuses")
    assert (pace.at, pace.tokens) == (SHARED, -100)


def test_clock_that_was_set_back_takes_no_tokens_of_the_account() -> None:
    account = AccountRate(rate=100.0, at=SHARED, tokens=50.0)
    assert account_rate._grant(account, 1, 0.0, SHARED - 10 * SECOND) == 1
    assert (account.at, account.tokens) == (SHARED, 0.0)
