"""The processes of the queue on this machine: one that watches, one that takes tasks from the
table, one that acknowledges them, and as many that work as there is work.

It is django-q2's sentinel, without the process that it usually has above it: `manage.py worker` is
that. See docs/queue.md.
"""

# mypy: disallow-untyped-calls=False

import os
import signal
import time
import uuid
from multiprocessing import Event
from multiprocessing.process import BaseProcess
from types import FrameType

from django.db import connections
from django_q.cluster import Sentinel
from django_q.conf import Conf
from django_q.scheduler import scheduler

from campaigns.dispatch.workers import stopping
from campaigns.shared.queue import TaskBroker

IDLE_WORKERS = 1  # that stay when nothing waits
SCHEDULES_EVERY = 30.0  # seconds
RETIRE_AFTER = 60.0  # seconds without work, of workers beyond IDLE_WORKERS
PATIENCE = 1.0  # seconds, with a lock of a worker; one that was killed keeps it
BUSY, TIMED_OUT = 0.0, 0.0  # a timer above BUSY runs; at TIMED_OUT its task took too long


class QueueProcesses(Sentinel):
    """Runs until SIGTERM; then the tasks that are in memory are finished."""

    def __init__(self) -> None:
        self.is_ending = False
        self.retiring = 0  # workers that were asked to end
        self.is_crowded = False
        self.worked_at = time.monotonic()
        self.scheduled_at = time.monotonic()
        super().__init__(Event(), Event(), uuid.uuid4(), start=False)
        self.broker: TaskBroker
        self.broker.is_ending = stopping.is_requested
        self.pool_size = min(IDLE_WORKERS, Conf.WORKERS)
        # Only here: a child that has it would not end when it is told to.
        os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))
        signal.signal(signal.SIGTERM, self._end)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        stopping.request()
        self.is_ending = True

    def guard(self) -> None:
        """Replace processes that died or whose task takes too long, let the number of workers fit
        the work, and queue what is due by schedule.
        """
        self.start_event.set()
        while not self.is_ending:
            for worker in [*self.pool]:
                self._look_at(worker)
            for name in ("monitor", "pusher"):
                if not getattr(self, name).is_alive():
                    self.reincarnate(getattr(self, name))
            self.fit_pool(time.monotonic())
            if time.monotonic() - self.scheduled_at >= SCHEDULES_EVERY:
                self.scheduled_at = time.monotonic()
                scheduler(broker=self.broker)
            time.sleep(Conf.GUARD_CYCLE)
        self.stop_event.set()
        self.stop()

    def _look_at(self, worker: BaseProcess) -> None:
        if not worker.is_alive():
            if self.retiring and worker.exitcode == 0:
                self.retiring -= 1
                self.pool.remove(worker)
            else:
                self.reincarnate(worker)
            return
        timer = worker.timer  # type: ignore[attr-defined]
        lock = timer.get_lock()
        if lock.acquire(timeout=PATIENCE):
            try:
                if timer.value > BUSY:
                    timer.value = max(timer.value - Conf.GUARD_CYCLE, TIMED_OUT)
            finally:
                lock.release()
        if timer.get_obj().value == TIMED_OUT:
            self.reincarnate(worker)

    def fit_pool(self, now: float) -> None:
        """Start workers where tasks wait for a second time, as the tasks of a schedule are done at
        once; let them end when nothing was to be done for a while.
        """
        waiting = self.task_queue.qsize() - self.retiring
        busy = sum(worker.timer.get_obj().value > BUSY for worker in self.pool)
        was_crowded, self.is_crowded = self.is_crowded, waiting > 0 and busy >= len(self.pool)
        if self.is_crowded and was_crowded:
            connections.close_all()
            for _worker in range(min(waiting, Conf.WORKERS - len(self.pool))):
                self.spawn_worker()
        elif not self.pool:
            connections.close_all()
            self.spawn_worker()
        if waiting > 0 or busy > IDLE_WORKERS or self.retiring:
            self.worked_at = now
        elif now - self.worked_at > RETIRE_AFTER:
            self.retiring = max(len(self.pool) - IDLE_WORKERS, 0)
            for _worker in range(self.retiring):
                self.task_queue.put("STOP")
