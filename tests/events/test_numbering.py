"""No change is missed, in whatever order transactions commit."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction

from campaigns.events import deliveries
from campaigns.events.models import Webhook
from campaigns.shared.brands.scope import MAIN
from campaigns.shared.changes import numbering, recording
from campaigns.shared.changes.models import Change
from campaigns.shared.changes.recording import NewChange
from tests.events.receiver import Receiver, deliver

pytestmark = pytest.mark.django_db(transaction=True)
KIND = "message.read"


def add(object_id: int, *messages: int) -> None:
    wanted = recording.load_wanted(KIND)
    recording.record([NewChange(MAIN, KIND, object_id, messages=messages)], wanted)


@contextmanager
def transaction_that_commits_late(object_id: int) -> Iterator[None]:
    """Another connection records a change before the block, and commits it after. SQLite has one
    writer at a time, so there it does both after the block.
    """
    is_recorded, may_commit = threading.Event(), threading.Event()
    overlaps = connection.vendor == "postgresql"

    def record() -> None:
        if not overlaps:
            may_commit.wait(30)
        with transaction.atomic():
            add(object_id, 1, 2, 3)
            is_recorded.set()
            may_commit.wait(30)
        connections.close_all()

    thread = threading.Thread(target=record)
    thread.start()
    if overlaps:
        assert is_recorded.wait(30)
    yield
    may_commit.set()
    thread.join()


def test_change_that_commits_late_gets_the_next_number(webhook: Webhook) -> None:
    with transaction_that_commits_late(1):
        add(2, 4)
        assert numbering.number_new() == 1
        assert numbering.number_new() == 1
    assert numbering.last_number() == 1
    assert numbering.number_new() == 4
    rows = Change.objects.order_by("position").values_list("object_id", "position", "size")
    assert list(rows) == [(2, 1, 1), (1, 2, 3)]
    if connection.vendor == "postgresql":  # its id was taken first
        assert Change.objects.order_by("pk").values_list("object_id", flat=True)[0] == 1


def test_change_that_commits_late_is_delivered(webhook: Webhook, receiver: Receiver) -> None:
    with transaction_that_commits_late(1):
        add(2, 4)
        deliver()
        assert [event["data"]["campaign"]["id"] for event in receiver.events()] == [2]
    deliver()
    assert [event["data"]["campaign"]["id"] for event in receiver.events()] == [1, 1, 1]
    assert [event["sequence"] for event in receiver.events()] == [2, 3, 4]
    assert len(set(receiver.ids)) == 2
    deliver()
    assert len(receiver.ids) == 2


def test_rolled_back_change_is_told_to_nobody(webhook: Webhook, receiver: Receiver) -> None:
    with transaction.atomic():
        add(1, 1)
        transaction.set_rollback(True)
    add(2, 2)
    deliver()
    assert [event["data"]["message"]["id"] for event in receiver.events()] == [2]


def test_numbers_are_given_by_one_worker_at_a_time(webhook: Webhook) -> None:
    for number in range(40):
        add(number, *range(number))
    failures: list[BaseException] = []

    def number_some() -> None:
        try:
            numbering.number_new()
        except BaseException as error:  # noqa: BLE001 - shown below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=number_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    numbering.number_new()
    expected, at = [], 1
    for position, size in Change.objects.order_by("position").values_list("position", "size"):
        expected.append((position, at))
        at += size
    assert len(expected) == 40
    assert all(position == place for position, place in expected)
    assert numbering.last_number() == at - 1 == sum(max(number, 1) for number in range(40))


def test_two_workers_do_not_send_the_same_delivery(webhook: Webhook, receiver: Receiver) -> None:
    add(1, 1)
    numbering.number_new()
    now = webhook.created_at
    first = deliveries.take(webhook.pk, now)
    assert first
    assert deliveries.take(webhook.pk, now) is None
    assert deliveries.take(webhook.pk, now + deliveries.LEASE / 2) is None
    second = deliveries.take(webhook.pk, now + deliveries.LEASE)
    assert second
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.body == first.body
    assert Webhook.objects.get().lease_token == second.token
