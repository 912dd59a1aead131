"""The schedules of the queue after a migration, and the tasks that its table gives to workers."""

import importlib
import inspect
import pkgutil
import subprocess
from pathlib import Path
from pydoc import locate
from queue import SimpleQueue
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule, Task
from django_q.monitor import monitor
from django_q.scheduler import scheduler
from django_q.signing import SignedPackage

import campaigns
from campaigns.shared import queue
from campaigns.team.models import Role, User
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


def test_schedules_are_there_once_whatever_was_there_before() -> None:
    Schedule.objects.all().delete()
    for name, func in [
        ("sweep", queue.SCHEDULES["sweep"]),
        ("sweep", queue.SCHEDULES["sweep"]),
        ("old name", queue.SCHEDULES["reports"]),
        ("gone", "campaigns.dispatch.tasks.gone"),
        ("theirs", "elsewhere.task"),
    ]:
        Schedule.objects.create(name=name, func=func, schedule_type=Schedule.HOURLY)
    first = Schedule.objects.filter(name="sweep").order_by("pk")[0]
    queue.ensure_schedules()
    queue.ensure_schedules()
    rows = Schedule.objects.values_list("name", "func", "schedule_type")
    assert sorted(rows) == sorted((name, func, "I") for name, func in queue.SCHEDULES.items())
    assert Schedule.objects.get(name="sweep").pk == first.pk


def test_every_task_exists_and_every_function_of_a_tasks_module_is_one() -> None:
    assert [path for path in sorted(queue.TASKS) if not callable(locate(path))] == []
    modules = [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(campaigns.__path__, "campaigns.")
        if module.name.endswith(".tasks")
    ]
    defined = {
        f"{module.__name__}.{name}"
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    in_process = {"campaigns.results.tasks.note"}  # the receiver of delivery reports calls it
    listed = {path for path in queue.TASKS if ".tasks." in path}
    assert defined - in_process == listed


def test_only_tasks_are_enqueued() -> None:
    with pytest.raises(ValueError, match="is not in TASKS"):
        queue.enqueue("subprocess.check_output", "id")
    assert OrmQ.objects.count() == 0


def package(func: Any, **more: object) -> str:
    task = {"id": "1", "name": "n", "func": func, "args": (), "kwargs": {}} | more
    return SignedPackage.dumps(task)


def wait_in_queue(payload: str) -> int:
    return OrmQ.objects.create(key=Conf.PREFIX, payload=payload, lock=timezone.now()).pk


@pytest.mark.parametrize(
    "payload",
    [
        package("subprocess.check_output"),
        package("campaigns.dispatch.failpoints.failpoint"),
        package(subprocess.check_output),
        package(queue.SCHEDULES["sweep"], hook="subprocess.check_output"),
        package(queue.SCHEDULES["sweep"], chain=[("os.system", ("id",), {})]),
        "not signed",
    ],
    ids=["outside", "inside", "callable", "hook", "chain", "unsigned"],
)
def test_whatever_else_is_in_the_table_is_deleted_and_not_called(
    payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    foreign, ours = wait_in_queue(payload), wait_in_queue(package(queue.SCHEDULES["sweep"]))
    broker: Any = get_broker()
    assert isinstance(broker, queue.TaskBroker)
    assert broker.dequeue() == []
    assert [task_id for task_id, _package in broker.dequeue()] == [ours]
    assert caplog.messages == [f"task {foreign} of the queue is not one of ours: deleted"]
    assert list(OrmQ.objects.values_list("pk", flat=True)) == [ours]


def test_schedule_of_any_other_function_calls_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write to the database adds a row; no worker follows it."""
    monkeypatch.setattr("django_q.scheduler.close_old_django_connections", lambda: None)
    Schedule.objects.all().delete()
    Schedule.objects.create(func="os.mkdir", args=repr(str(tmp_path / "made")), name="theirs",
                            schedule_type=Schedule.ONCE)  # fmt: skip
    broker: Any = get_broker()
    scheduler(broker)
    assert OrmQ.objects.count() == 1
    assert broker.dequeue() == []
    assert OrmQ.objects.count() == 0


def test_failed_task_is_not_kept() -> None:
    """The queue would open the row of the last failure, a pickle without a signature."""
    queue.enqueue(queue.SCHEDULES["sweep"])
    broker: Any = get_broker()
    [(ack_id, payload)] = broker.dequeue()
    task = SignedPackage.loads(payload)
    now = timezone.now()
    task |= {"ack_id": ack_id, "success": False, "result": "failed", "started": now, "stopped": now}
    results = SimpleQueue[Any]()
    results.put(task)
    results.put("STOP")
    monitor(results, broker)  # type: ignore[arg-type]
    assert (Task.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_queue_has_no_pages_in_the_admin(client: Client) -> None:
    make_user("anna", Role.ADMINISTRATOR)
    User.objects.update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get())
    assert client.get("/admin/").status_code == 200
    for page in ("schedule", "success", "failure", "ormq", "task"):
        assert client.get(f"/admin/django_q/{page}/").status_code == 404
