"""`python -m tests.dispatch.killable`: do the queue's work in processes killed at a failpoint.

Each line of JSON starts a process: {"api_url": …, "failpoint": "intended:2", "database": …}, which
is a name on the server of DATABASE_URL. The answer is a line with its exit status, -9 if it was
killed. Processes are forked, so that a kill costs milliseconds and not the start of Python.
"""

import json
import os
import sys
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402
from django.utils.module_loading import import_string  # noqa: E402
from django_q.brokers import get_broker  # noqa: E402
from django_q.models import OrmQ  # noqa: E402
from django_q.signing import SignedPackage  # noqa: E402

from campaigns.compose.launch.lifecycle import FINAL  # noqa: E402
from campaigns.compose.models import Campaign  # noqa: E402
from campaigns.dispatch import (  # noqa: E402, F401 - tasks: imported once, before the forks
    failpoints,
    sweep,
    tasks,
)
from campaigns.results import tasks as results  # noqa: E402
from tests.dispatch.factory import an_hour_later  # noqa: E402

PASSES = 12


def work_off_queue() -> None:
    """Do each waiting task and acknowledge it, as a worker and its monitor do."""
    broker = get_broker()
    # tasks with a later lock belong to a dead worker until then
    while OrmQ.objects.filter(lock__lt=timezone.now()).exists():
        for acknowledgement, payload in broker.dequeue() or ():  # type: ignore[no-untyped-call]
            task: dict[str, Any] = SignedPackage.loads(payload)
            import_string(task["func"])(*task["args"], **task["kwargs"])
            failpoints.failpoint("before_acknowledgement")
            broker.acknowledge(acknowledgement)  # type: ignore[no-untyped-call]


def work(passes: int) -> None:
    """Work until all campaigns are over and their results were polled, at most `passes` times."""
    for _pass in range(passes):
        all_over = not Campaign.objects.exclude(state__in=FINAL).exists()
        sweep.sweep()
        results.wake()
        work_off_queue()
        an_hour_later()
        if all_over:
            return


def exit_status_of_work(api_url: str, failpoint: str, database: str, passes: int = PASSES) -> int:
    """Work in a process until the end or `failpoint`; return its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        settings.BSG_API_URL = api_url
        connection.settings_dict["NAME"] = database
        failpoints.arm(failpoint)
        work(passes)
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it is, this process must not continue as its parent
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


for line in sys.stdin:
    print(exit_status_of_work(**json.loads(line)), flush=True)  # noqa: T201
