"""The watch over the queue: when it counts as stalled, and how long a restarted one may take."""

from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from campaigns.dispatch.models import Heartbeat
from campaigns.dispatch.workers.health import LONGEST_PATIENCE, STALLED_AFTER, QueueWatch

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def sign_of_life(at: datetime) -> None:
    Heartbeat.objects.update_or_create(
        name=f"queue@{settings.WORKER_NAME}", defaults={"at": at, "until": at}
    )


def patience(watch: QueueWatch, start: datetime) -> timedelta:
    """How long a queue started at `start` may be silent."""
    watch.restart(start)
    for factor in (1, 2, 4, 8, 16):
        limit: timedelta = min(STALLED_AFTER * factor, LONGEST_PATIENCE)
        if watch.is_stalled(start + limit + SECOND):
            return limit
    raise AssertionError("never stalled")


def test_queue_restarted_in_vain_gets_twice_the_time_up_to_a_limit() -> None:
    start = timezone.now()
    watch = QueueWatch(start)
    assert [patience(watch, start) / STALLED_AFTER for _ in range(6)] == [1, 2, 4, 8, 15, 15]


def test_sign_of_life_brings_the_usual_time_back() -> None:
    start = timezone.now()
    watch = QueueWatch(start)
    patience(watch, start)
    patience(watch, start)
    watch.restart(start)
    sign_of_life(start + SECOND)
    assert not watch.is_stalled(start + STALLED_AFTER + SECOND)
    assert watch.is_stalled(start + STALLED_AFTER + 3 * SECOND)


def test_sign_of_life_of_the_queue_before_does_not_count() -> None:
    start = timezone.now()
    sign_of_life(start - SECOND)
    watch = QueueWatch(start)
    assert not watch.is_stalled(start + STALLED_AFTER)
    assert watch.is_stalled(start + STALLED_AFTER + SECOND)
