"""The process manager of the queue: whatever of it is killed, work goes on, and nobody is left
behind.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.signing import PickleSerializer

from campaigns.dispatch.models import Heartbeat
from campaigns.shared.queue import enqueue
from tests.chaos.processes import Process, below, database_url, is_alive

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]
NAME = "watched"


class CodeThatIsGone:
    """Writes a task whose class no longer exists."""

    @staticmethod
    def dumps(obj: Any) -> bytes:
        return b"cfrom_a_version\nThat\n."

    @staticmethod
    def loads(data: bytes) -> object:
        raise NotImplementedError


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    """Return when `condition` holds; fail when it does not in a time that is ample."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def works() -> bool:
    """Whether a task that is queued now is done and acknowledged."""
    asked = timezone.now()
    enqueue("campaigns.dispatch.tasks.work")
    until(lambda: Heartbeat.objects.filter(name=f"queue@{NAME}", at__gt=asked).exists())
    return True


def started() -> "subprocess.Popen[bytes]":
    """`manage.py worker` with one process for tasks, its patience cut to seconds."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "worker"],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "DATABASE_URL": database_url(connection),
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "CHAOS_SOONER": "1",
            "WORKERS": "1",
            "WORKER_NAME": NAME,
        },
    )


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py worker` at work."""
    process = started()
    try:
        assert works()
        yield process
    finally:
        children = below(process.pid)
        process.kill()
        process.wait()
        until(lambda: not any(is_alive(child.pid) for child in children))


def one(role: str, worker: "subprocess.Popen[bytes]") -> Process:
    return next(process for process in below(worker.pid) if process.role == role)


def works_on_beside_unreadable_tasks() -> None:
    """Tasks signed with an earlier SECRET_KEY, tasks of code that is gone, and a schedule that is
    malformed.
    """
    key, salt = settings.SECRET_KEY, Conf.PREFIX
    gone = signing.dumps({}, key=key, salt=salt, serializer=CodeThatIsGone)
    other_key = signing.dumps(
        {"func": "x"}, key=f"earlier {key}", salt=salt, serializer=PickleSerializer
    )
    nowhere = signing.dumps(
        {"id": "1", "name": "n", "func": "campaigns.gone.task", "args": (), "kwargs": {}},
        key=key, salt=salt, serializer=PickleSerializer,
    )  # fmt: skip
    for payload in [gone, other_key, nowhere] * 20:
        OrmQ.objects.create(key=Conf.PREFIX, payload=payload, lock=timezone.now())
    Schedule.objects.create(
        func="campaigns.dispatch.tasks.sweep", args="(((", schedule_type=Schedule.MINUTES, minutes=1
    )
    until(
        lambda: not OrmQ.objects.filter(lock__lte=timezone.now()).exists() or call_command("sweep")
    )
    assert works()
    assert Heartbeat.objects.filter(name="sweep").exists()


def goes_on_whatever_is_killed(worker: "subprocess.Popen[bytes]") -> None:
    """The "task" waits for work, and with it dies the lock that its successor needs: the queue
    stands still.
    """
    for role in ("pusher", "monitor", "main", "task"):
        killed = one(role, worker)
        os.kill(killed.pid, signal.SIGKILL)
        until(lambda pid=killed.pid: not is_alive(pid))  # type: ignore[misc]
        assert works()
        assert worker.poll() is None


def ends_at_a_signal_and_leaves_nobody(worker: "subprocess.Popen[bytes]") -> None:
    until(lambda: len(below(worker.pid)) == 4)
    children = below(worker.pid)
    worker.terminate()
    assert worker.wait(60) == 0
    assert not any(is_alive(child.pid) for child in children)


def test_worker_works_until_it_is_told_to_end(worker: "subprocess.Popen[bytes]") -> None:
    """One worker goes through all of it: to start one takes seconds."""
    works_on_beside_unreadable_tasks()
    goes_on_whatever_is_killed(worker)
    ends_at_a_signal_and_leaves_nobody(worker)


def test_worker_that_is_killed_leaves_nobody(worker: "subprocess.Popen[bytes]") -> None:
    children = below(worker.pid)
    worker.kill()
    worker.wait()
    until(lambda: not any(is_alive(child.pid) for child in children))


def test_worker_that_is_killed_at_its_start_leaves_nobody() -> None:
    """Its queue has begun, and does not yet know that it has to end with it."""
    process = started()
    until(lambda: below(process.pid))
    children = below(process.pid)
    process.kill()
    process.wait()
    until(lambda: not any(is_alive(child.pid) for child in children))
