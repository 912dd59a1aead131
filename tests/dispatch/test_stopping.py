"""A worker that is to end begins nothing more, and nothing is lost by it."""

import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from campaigns.dispatch.models import Batch, BatchState, Heartbeat
from campaigns.dispatch.send.sender import BatchSender
from campaigns.dispatch.workers import stopping
from campaigns.dispatch.workers.slots import WorkerSlot
from campaigns.management.queue_processes import QueueProcesses
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox


@pytest.fixture(autouse=True)
def going_on() -> Iterator[None]:
    yield
    stopping.withdraw()


@pytest.mark.django_db
def test_no_request_leaves_after_the_signal(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory.launched(500)
    post = BatchSender._post

    def stop_and_post(self: BatchSender, *arguments: Any) -> None:
        post(self, *arguments)
        stopping.request()  # while others have their intent already

    monkeypatch.setattr(BatchSender, "_post", stop_and_post)
    until = timezone.now() + timedelta(seconds=60)
    with WorkerSlot("send") as slot:
        assert not BatchSender(sandbox.client(), 1, until, slot.renew).run()
    assert sandbox.bill()["messages"] == 50
    states = Counter(Batch.objects.values_list("state", flat=True))
    assert states == {BatchState.DONE: 1, BatchState.READY: Batch.objects.count() - 1}
    assert not Heartbeat.objects.filter(name__startswith="send@").exists()  # the slot is free

    stopping.withdraw()
    monkeypatch.undo()
    assert not BatchSender(sandbox.client(), 4, until).run()
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"], bill["refused"]) == (500, 500, {})


@pytest.mark.django_db
def test_signal_is_known_to_the_processes_of_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, Any] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    monkeypatch.setattr("os.register_at_fork", lambda **hooks: None)
    queue = QueueProcesses()
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert queue.is_ending
    assert stopping.is_requested()
