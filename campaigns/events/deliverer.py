"""Send what is due to all webhooks side by side, for a limited time.

The database is asked from this thread alone; each request leaves from a thread of its own, one at a
time for a webhook. So a slow target holds up its own events and nobody else's.
"""

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from campaigns.dispatch.failpoints import failpoint
from campaigns.events import deliveries, targets
from campaigns.events.deliveries import Request
from campaigns.events.targets import Reply
from campaigns.shared import database_clock
from campaigns.shared.changes import numbering

logger = logging.getLogger(__name__)
AT_ONCE = 16  # webhooks
LOOK_AGAIN = 1.0  # seconds, while slow targets have not answered


def deliver(until: datetime, keep_going: Callable[[], bool] = lambda: True) -> bool:
    """Send until nothing is due, or until `until` (this machine's time). Return whether some is
    left then.

    `keep_going` is called again and again; nothing more is sent once it returns False.
    """
    under_way: dict[Future[Reply], Request] = {}
    with ThreadPoolExecutor(AT_ONCE, "webhook") as pool:
        while True:
            going_on = keep_going() and timezone.now() < until
            if going_on:
                _start(pool, under_way)
            if not under_way:
                break
            done, _others = wait(under_way, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
            for future in done:
                request = under_way.pop(future)
                failpoint("webhook_answered")
                deliveries.record(request, future.result(), database_clock.now())
    return not going_on and bool(deliveries.due_webhooks(database_clock.now()))


def _start(pool: ThreadPoolExecutor, under_way: dict[Future[Reply], Request]) -> None:
    """Start requests to webhooks with something due, as far as there are threads."""
    numbering.number_new()
    now = database_clock.now()
    busy = {request.webhook_id for request in under_way.values()}
    for webhook_id in deliveries.due_webhooks(now, busy):
        if len(under_way) == AT_ONCE:
            return
        if request := _take(webhook_id, now):
            failpoint("webhook_taken")
            future = pool.submit(targets.post, request.address, request.body, request.headers)
            under_way[future] = request


def _take(webhook_id: int, now: datetime) -> Request | None:
    """`deliveries.take`; one webhook whose events can't be put together stops no other."""
    try:
        return deliveries.take(webhook_id, now)
    except DatabaseError:
        raise
    except Exception:
        logger.exception("The events for webhook %s could not be put together", webhook_id)
        deliveries.put_off(webhook_id, now)
        return None
