"""`manage.py worker`: run the queue of this machine, and restart it when it ends or stalls.

The queue's own processes can't be trusted with that: one that is killed at a bad moment keeps a
lock, and the others wait for it for ever. So the heartbeats in the database decide: the queue is
alive if tasks were done. See docs/queue.md.
"""

import ctypes
import gc
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import Error, connection, connections
from django.utils import timezone

from campaigns.dispatch.workers import health
from campaigns.shared.queue import TASKS
from campaigns.team import safe_mode

logger = logging.getLogger(__name__)
CHECK_INTERVAL = 5.0  # seconds between two checks of the heartbeats
DRAIN_SECONDS = 60.0  # seconds for the running tasks when the worker stops
RESTART_DELAY = 1.0  # seconds before a queue that ended is restarted
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>
LIBRARY = ctypes.CDLL(None)  # before the forks


class Command(BaseCommand):
    help = "Runs the queue of this machine, and restarts it when it ends or stalls."
    stop_signals = 0  # received so far
    queue: ForkProcess | None = None

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        connection.ensure_connection()  # or end with one line, not with one for each process
        logger.info("Worker %s begins, with %s processes", settings.WORKER_NAME, settings.WORKERS)
        if notice := safe_mode.notice():
            logger.warning(notice)
        watch = health.QueueWatch(timezone.now())
        import_tasks()
        while not self._is_stopping():
            self.queue = start_queue()
            watch.restart(timezone.now())
            self._watch(self.queue, watch)
            if self._is_stopping():
                self._drain(self.queue)
            kill_queue(self.queue)
            if not self._is_stopping():
                logger.warning("The queue of %s ended or stalled: begun anew", settings.WORKER_NAME)
                time.sleep(RESTART_DELAY)
        health.forget_queue()
        logger.info("Worker %s ends", settings.WORKER_NAME)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_signals += 1
        if self.queue and self.queue.pid:  # at once: it sends nothing more
            with suppress(ProcessLookupError):
                os.kill(self.queue.pid, signal.SIGTERM)  # only the parent, which stops its children

    def _is_stopping(self) -> bool:
        return self.stop_signals > 0

    def _watch(self, queue: ForkProcess, watch: health.QueueWatch) -> None:
        """Return when `queue` ended or stalled, or when the worker is to stop."""
        checked_at = time.monotonic()
        while not self._is_stopping() and not has_ended(queue, 0.5):
            if time.monotonic() - checked_at < CHECK_INTERVAL:
                continue
            checked_at = time.monotonic()
            if has_stalled(watch):
                self.stderr.write(f"The queue of {settings.WORKER_NAME} has stalled; restarting it")
                return

    def _drain(self, queue: ForkProcess) -> None:
        """Let the queue finish its running tasks; a second signal ends it at once."""
        with suppress(ProcessLookupError):
            os.kill(queue.pid or 0, signal.SIGTERM)  # it may have begun after the first one
        until = time.monotonic() + DRAIN_SECONDS
        while self.stop_signals < 2 and time.monotonic() < until and not has_ended(queue, 0.5):
            pass


def import_tasks() -> None:
    """Read the modules of all tasks once: all processes of the queue share this memory."""
    importlib.import_module("campaigns.management.queue_processes")
    for task in TASKS:
        importlib.import_module(task.rpartition(".")[0])


def run_queue(parent: int) -> None:
    """Be the queue; none of its processes outlives its parent."""
    from campaigns.management.queue_processes import QueueProcesses

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    die_with(parent)
    forking = {"parent": 0}
    os.register_at_fork(
        before=lambda: forking.update(parent=os.getpid()),
        after_in_child=lambda: die_with(forking["parent"]),
    )
    QueueProcesses().start()  # type: ignore[no-untyped-call]


def die_with_parent() -> None:
    """Let the system kill this process when its parent ends, on Linux; elsewhere do nothing."""
    if sys.platform == "linux":
        LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with(parent: int) -> None:
    """Die with `parent`, which may have ended before the system was asked to watch it."""
    die_with_parent()
    if sys.platform == "linux" and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def start_queue() -> ForkProcess:
    """Fork the queue, which shares what this process has read."""
    connections.close_all()
    gc.collect()
    gc.freeze()  # what is looked through is copied
    context = multiprocessing.get_context("fork")
    queue = context.Process(target=run_queue, args=(os.getpid(),), name="queue")
    queue.start()
    return queue


def has_ended(queue: ForkProcess, seconds: float) -> bool:
    """Whether `queue` has ended or does so within `seconds`."""
    queue.join(seconds)
    return queue.exitcode is not None


def kill_queue(queue: ForkProcess) -> None:
    """Kill all processes of the queue that are left."""
    with suppress(ProcessLookupError):
        os.killpg(queue.pid or 0, signal.SIGKILL)
    queue.kill()  # if it had no group of its own yet
    queue.join()


def has_stalled(watch: health.QueueWatch) -> bool:
    """Whether the queue has stalled. Not while the database is unavailable: nobody knows then."""
    try:
        return watch.is_stalled(timezone.now())
    except Error:
        connection.close()
        watch.restart(timezone.now())
        return False
