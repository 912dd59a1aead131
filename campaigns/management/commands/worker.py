"""`manage.py worker`: run the queue of this machine, and restart it when it ends or stalls.

The queue's own processes can't be trusted with that: one that is killed at a bad moment keeps a
lock, and the others wait for it for ever. So the heartbeats in the database decide: the queue is
alive if tasks were done. See docs/queue.md.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from argparse import SUPPRESS
from contextlib import suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection
from django.utils import timezone
from django_q.cluster import Cluster

from campaigns.dispatch.workers import health, stopping
from campaigns.team import safe_mode

logger = logging.getLogger(__name__)
CHECK_INTERVAL = 5.0  # seconds between two checks of the heartbeats
DRAIN_SECONDS = 60.0  # seconds for the running tasks when the worker stops
RESTART_DELAY = 1.0  # seconds before a queue that ended is restarted
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


class Command(BaseCommand):
    help = "Runs the queue of this machine, and restarts it when it ends or stalls."
    stop_signals = 0  # received so far

    def add_arguments(self, parser: CommandParser) -> None:
        # Internal: be the queue of that process.
        parser.add_argument("--queue-of", type=int, metavar="PID", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["queue_of"]:
            run_queue(options["queue_of"])
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        connection.ensure_connection()  # or end with one line, not with one for each process
        logger.info("Worker %s begins, with %s processes", settings.WORKER_NAME, settings.WORKERS)
        if notice := safe_mode.notice():
            logger.warning(notice)
        watch = health.QueueWatch(timezone.now())
        while not self._is_stopping():
            queue = start_queue()
            watch.restart(timezone.now())
            self._watch(queue, watch)
            if self._is_stopping():
                self._drain(queue)
            kill_queue(queue)
            if not self._is_stopping():
                logger.warning("The queue of %s ended or stalled: begun anew", settings.WORKER_NAME)
                time.sleep(RESTART_DELAY)
        logger.info("Worker %s ends", settings.WORKER_NAME)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_signals += 1

    def _is_stopping(self) -> bool:
        return self.stop_signals > 0

    def _watch(self, queue: "subprocess.Popen[bytes]", watch: health.QueueWatch) -> None:
        """Return when `queue` ended or stalled, or when the worker is to stop."""
        checked_at = time.monotonic()
        while not self._is_stopping() and not has_ended(queue, 0.5):
            if time.monotonic() - checked_at < CHECK_INTERVAL:
                continue
            checked_at = time.monotonic()
            if has_stalled(watch):
                self.stderr.write(f"The queue of {settings.WORKER_NAME} has stalled; restarting it")
                return

    def _drain(self, queue: "subprocess.Popen[bytes]") -> None:
        """Let the queue finish its running tasks; a second signal ends it at once."""
        with suppress(ProcessLookupError):
            os.kill(queue.pid, signal.SIGTERM)  # only the parent, which stops its children
        until = time.monotonic() + DRAIN_SECONDS
        while self.stop_signals < 2 and time.monotonic() < until and not has_ended(queue, 0.5):
            pass


def run_queue(parent: int) -> None:
    """Be the queue; none of its processes outlives its parent."""
    die_with(parent)
    forking = {"parent": 0}
    os.register_at_fork(
        before=lambda: forking.update(parent=os.getpid()),
        after_in_child=lambda: die_with(forking["parent"]),
    )
    StoppableCluster().start()


class StoppableCluster(Cluster):  # type: ignore[misc]  # django-q2 has no types
    """The queue's main process. At SIGTERM the tasks under way end soon, and not after their slice
    of time.
    """

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        stopping.request()
        super().sig_handler(signum, frame)


def die_with_parent() -> None:
    """Let the system kill this process when its parent ends, on Linux; elsewhere do nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with(parent: int) -> None:
    """Die with `parent`, which may have ended before the system was asked to watch it."""
    die_with_parent()
    if sys.platform == "linux" and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def start_queue() -> "subprocess.Popen[bytes]":
    command = [sys.executable, sys.argv[0], "worker", f"--queue-of={os.getpid()}"]
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603


def has_ended(queue: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether `queue` has ended or does so within `seconds`."""
    try:
        queue.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_queue(queue: "subprocess.Popen[bytes]") -> None:
    """Kill all processes of the queue that are left."""
    with suppress(ProcessLookupError):
        os.killpg(queue.pid, signal.SIGKILL)
    queue.wait()


def has_stalled(watch: health.QueueWatch) -> bool:
    """Whether the queue has stalled. Not while the database is unavailable: nobody knows then."""
    try:
        return watch.is_stalled(timezone.now())
    except Error:
        connection.close()
        watch.restart(timezone.now())
        return False
