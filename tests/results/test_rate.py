"""The rate of polling, shared by all workers, and the pause after too many requests."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.dispatch.models import Batch, Pace, Recipient
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results.polling import asker, due_batches
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def test_a_rate_is_used_in_advance_and_refilled_by_time() -> None:
    with time_machine.travel("2026-11-24 09:00", tick=False) as clock:
        rate_control.take_tokens("statuses", 300, 100, timezone.now())
        assert rate_control.seconds_to_wait("statuses", 100, timezone.now()) == pytest.approx(3)
        rate_control.take_tokens("statuses", 100, 100, timezone.now())  # of another worker
        assert rate_control.seconds_to_wait("statuses", 100, timezone.now()) == pytest.approx(4)
        clock.shift(3)
        assert rate_control.seconds_to_wait("statuses", 100, timezone.now()) == pytest.approx(1)
        clock.shift(3600)
        assert rate_control.seconds_to_wait("statuses", 100, timezone.now()) == 0
        # unused rate is kept for one second, not for an hour
        rate_control.take_tokens("statuses", 150, 100, timezone.now())
        assert rate_control.seconds_to_wait("statuses", 100, timezone.now()) == pytest.approx(0.5)


def test_without_a_limit_only_a_pause_makes_wait() -> None:
    now = timezone.now()
    rate_control.take_tokens("statuses", 10_000, 0, now)
    assert not Pace.objects.exists()
    rate_control.back_off("statuses", now, 5)
    assert rate_control.seconds_to_wait("statuses", 0, now) == pytest.approx(5)
    assert rate_control.seconds_to_wait("statuses", 0, now + timedelta(seconds=5)) == 0


def test_pauses_double_until_an_answer_comes() -> None:
    now = timezone.now()
    waits = []
    for _ in range(8):
        rate_control.back_off("statuses", now)
        waits.append(rate_control.seconds_to_wait("statuses", 0, now))
        now += timedelta(minutes=1)
    assert waits == pytest.approx([1, 2, 4, 8, 16, 32, 32, 32])
    rate_control.recover("statuses")
    rate_control.back_off("statuses", now)
    assert rate_control.seconds_to_wait("statuses", 0, now) == pytest.approx(1)


def asked_paths(sandbox: RunningSandbox) -> list[str]:
    return [
        call["path"] for call in sandbox.requests() if call["path"].startswith("/viber/reference/")
    ]


def test_poll_stays_within_the_rate(
    sandbox: RunningSandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STATUS_RATE = 40
    naps: list[float] = []
    factory.launched(150)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    Batch.objects.update(done_at=timezone.now() - timedelta(minutes=1))
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def nap(seconds: float) -> None:
            naps.append(seconds)
            clock.shift(seconds)

        monkeypatch.setattr("campaigns.results.polling.asker.time.sleep", nap)
        left = asker.ask(sandbox.client(), 4, timezone.now() + timedelta(seconds=3))
    assert left
    # the waits for the second and the third batch, and then for a fourth
    assert sum(naps) >= 3
    assert len(asked_paths(sandbox)) == 150


def test_too_many_requests_pause_all_workers(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory.launched(50)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    Batch.objects.update(done_at=timezone.now() - timedelta(minutes=1))
    sandbox.faults(http429=100, everywhere=1)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        monkeypatch.setattr("campaigns.results.polling.asker.time.sleep", clock.shift)
        before = timezone.now()
        asker.ask(sandbox.client(), 4, before + timedelta(seconds=0.2))
    assert Pace.objects.get(scope=asker.RATE_SCOPE).until == before + timedelta(seconds=1)


def test_delivered_recipients_are_skipped_while_others_are_on_the_way(
    sandbox: RunningSandbox,
) -> None:
    factory.launched(50)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    for batch in Batch.objects.all():
        recipients = Recipient.objects.filter(
            campaign_id=batch.campaign_id, batch_number=batch.number
        ).order_by("pk")
        delivered = list(recipients.values_list("pk", flat=True)[:3])
        Recipient.objects.filter(pk__in=delivered).update(delivery_state="delivered")
        assert len(due_batches._planned_checks([batch])[0].recipients) == batch.size - 3
        batch.checks = 2
        assert len(due_batches._planned_checks([batch])[0].recipients) == batch.size
        recipients.update(delivery_state="delivered")
        batch.checks = 0
        assert len(due_batches._planned_checks([batch])[0].recipients) == batch.size
