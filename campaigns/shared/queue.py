"""The queue (django-q2), which only wakes workers up: a task that is lost or runs twice changes
nothing.
"""

from django.utils import timezone
from django_q.tasks import async_task


def enqueue(task: str, *args: int | str) -> None:
    """Have a worker call `task`, the path of a function, with `args`. In a transaction: after its
    commit.
    """
    async_task(task, *args)  # type: ignore[no-untyped-call]


def waiting() -> int:
    """How many tasks nobody has taken yet, or whose worker died long ago."""
    from django_q.models import OrmQ

    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def drop_unreadable() -> int:
    """Delete waiting tasks that no worker can read: signed with another key, or of code that is
    gone. How many.

    The queue itself stumbles over them again and again.
    """
    from django_q.models import OrmQ
    from django_q.signing import SignedPackage

    unreadable = []
    for task_id, payload in (
        OrmQ.objects.filter(lock__lte=timezone.now()).order_by("pk").values_list("pk", "payload")
    ):
        try:
            SignedPackage.loads(payload)
        except Exception:  # noqa: BLE001 - unpickling raises anything
            unreadable.append(task_id)
    return int(OrmQ.objects.filter(pk__in=unreadable).delete()[0])


# what the queue itself calls each minute; `manage.py sweep` does the same from outside
SCHEDULES = {
    "sweep": "campaigns.dispatch.tasks.sweep",
    "statuses": "campaigns.results.tasks.wake",
    "imports": "campaigns.contacts.tasks.resume_stalled",
    "reports": "campaigns.reports.tasks.deliver",
    "money": "campaigns.results.tasks.check_money",
    "budgets": "campaigns.dispatch.tasks.warn",
}


def ensure_schedules(**_signal: object) -> None:
    """Have exactly our schedules in the queue's table, after each migration."""
    from django_q.models import Schedule

    Schedule.objects.filter(func__startswith="campaigns.").exclude(
        func__in=SCHEDULES.values()
    ).delete()
    each_minute = {
        "schedule_type": Schedule.MINUTES,
        "minutes": 1,
        "repeats": -1,
        "args": None,
        "kwargs": None,
    }
    for name, func in SCHEDULES.items():
        Schedule.objects.update_or_create(name=name, defaults={"func": func, **each_minute})
