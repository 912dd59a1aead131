"""Polling a gateway that does not answer each question: only an answer changes anything, and
nobody is forgotten because a question failed.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
import time_machine
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch.evidence import PRICE_ROUNDED
from campaigns.dispatch.models import Batch, BatchState, Evidence, Pace, Recipient
from campaigns.dispatch.people.resend import create_resend_draft
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg import status_questions
from campaigns.results.polling import asker, batch_checks
from campaigns.results.polling.poll_schedule import AFTER_VALIDITY
from tests.dispatch import factory
from tests.scripted_gateway import Reply, ScriptedGateway

pytestmark = pytest.mark.django_db
DOWN: Reply = (503, b"Service Unavailable")
THROTTLED: Reply = (429, {"code": 429, "message": "Too many requests"})
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)


def sent(gateway: ScriptedGateway, people: int = 2, **changes: object) -> datetime:
    """Send a campaign; return when."""
    factory.launched(people, **changes)
    BatchSender(gateway.client, 4, timezone.now() + timedelta(minutes=1)).run()
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.DONE}
    return timezone.now()


def poll(gateway: ScriptedGateway) -> None:
    asker.ask(gateway.client, 4, timezone.now() + SECOND)


def delivered(gateway: ScriptedGateway, reference: str) -> Reply:
    status, answer = gateway.find(reference)
    return status, answer | {"status": "read"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """A clock that stands still, but for the waits of polling."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        monkeypatch.setattr("campaigns.results.polling.asker.time.sleep", traveller.shift)
        monkeypatch.setattr(status_questions, "FIRST_WAIT", 0.0)
        yield traveller


@pytest.mark.parametrize("failure", [DOWN, THROTTLED], ids=["503", "429"])
def test_question_that_fails_at_the_end_of_the_plan_is_asked_again(
    gateway: ScriptedGateway, clock: time_machine.Traveller, failure: Reply
) -> None:
    start = sent(gateway, validity=3600)
    clock.move_to(start + timedelta(hours=1) + AFTER_VALIDITY + SECOND)
    gateway.on_question = lambda _reference: failure
    for _ in range(3):
        Pace.objects.all().delete()
        asked_at = timezone.now()
        poll(gateway)
        times = Batch.objects.values_list("check_at", flat=True)
        assert set(times) == {asked_at + batch_checks.RETRY_RARELY}
        clock.shift(batch_checks.RETRY_RARELY)
    Pace.objects.all().delete()
    gateway.on_question = lambda reference: delivered(gateway, reference)
    poll(gateway)
    assert set(Recipient.objects.values_list("delivery_state", "final")) == {("read", True)}
    assert not Batch.objects.filter(check_at__isnull=False).exists()


def test_machine_that_was_off_at_the_end_of_the_plan_asks_when_it_is_back(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    start = sent(gateway, validity=3600)
    clock.move_to(start + timedelta(minutes=1))
    poll(gateway)
    clock.move_to(start + 10 * DAY)
    gateway.on_question = lambda reference: delivered(gateway, reference)
    poll(gateway)
    assert set(Recipient.objects.values_list("delivery_state", "final")) == {("read", True)}


def test_message_scheduled_at_the_gateway_is_followed_from_its_time(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    due = timezone.now() + 7 * DAY
    sent(gateway, timing=Timing.GATEWAY, scheduled_at=due, validity=3600)
    for _days in range(6):
        clock.shift(DAY)
        poll(gateway)
        assert Batch.objects.filter(check_at__isnull=True).count() == 0
    clock.move_to(due + timedelta(hours=2))
    gateway.on_question = lambda reference: delivered(gateway, reference)
    poll(gateway)
    assert set(Recipient.objects.values_list("delivery_state", "final")) == {("read", True)}


def test_answers_beside_failures_are_written_at_once(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    sent(gateway, 100)
    silent = set(Recipient.objects.order_by("pk").values_list("reference", flat=True)[:5])
    gateway.on_question = lambda reference: (
        THROTTLED if reference in silent else delivered(gateway, reference)
    )
    clock.shift(11)
    poll(gateway)
    settled = Recipient.objects.filter(final=True)
    assert settled.count() == 95
    assert not settled.filter(reference__in=silent).exists()
    again = Batch.objects.filter(check_at__isnull=False)
    numbers = set(
        Recipient.objects.filter(reference__in=silent).values_list("batch_number", flat=True)
    )
    assert set(again.values_list("number", flat=True)) == numbers


def test_question_that_fails_once_is_answered_in_the_same_round(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    number = count(1)
    sent(gateway, 100)
    gateway.on_question = lambda reference: (
        THROTTLED if next(number) % 10 == 0 else delivered(gateway, reference)
    )
    clock.shift(11)
    poll(gateway)
    assert Recipient.objects.filter(final=True).count() == 100
    assert len(gateway.questions) == 111  # ten failed, and one of them twice
    assert not Pace.objects.filter(scope=asker.RATE_SCOPE, step__gt=0).exists()


def test_gateway_that_is_down_is_asked_less_and_less_often(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    waits = []
    sent(gateway)
    gateway.on_question = lambda _reference: DOWN
    for _ in range(7):
        clock.shift(timedelta(minutes=1))
        asked_at = timezone.now()
        poll(gateway)
        until = Pace.objects.get(scope=asker.RATE_SCOPE).until
        assert until
        waits.append((until - asked_at).total_seconds())
    assert waits == [1, 2, 4, 8, 16, 32, 32]


def test_undelivered_message_is_final_when_no_sms_can_follow(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    """Until then a resend would be a second message for those whose SMS is about to arrive."""
    start = sent(gateway, sms_sender="Shop", sms_text="Hello", validity=3600)
    campaign = Campaign.objects.get()
    lifecycle.finish(campaign.pk)
    gateway.on_question = lambda reference: (
        200, gateway.find(reference)[1] | {"status": "expired"}
    )  # fmt: skip
    clock.move_to(start + timedelta(hours=2))
    poll(gateway)
    assert set(Recipient.objects.values_list("delivery_state", "final")) == {
        ("not_delivered", False)
    }
    campaign.refresh_from_db()
    with pytest.raises(lifecycle.Refused):
        create_resend_draft(campaign, None)
    clock.move_to(start + timedelta(hours=1) + AFTER_VALIDITY + SECOND)
    poll(gateway)
    assert set(Recipient.objects.values_list("delivery_state", "final")) == {
        ("not_delivered", True)
    }
    assert create_resend_draft(campaign, None).lists.get().contact_count == 2


def test_answers_that_cannot_be_read_are_kept_and_asked_for_again(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    """Such as one about another phone, or one without a status."""
    sent(gateway, 100)
    gateway.on_question = lambda reference: (
        200,
        gateway.find(reference)[1] | {"msisdn": "380990000000", "status": "read"},
    )
    clock.shift(11)
    poll(gateway)
    assert not Recipient.objects.filter(final=True).exists()
    kept = Evidence.objects.values_list("what", "http_status")
    assert set(kept) == {("A status could not be read: the answer is about another message", 200)}
    assert '"msisdn": "380990000000"' in Evidence.objects.all()[0].body
    assert Batch.objects.filter(check_at__isnull=False).count() == Batch.objects.count()
    gateway.on_question = lambda reference: delivered(gateway, reference)
    clock.shift(60)
    poll(gateway)
    assert Recipient.objects.filter(final=True).count() == 100


def test_text_of_a_rounded_price_is_kept_once(
    gateway: ScriptedGateway, clock: time_machine.Traveller
) -> None:
    """Of a binary float: the ledger has the price without its noise."""
    factory.launched(150)
    body = '{"result": [%s], "currency": "EUR"}'
    entry = '{"error": 0, "reference": "%s", "id": "%s", "price": 0.06899999999999999}'

    def on_send(to: list[dict[str, str]]) -> Reply:
        gateway.accept(to)
        entries = [entry % (address["reference"], address["reference"]) for address in to]
        return 200, (body % ", ".join(entries)).encode()

    gateway.on_send = on_send
    BatchSender(gateway.client, 4, timezone.now() + timedelta(minutes=1)).run()
    assert set(Recipient.objects.values_list("charged", flat=True)) == {Decimal("0.069")}
    kept = Evidence.objects.get()
    assert kept.what == PRICE_ROUNDED
    assert "0.06899999999999999" in kept.body
