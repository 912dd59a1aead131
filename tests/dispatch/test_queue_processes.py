"""How many processes the queue has: one while nothing happens, all where work waits."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django_q.conf import Conf

from campaigns.management.queue_processes import RETIRE_AFTER, QueueProcesses

IDLE, BUSY = -1.0, 120.0
pytestmark = pytest.mark.django_db


class Worker:
    """A process as the queue sees it."""

    exitcode: int | None = None

    def __init__(self, timer: float = IDLE) -> None:
        self.timer = SimpleNamespace(get_obj=lambda: SimpleNamespace(value=timer))

    def is_alive(self) -> bool:
        return self.exitcode is None


class Tasks:
    """The queue in memory: how many tasks wait, and who is asked to end."""

    waiting = 0
    asked_to_end = 0

    def qsize(self) -> int:
        return self.waiting + self.asked_to_end

    def put(self, task: str) -> None:
        assert task == "STOP"
        self.asked_to_end += 1


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)
    monkeypatch.setattr("os.register_at_fork", lambda **hooks: None)
    monkeypatch.setattr(connections, "close_all", lambda: None)
    monkeypatch.setattr(Conf, "WORKERS", 4)
    result: Any = QueueProcesses()
    result.task_queue = Tasks()
    result.pool = [Worker(BUSY)]
    monkeypatch.setattr(result, "spawn_worker", lambda: result.pool.append(Worker()))
    return result


def test_it_begins_with_one(queue: Any) -> None:
    assert queue.pool_size == 1


def test_tasks_that_wait_for_longer_get_more_workers(queue: Any) -> None:
    queue.task_queue.waiting = 2
    queue.fit_pool(queue.worked_at)
    assert len(queue.pool) == 1  # they may be done in a moment
    queue.fit_pool(queue.worked_at)
    assert len(queue.pool) == 3
    queue.task_queue.waiting = 7
    queue.pool = [Worker(BUSY) for _number in range(3)]
    for _look in range(3):
        queue.fit_pool(queue.worked_at)
    assert len(queue.pool) == 4  # WORKERS


def test_workers_that_are_free_take_what_waits(queue: Any) -> None:
    queue.pool = [Worker(BUSY), Worker(IDLE)]
    queue.task_queue.waiting = 1
    for _look in range(3):
        queue.fit_pool(queue.worked_at)
    assert len(queue.pool) == 2


def test_workers_without_work_end_and_are_not_replaced(queue: Any) -> None:
    queue.pool = [Worker() for _number in range(4)]
    now = queue.worked_at
    queue.fit_pool(now + RETIRE_AFTER)
    assert queue.task_queue.asked_to_end == 0
    queue.fit_pool(now + RETIRE_AFTER + 1)
    queue.fit_pool(now + RETIRE_AFTER + 2)  # asked once
    assert queue.task_queue.asked_to_end == queue.retiring == 3
    for worker in queue.pool[:3]:
        worker.exitcode = 0
    for worker in [*queue.pool[:3]]:
        queue._look_at(worker)
    assert (len(queue.pool), queue.retiring) == (1, 0)


def test_there_is_always_one(queue: Any) -> None:
    queue.pool.clear()
    queue.fit_pool(queue.worked_at)
    assert len(queue.pool) == 1


def test_worker_that_died_is_replaced(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    replaced: list[Any] = []
    monkeypatch.setattr(queue, "reincarnate", replaced.append)
    queue.retiring = 1
    queue.pool[0].exitcode = -9
    queue._look_at(queue.pool[0])
    assert replaced == queue.pool
    assert queue.retiring == 1
