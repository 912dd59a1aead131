"""The brake of all workers: one probe at a time, doubling waits, full speed at a success."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from campaigns.dispatch.models import Pace
from campaigns.dispatch.send import rate_control

pytestmark = pytest.mark.django_db


def seconds_blocked(now: datetime) -> float:
    pace = Pace.objects.get(scope=rate_control.ACCOUNT_SCOPE)
    assert pace.until
    return (pace.until - now).total_seconds()


def test_waits_between_refused_probes_double() -> None:
    now = timezone.now()
    waits = []
    for _probe in range(8):
        answered = now + timedelta(milliseconds=10)
        rate_control.slow_down(now, answered)
        waits.append(seconds_blocked(answered))
        assert rate_control.allowance(40, answered) == 0
        now = answered + timedelta(seconds=waits[-1])
        assert rate_control.allowance(40, now) == 1
        assert rate_control.allowance(40, now) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 32, 32]


def test_answers_to_requests_from_before_the_brake_count_once() -> None:
    now = timezone.now()
    for _request in range(40):
        rate_control.slow_down(now, now + timedelta(milliseconds=10))
    assert seconds_blocked(now + timedelta(milliseconds=10)) == 1


def test_accepted_probe_restores_full_speed() -> None:
    now = timezone.now()
    rate_control.slow_down(now, now)
    rate_control.speed_up(now - timedelta(seconds=1))
    assert rate_control.is_braked()
    rate_control.speed_up(now + timedelta(seconds=1))
    assert rate_control.allowance(40, now) == 40
