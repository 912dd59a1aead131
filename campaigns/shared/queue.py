"""The queue (django-q2). It only wakes workers: losing or repeating a task changes nothing.

Its tables are no way into a worker: `TaskBroker` hands out nothing but the functions in TASKS, and
keeps no results, which would be pickles that nobody signed. Waiting tasks are pickles signed with
SECRET_KEY.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.core.cache.backends.dummy import DummyCache
from django.db import connection, transaction
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.models import OrmQ, Schedule
from django_q.signing import SignedPackage
from django_q.tasks import async_task

logger = logging.getLogger(__name__)

# Nobody looks into the table five times a second where nothing happens.
# On SQLite the file says whether anything was written; a lease may end without that.
BUSY_SECONDS = 0.5  # after a task
IDLE_SECONDS = {"sqlite": 4.8, "postgresql": 0.8}
LOOK_SECONDS = 0.1

# called each minute by the queue; `manage.py sweep` does the same from outside
SCHEDULES = {
    "sweep": "campaigns.dispatch.tasks.sweep",
    "statuses": "campaigns.results.tasks.wake",
    "imports": "campaigns.contacts.tasks.resume_stalled",
    "reports": "campaigns.reports.tasks.deliver",
    "money": "campaigns.results.tasks.check_money",
    "budgets": "campaigns.dispatch.tasks.warn",
    "mail": "campaigns.team.tasks.deliver_mail",
    "alerts": "campaigns.reports.tasks.watch",
    "audit": "campaigns.team.tasks.follow_audit",
    "prune": "campaigns.team.tasks.prune",
    "retention": "campaigns.results.tasks.remove_old",
    "webhooks": "campaigns.events.tasks.wake",
}
# all functions that a worker may be asked to call
TASKS = frozenset(SCHEDULES.values()) | {
    "campaigns.compose.launch.approval.notify_approvers",
    "campaigns.compose.launch.approval.notify_requester",
    "campaigns.compose.library.web_pictures.fetch_requested",
    "campaigns.compose.message.audience_counts.count_requested",
    "campaigns.contacts.tasks.open_file",
    "campaigns.contacts.tasks.check",
    "campaigns.contacts.tasks.run_import",
    "campaigns.contacts.tasks.run_import_schedule",
    "campaigns.contacts.tasks.undo_import",
    "campaigns.contacts.tasks.index_contacts",
    "campaigns.dispatch.tasks.work",
    "campaigns.dispatch.tasks.prepare",
    "campaigns.dispatch.tasks.start_series",
    "campaigns.dispatch.tasks.take_events",
    "campaigns.dispatch.tasks.send",
    "campaigns.dispatch.tasks.rehearse",
    "campaigns.dispatch.tasks.mail_warning",
    "campaigns.results.tasks.ask",
    "campaigns.results.tasks.follow_checks",
    "campaigns.events.tasks.deliver",
}


class TaskBroker(ORM):
    """The queue's tables, from which only our own tasks come."""

    @staticmethod
    def get_cache() -> DummyCache:
        """Nobody reads the results of tasks: `cached` in Q_CLUSTER sends them here."""
        return DummyCache("", {})

    @staticmethod
    def get_connection(list_key: str = "") -> Any:
        """The table. django-q2 opens a connection for each look into it, so that none is stale;
        that of a file never is.
        """
        if connection.vendor == "sqlite":
            return OrmQ.objects.all()
        return ORM.get_connection(list_key)

    def __init__(self, list_key: str = "") -> None:
        super().__init__(list_key)
        self.busy_at = time.monotonic()
        self.is_ending: Callable[[], bool] = lambda: False

    def dequeue(self) -> list[tuple[int, str]]:
        """Claim the next tasks: pairs of id and signed package. Deletes a task that is not ours,
        whether somebody wrote it into the table or a schedule made it.

        Waits a moment where there is none, and longer where there was none for a while.
        """
        tasks: list[tuple[int, str]] = []
        written = _written()
        packages = super().dequeue()  # type: ignore[no-untyped-call]
        if packages:
            self.busy_at = time.monotonic()
        elif time.monotonic() - self.busy_at > BUSY_SECONDS:
            self._wait_for_writes(written)
        for task_id, package in packages or []:
            if _is_ours(package):
                tasks.append((task_id, package))
            else:
                logger.error("task %s of the queue is not one of ours: deleted", task_id)
                self.delete(task_id)  # type: ignore[no-untyped-call]
        return tasks

    def _wait_for_writes(self, before: tuple[int, int] | None) -> None:
        """Wait until something is written to SQLite's file, or for IDLE_SECONDS."""
        until = time.monotonic() + IDLE_SECONDS[connection.vendor]
        while time.monotonic() < until and _written() == before and not self.is_ending():
            time.sleep(LOOK_SECONDS)


def _written() -> tuple[int, int] | None:
    """Changes with each commit on SQLite; None on PostgreSQL."""
    if connection.vendor != "sqlite":
        return None
    try:
        status = os.stat(f"{connection.settings_dict['NAME']}-wal")
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _is_ours(package: str) -> bool:
    """Whether a signed package is a call of one of TASKS, without a function to call after it."""
    try:
        task: Mapping[str, Any] = SignedPackage.loads(package)
    except Exception:  # noqa: BLE001 - unpickling raises anything
        return False
    return task.get("func") in TASKS and not any(task.get(name) for name in ("hook", "chain"))


def enqueue(task: str, *args: int | str) -> None:
    """Have a worker call `task`, one of TASKS, with `args`; after the commit, if in a transaction.

    Raises ValueError for any other function.
    """
    if task not in TASKS:
        raise ValueError(f"{task} is not in TASKS")
    async_task(task, *args)  # type: ignore[no-untyped-call]


def waiting() -> int:
    """How many tasks wait for a worker, or lost theirs long ago."""
    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def ensure_schedules(**_signal: object) -> None:
    """Make the queue's table hold exactly these schedules. Runs after each migration."""
    Schedule.objects.exclude(name__in=SCHEDULES).delete()
    each_minute = {
        "schedule_type": Schedule.MINUTES,
        "minutes": 1,
        "repeats": -1,
        "args": None,
        "kwargs": None,
    }
    for name, func in SCHEDULES.items():
        with transaction.atomic():
            # no constraint keeps two machines that migrate at once from adding a row each
            rows = Schedule.objects.filter(name=name).order_by("pk")
            if kept := rows.first():
                rows.exclude(pk=kept.pk).delete()
                rows.update(func=func, **each_minute)
            else:
                Schedule.objects.create(name=name, func=func, **each_minute)
