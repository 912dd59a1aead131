"""`manage.py worker`: the queue of this machine, started anew whenever it ends or stands still.

The queue's own processes can't be trusted with that: one that is killed in a bad moment takes a
lock with it, and the others wait for it for ever. So being alive means here that work was done, as
the heartbeats in the database say.
"""

import ctypes
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
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, connection
from django.utils import timezone

from campaigns.dispatch.workers import health

LOOK = 5.0  # seconds between two looks at the heartbeats
DRAIN = 60.0  # seconds for the tasks in hand when it ends
PAUSE = 1.0  # seconds before a queue that ended is started anew
PR_SET_PDEATHSIG = 1  # of Linux' prctl


class Command(BaseCommand):
    help = "Runs the queue of this machine, and starts it anew when it ends or stands still."
    asked = 0  # signals to end that have come

    def add_arguments(self, parser: CommandParser) -> None:
        # be the queue of that process
        parser.add_argument("--queue-of", type=int, metavar="PID", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["queue_of"]:
            run_queue(options["queue_of"])
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        while not self._is_asked():
            queue = start_queue()
            self._watch(queue)
            if self._is_asked():
                self._drain(queue)
            kill_all_of(queue)
            if not self._is_asked():
                time.sleep(PAUSE)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked += 1

    def _is_asked(self) -> bool:
        return self.asked > 0

    def _watch(self, queue: "subprocess.Popen[bytes]") -> None:
        """Return when `queue` ended or stands still, or when somebody asked to end."""
        watch = health.Watch(timezone.now())
        looked = time.monotonic()
        while not self._is_asked() and not ended(queue, 0.5):
            if time.monotonic() - looked < LOOK:
                continue
            looked = time.monotonic()
            if stands_still(watch):
                self.stderr.write(
                    f"The queue of {settings.WORKER_NAME} stands still; starting it anew"
                )
                return

    def _drain(self, queue: "subprocess.Popen[bytes]") -> None:
        """Have the queue finish what it has in hand; a second signal ends it at once."""
        with suppress(ProcessLookupError):
            os.kill(queue.pid, signal.SIGTERM)  # it alone: it ends its children in order
        until = time.monotonic() + DRAIN
        while self.asked < 2 and time.monotonic() < until and not ended(queue, 0.5):
            pass


def run_queue(parent: int) -> None:
    """The queue itself, none of whose processes outlives its parent."""
    die_with(parent)
    forking = {"parent": 0}
    os.register_at_fork(
        before=lambda: forking.update(parent=os.getpid()),
        after_in_child=lambda: die_with(forking["parent"]),
    )
    call_command("qcluster")


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends, however it ends. Linux knows how;
    elsewhere nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def die_with(parent: int) -> None:
    """The same, where `parent` may have ended before we come to ask for it."""
    die_with_parent()
    if sys.platform == "linux" and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def start_queue() -> "subprocess.Popen[bytes]":
    command = [sys.executable, sys.argv[0], "worker", f"--queue-of={os.getpid()}"]
    return subprocess.Popen(command, start_new_session=True)  # noqa: S603


def ended(queue: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether `queue` ended, or does within `seconds`."""
    try:
        queue.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def kill_all_of(queue: "subprocess.Popen[bytes]") -> None:
    """Whoever of the queue is still there."""
    with suppress(ProcessLookupError):
        os.killpg(queue.pid, signal.SIGKILL)
    queue.wait()


def stands_still(watch: health.Watch) -> bool:
    """Whether the queue does; as long as the database does not answer nobody knows, and nobody is
    blamed.
    """
    try:
        return watch.stands_still(timezone.now())
    except Error:
        connection.close()
        watch.begin(timezone.now())
        return False
