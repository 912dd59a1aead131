"""The queue (django-q2), which only wakes workers up: a task that is lost or runs twice changes nothing."""

from django_q.tasks import async_task


def enqueue(task: str, *args: int | str) -> None:
    """Have a worker call `task`, the path of a function, with `args`. In a transaction: after its commit."""
    async_task(task, *args)  # type: ignore[no-untyped-call]


SCHEDULES = {  # what the queue itself calls each minute; `manage.py sweep` does the same from outside
    "sweep": "campaigns.dispatch.tasks.sweep",
    "statuses": "campaigns.results.tasks.wake",
    "imports": "campaigns.audience.tasks.resume_stalled",
}


def ensure_schedules(**_signal: object) -> None:
    """Have exactly our schedules in the queue's table, after each migration."""
    from django_q.models import Schedule

    Schedule.objects.filter(func__startswith="campaigns.").exclude(func__in=SCHEDULES.values()).delete()
    for name, func in SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name, defaults={"func": func, "schedule_type": Schedule.MINUTES, "minutes": 1, "repeats": -1}
        )
