"""The brake that all workers pull together: one probe at a time, growing waits, full speed at the
first success.
"""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from campaigns.dispatch.models import Pace
from campaigns.dispatch.send import rate_control

pytestmark = pytest.mark.django_db


def wait_of(now: datetime) -> float:
    pace = Pace.objects.get(scope=rate_control.ACCOUNT)
    assert pace.until
    return (pace.until - now).total_seconds()


def test_refused_probes_wait_ever_longer() -> None:
    now = timezone.now()
    waits = []
    for _probe in range(8):
        answered = now + timedelta(milliseconds=10)
        rate_control.slow_down(now, answered)
        waits.append(wait_of(answered))
        assert rate_control.allowance(40, answered) == 0
        now = answered + timedelta(seconds=waits[-1])
        assert rate_control.allowance(40, now) == 1
        assert rate_control.allowance(40, now) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 32, 32]


def test_answers_to_what_left_before_the_brake_pull_it_once() -> None:
    now = timezone.now()
    for _request in range(40):
        rate_control.slow_down(now, now + timedelta(milliseconds=10))
    assert wait_of(now + timedelta(milliseconds=10)) == 1


def test_success_of_a_probe_is_full_speed() -> None:
    now = timezone.now()
    rate_control.slow_down(now, now)
    rate_control.speed_up(now - timedelta(seconds=1))
    assert rate_control.braked()
    rate_control.speed_up(now + timedelta(seconds=1))
    assert rate_control.allowance(40, now) == 40
