"""The queue (django-q2). It only wakes workers: losing or repeating a task changes nothing."""

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task


def enqueue(task: str, *args: int | str) -> None:
    """Have a worker call `task`, a function's dotted path, with `args`; after the commit, if in a
    transaction.
    """
    async_task(task, *args)  # type: ignore[no-untyped-call]


def waiting() -> int:
    """How many tasks wait for a worker, or lost theirs long ago."""
    from django_q.models import OrmQ

    return OrmQ.objects.filter(lock__lte=timezone.now()).count()


def drop_unreadable() -> int:
    """Delete waiting tasks that no worker can read: signed with another key, or of deleted code.

    Returns how many. The queue itself fails at them again and again.
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


# called each minute by the queue; `manage.py sweep` does the same from outside
SCHEDULES = {
    "sweep": "campaigns.dispatch.tasks.sweep",
    "statuses": "campaigns.results.tasks.wake",
    "imports": "campaigns.contacts.tasks.resume_stalled",
    "reports": "campaigns.reports.tasks.deliver",
    "money": "campaigns.results.tasks.check_money",
    "budgets": "campaigns.dispatch.tasks.warn",
    "mail": "campaigns.team.tasks.deliver_mail",
    "prune": "campaigns.team.tasks.prune",
}


def ensure_schedules(**_signal: object) -> None:
    """Make the queue's table hold exactly these schedules. Runs after each migration."""
    from django_q.models import Schedule

    Schedule.objects.filter(func__startswith="campaigns.").exclude(name__in=SCHEDULES).delete()
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
