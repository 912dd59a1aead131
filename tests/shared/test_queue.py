"""The schedules of the queue after a migration."""

import pytest
from django_q.models import Schedule

from campaigns.shared import queue

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
    expected = [(name, func, "I") for name, func in queue.SCHEDULES.items()]
    assert sorted(rows) == sorted([*expected, ("theirs", "elsewhere.task", "H")])
    assert Schedule.objects.get(name="sweep").pk == first.pk
