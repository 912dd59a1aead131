"""Worker slots, and how the senders of a machine share its connections."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ
from django_q.signing import SignedPackage
from pytest_django import Settings

from campaigns.dispatch import tasks
from campaigns.dispatch.models import Heartbeat, Recipient, SendState
from campaigns.dispatch.workers import health
from campaigns.dispatch.workers.slots import WorkerSlot, delete_abandoned, is_taken, send_jobs
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox


@pytest.mark.parametrize(
    ("processes", "connections", "workers", "shares"),
    [
        (2, 8, 4, [4, 4]),
        (2, 9, 4, [5, 4]),
        (3, 8, 8, [3, 3, 2]),
        (2, 1, 4, [1]),  # never more connections than were asked for
        (2, 8, 3, [8]),  # two workers are left for everything else
        (2, 8, 1, [8]),
    ],
)
def test_senders_share_the_connections(
    settings: Settings, processes: int, connections: int, workers: int, shares: list[int]
) -> None:
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = (
        processes,
        connections,
        workers,
    )
    assert list(send_jobs().values()) == shares


@pytest.mark.django_db
def test_second_sender_takes_the_other_slot_and_a_third_none(
    settings: Settings, sandbox: RunningSandbox
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    factory.launched(120)
    accepted = Recipient.objects.filter(send_state=SendState.ACCEPTED)
    first, second = send_jobs()
    with WorkerSlot(first), WorkerSlot(second):
        tasks.send()
        assert (is_taken(first), is_taken(second), accepted.count()) == (True, True, 0)
    with WorkerSlot(first):
        tasks.send()
        assert (is_taken(first), is_taken(second), accepted.count()) == (True, False, 120)


@pytest.mark.django_db
def test_released_and_abandoned_slots_are_deleted() -> None:
    now = timezone.now()
    with WorkerSlot("prepare-5") as slot, WorkerSlot("prepare-5") as second:
        assert (slot.held, second.held, Heartbeat.objects.count()) == (True, False, 1)
    Heartbeat.objects.create(name="prepare-6@killed", at=now, until=now - timedelta(hours=2))
    Heartbeat.objects.create(name="send@busy", at=now, until=now - timedelta(minutes=2))
    delete_abandoned(now)
    assert [heartbeat.name for heartbeat in Heartbeat.objects.all()] == ["send@busy"]


def sends_queued() -> list[Any]:
    """The arguments of the waiting tasks to send."""
    waiting: list[dict[str, Any]] = [
        SignedPackage.loads(task.payload) for task in OrmQ.objects.all()
    ]
    return [task["args"] for task in waiting if task["func"] == tasks.SEND]


@pytest.mark.django_db
def test_each_machine_with_a_free_slot_is_woken(settings: Settings) -> None:
    """This one and two others; not a machine that is busy, nor one without a sign of life."""
    now = timezone.now()
    for name in ("queue@two", "queue@three", "queue@busy"):
        Heartbeat.objects.create(name=name, at=now)
    Heartbeat.objects.create(name="queue@gone", at=now - 2 * health.STALLED_AFTER)
    Heartbeat.objects.create(name="send@busy", at=now, until=now + timedelta(minutes=1))
    settings.SEND_PROCESSES, settings.SEND_CONNECTIONS, settings.WORKERS = 2, 8, 4
    factory.launched(60)
    OrmQ.objects.all().delete()
    tasks.work()
    assert sends_queued() == [()] * 2 * 3


@pytest.mark.django_db
def test_send_task_for_another_machine_is_passed_on_until_max_hops(
    settings: Settings,
) -> None:
    settings.SEND_PROCESSES = 1
    factory.launched(60)
    OrmQ.objects.all().delete()
    with WorkerSlot("send"):
        tasks.send(2)
        assert sends_queued() == []  # there is no other machine
        Heartbeat.objects.create(name="queue@two", at=timezone.now())
        tasks.send(0)
        assert sends_queued() == []
        tasks.send(2)
    assert sends_queued() == [(1,)]
