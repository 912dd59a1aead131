"""Messages whose outcome is unknown: only an answer decides, and "not found" counts only when
nothing of an earlier request can still be under way.
"""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send import leases
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg import status_questions
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences
from tests.dispatch import asking, factory
from tests.scripted_gateway import NOT_FOUND, Reply, ScriptedGateway

pytestmark = pytest.mark.django_db
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DOWN: Reply = (503, b"Service Unavailable")


def send(gateway: ScriptedGateway) -> None:
    """Claim and send what may be sent at once, without the waits for a gateway that is down."""
    rounds = count()
    BatchSender(gateway.client, 4, timezone.now() + MINUTE, lambda: next(rounds) < 3).run()


def ask(gateway: ScriptedGateway, until: timedelta = MINUTE) -> bool:
    return asking.resolve(gateway.client, time=until)


def follow(gateway: ScriptedGateway) -> bool:
    return asking.follow_unresolved(gateway.client)


def states() -> set[str]:
    return set(Batch.objects.values_list("state", flat=True))


def accept_and_lose_answer(gateway: ScriptedGateway) -> Callable[[list[dict[str, str]]], Reply]:
    def on_send(to: list[dict[str, str]]) -> Reply:
        gateway.accept(to)
        return DOWN

    return on_send


def test_gateway_down_for_eight_hours_ends_nobody(gateway: ScriptedGateway) -> None:
    campaign = factory.launched(120, validity=60)
    gateway.on_send, gateway.on_question = (lambda _to: DOWN), (lambda _reference: DOWN)
    for _hours in range(8):
        send(gateway)
        ask(gateway)
        factory.an_hour_later()
    counts = campaign_status.counts(campaign)
    assert (counts.queued, counts.unresolved, counts.accepted) == (120, 0, 0)
    gateway.on_send, gateway.on_question = gateway.accept, gateway.find
    while Batch.objects.exclude(state=BatchState.DONE).exists():
        ask(gateway)
        send(gateway)
        factory.an_hour_later()
    assert campaign_status.counts(campaign).accepted == 120
    assert len(gateway.accepted) == 120
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []


@pytest.mark.parametrize(
    "failure", [(500, b"no"), (429, {"code": 429, "message": "Too many requests"})], ids=str
)
def test_questions_that_fail_now_and_then_delay_nobody(
    gateway: ScriptedGateway, failure: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each 20th question fails: 200 people in four batches are decided in one go."""
    monkeypatch.setattr(status_questions, "FIRST_WAIT", 0.0)
    campaign = factory.launched(200)
    gateway.on_send = accept_and_lose_answer(gateway)
    send(gateway)
    assert states() == {BatchState.AMBIGUOUS}
    number = count(1)
    gateway.on_question = lambda reference: (
        failure if next(number) % 20 == 0 else gateway.find(reference)
    )
    assert not ask(gateway)
    assert campaign_status.counts(campaign).accepted == 200
    assert len(gateway.questions) == 210  # ten of them again
    assert states() == {BatchState.DONE}


def test_answered_recipients_are_settled_though_others_are_not(gateway: ScriptedGateway) -> None:
    campaign = factory.launched(30)
    gateway.on_send = accept_and_lose_answer(gateway)
    send(gateway)
    silent = set(
        Recipient.objects.filter(batch_number=1)
        .order_by("pk")
        .values_list("reference", flat=True)[:4]
    )
    gateway.on_question = lambda reference: DOWN if reference in silent else gateway.find(reference)
    now = timezone.now()
    ask(gateway)
    assert campaign_status.counts(campaign).accepted == 26
    waiting = Batch.objects.get(state=BatchState.AMBIGUOUS)
    assert waiting.not_before
    assert now < waiting.not_before <= timezone.now() + timedelta(seconds=5)


@pytest.mark.parametrize("cancelled", [False, True])
def test_not_found_is_believed_after_the_request_has_ended(
    gateway: ScriptedGateway, settings: Any, cancelled: bool
) -> None:
    """The request ends without an answer 25 s after its intent; the quarantine takes 30 s more."""
    settings.RECONCILE_QUARANTINE = 30
    campaign = factory.launched(2)
    with time_machine.travel(timezone.now(), tick=False) as clock:

        def time_out(_to: list[dict[str, str]]) -> Reply:
            clock.shift(25)
            return DOWN

        gateway.on_send = time_out
        Batch.objects.exclude(number=1).update(state=BatchState.DONE)
        send(gateway)
        if cancelled:
            lifecycle.cancel(campaign.pk, None)
        batch = Batch.objects.get(number=1)
        assert batch.state == BatchState.AMBIGUOUS
        ask(gateway)  # first at once
        clock.shift(29)
        ask(gateway)
        assert Batch.objects.get(number=1).state == BatchState.AMBIGUOUS
        clock.shift(2)
        ask(gateway)
        batch.refresh_from_db()
        ended = Recipient.objects.filter(send_state=SendState.CANCELLED, batch_number=1)
        assert (batch.state, ended.count()) == (
            (BatchState.DONE, batch.size) if cancelled else (BatchState.READY, 0)
        )


def test_not_found_after_a_death_is_believed_after_the_lease(
    gateway: ScriptedGateway, settings: Any
) -> None:
    settings.RECONCILE_QUARANTINE = 30
    factory.launched(2)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        start = timezone.now()
        claims = leases.claim(Campaign.objects.get().pk, 10, "dead", start)
        assert leases.record_intents(claims, "dead", start)
        clock.shift(leases.LEASE + SECOND)
        sweep.release_expired_leases(timezone.now())
        ask(gateway)
        assert states() == {BatchState.AMBIGUOUS}
        clock.shift(28)
        ask(gateway)
        assert states() == {BatchState.AMBIGUOUS}
        clock.shift(2)
        ask(gateway)
        assert states() == {BatchState.READY}


def test_not_found_before_the_time_at_the_gateway_proves_nothing(
    gateway: ScriptedGateway, settings: Any
) -> None:
    settings.RECONCILE_QUARANTINE = 30
    due = timezone.now() + timedelta(days=7)
    factory.launched(2, timing=Timing.GATEWAY, scheduled_at=due)
    gateway.on_send = lambda _to: DOWN
    send(gateway)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _days in range(6):
            clock.shift(timedelta(days=1))
            ask(gateway)
            assert states() == {BatchState.AMBIGUOUS}
        clock.move_to(due + timedelta(seconds=31))
        ask(gateway)
        assert states() == {BatchState.READY}


def test_batch_nobody_was_asked_about_is_due_at_once(
    gateway: ScriptedGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot of the task is lost before the first question about it."""
    monkeypatch.setattr(status_questions, "KEEP_INTERVAL", 0.0)
    factory.launched(100)
    gateway.on_send = lambda _to: DOWN
    send(gateway)
    turns = iter([True])
    assert asking.resolve(gateway.client, 1, keep_going=lambda: next(turns, False))
    asked = len(gateway.questions)
    assert asked < 100
    untouched = Batch.objects.filter(
        pk__in=[*Batch.objects.filter(asked=0).values_list("pk", flat=True)]
    )
    assert untouched.exists()
    assert set(untouched.values_list("token", "lease_until")) == {("", None)}
    gateway.on_question = lambda _reference: NOT_FOUND
    assert not ask(gateway)
    assert set(untouched.values_list("asked", flat=True)) == {1}


def test_unresolved_recipients_are_asked_for_until_the_gateway_knows_them(
    gateway: ScriptedGateway,
) -> None:
    campaign = factory.launched(3, validity=60)
    gateway.on_send = lambda to: (
        200, {"result": [gateway.entry(address, 43) for address in to]}
    )  # fmt: skip
    send(gateway)
    while not campaign_status.counts(campaign).unresolved:
        factory.an_hour_later()
        ask(gateway)
    assert campaign_status.counts(campaign).unresolved == 3
    assert sweep.finish_if_done(campaign.pk)
    first, *others = Recipient.objects.order_by("pk")
    asked = len(gateway.questions)
    assert not follow(gateway)  # not due yet
    assert len(gateway.questions) == asked

    gateway.accepted[first.reference] = first.msisdn
    factory.an_hour_later()
    assert not follow(gateway)
    assert len(gateway.questions) == asked + 3
    first.refresh_from_db()
    assert (first.send_state, first.reason, first.charged) == ("accepted", "", Decimal("0.05"))
    counts = campaign_status.counts(campaign)
    assert (counts.accepted, counts.unresolved) == (1, 2)
    assert Batch.objects.get(number=first.batch_number).check_at  # and is followed from now on
    assert differences() == []

    waits = Batch.objects.exclude(number=first.batch_number).values_list("not_before", flat=True)
    assert all(timezone.now() + timedelta(minutes=59) < wait for wait in waits if wait)
    with time_machine.travel(timezone.now() + timedelta(days=31), tick=False):
        follow(gateway)
    assert not Batch.objects.filter(not_before__isnull=False).exists()
    assert [person.send_state for person in others] == ["unresolved"] * 2


def test_message_known_after_all_is_reserved_for_its_sms(gateway: ScriptedGateway) -> None:
    campaign = factory.launched(3, validity=60, sms_sender="Shop", sms_text="Hello")
    gateway.on_send = lambda to: (
        200, {"result": [gateway.entry(address, 43) for address in to]}
    )  # fmt: skip
    send(gateway)
    while not campaign_status.counts(campaign).unresolved:
        factory.an_hour_later()
        ask(gateway)
    Batch.objects.update(worst_case=Decimal("0.2"), held_currency="EUR")
    first = Recipient.objects.order_by("pk")[0]
    gateway.accepted[first.reference] = first.msisdn
    factory.an_hour_later()
    follow(gateway)
    assert Batch.objects.get(number=first.batch_number).held == Decimal("0.15")
    assert differences() == []
