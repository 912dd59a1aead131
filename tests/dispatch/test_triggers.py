"""From an event of another system to its message: once, within the limits of its trigger."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import (
    Campaign,
    CampaignState,
    EventState,
    FrequencyCap,
    Trigger,
    TriggerEvent,
    TriggerState,
)
from campaigns.compose.triggers import moves
from campaigns.compose.triggers.arrivals import KEPT_FOR, Arrival, receive, remove_old
from campaigns.compose.triggers.moves import Limits
from campaigns.contacts.lists import stop_list
from campaigns.contacts.models import Consent, Person
from campaigns.dispatch import hold_effects, sweep
from campaigns.dispatch.freeze import events
from campaigns.dispatch.models import Batch, Recipient, SendState, Snapshot
from campaigns.dispatch.people import erase_contact
from campaigns.dispatch.send.sender import BatchSender
from campaigns.results.money.rebuilding import differences
from campaigns.shared.brands.scope import MAIN
from campaigns.team.holds import switch
from campaigns.team.models import Brand
from tests.dispatch import factory
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 10, tzinfo=UTC)


def switched_on(
    people_max: int = 1_000, person_max: int = 3, wait_max: int = 24, **changes: Any
) -> Trigger:
    draft = factory.draft(**{"text": "Order {order}"} | changes)
    trigger = moves.set_up(draft.pk, "order.paid", Limits(people_max, person_max, wait_max), None)
    moves.switch_on(trigger.pk, None)
    return trigger


def phone(person: int) -> str:
    return f"38097{1_000_000 + person}"


def arrive(number: int, person: int = 0) -> TriggerEvent:
    event = Arrival("order.paid", f"order {number}", f"+{phone(person)}", {"order": f"{number}"})
    return receive(event)[0]


def send(sandbox: RunningSandbox) -> None:
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def states() -> Counter[tuple[str, str]]:
    return Counter(TriggerEvent.objects.values_list("state", "reason"))


def test_each_event_is_a_message_also_of_the_same_person(sandbox: RunningSandbox) -> None:
    trigger = switched_on()
    for number in range(1, 121):
        arrive(number, person=number % 100)
    arrive(7, person=7)  # again
    assert events.take(trigger.pk) == 120
    assert events.take(trigger.pk) == 0
    send(sandbox)
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"]) == (120, 100)
    first, second = Campaign.objects.filter(trigger=trigger).order_by("pk")
    assert [(run.audience, run.state) for run in (first, second)] == [
        (100, "sending"), (20, "sending"),
    ]  # fmt: skip
    assert second.name == first.name + " (2)"
    assert Recipient.objects.filter(send_state=SendState.ACCEPTED).count() == 120
    assert max(Batch.objects.values_list("size", flat=True)) <= 50
    assert states() == {("taken", ""): 120}
    assert differences() == []


def test_an_event_that_arrives_again_after_a_restore_is_not_sent_again(
    sandbox: RunningSandbox,
) -> None:
    trigger = switched_on()
    for number in (1, 2):
        arrive(number)  # of the same person
    events.take(trigger.pk)
    send(sandbox)
    for model in (Recipient, Batch, Snapshot, TriggerEvent):  # what came after the backup
        model.objects.all().delete()
    Campaign.objects.filter(trigger=trigger).update(trigger=None, open_until=None)
    for number in (2, 1, 3):
        arrive(number)
    events.take(trigger.pk)
    send(sandbox)
    assert sandbox.bill()["messages"] == 3
    texts = Counter(message["text"] for message in sandbox.messages())
    assert texts == {"Order 1": 1, "Order 2": 1, "Order 3": 1}


@pytest.mark.parametrize("forget", [
    lambda: remove_old(timezone.now() + KEPT_FOR + timedelta(hours=1)),
    lambda: erase_contact.erase(phone(0), None),
])  # fmt: skip
def test_an_event_that_is_forgotten_and_repeated_holds_no_other_up(
    sandbox: RunningSandbox, forget: Callable[[], object]
) -> None:
    trigger = switched_on()
    arrive(1)
    events.take(trigger.pk)
    forget()
    assert states() == {}
    arrive(2, person=2)
    arrive(1, person=1)  # also for another person
    arrive(3, person=3)
    assert events.take(trigger.pk) == 2
    assert states() == {("taken", ""): 2, ("skipped", "queued_before"): 1}
    send(sandbox)
    assert {message["text"] for message in sandbox.messages()} >= {"Order 2", "Order 3"}


def test_texts_have_the_values_of_their_event(sandbox: RunningSandbox) -> None:
    trigger = switched_on()
    arrive(1042)
    events.take(trigger.pk)
    arrive(1043)  # of the same person, a moment later
    events.take(trigger.pk)
    send(sandbox)
    assert sorted(message["text"] for message in sandbox.messages()) == ["Order 1042", "Order 1043"]


def test_a_run_ends_with_its_day_and_the_next_day_has_another(sandbox: RunningSandbox) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        trigger = switched_on()
        arrive(1)
        events.take(trigger.pk)
        send(sandbox)
        run = Campaign.objects.get(trigger=trigger)
        assert (run.name, run.open_until) == (
            "Autumn, 30 Nov 2026",
            datetime(2026, 12, 1, tzinfo=UTC),
        )
        sweep.finish_campaigns()
        run.refresh_from_db()
        assert run.state == CampaignState.SENDING  # more may come
        clock.shift(timedelta(hours=15))
        sweep.finish_campaigns()
        run.refresh_from_db()
        assert run.state == CampaignState.FINISHED
        arrive(2)
        events.take(trigger.pk)
        assert list(Campaign.objects.filter(trigger=trigger).values_list("name", flat=True)) == [
            "Autumn, 1 Dec 2026", "Autumn, 30 Nov 2026",
        ]  # fmt: skip


def test_a_run_to_which_an_event_was_added_is_not_finished(sandbox: RunningSandbox) -> None:
    trigger = switched_on()
    arrive(1)
    events.take(trigger.pk)
    run = Campaign.objects.get(trigger=trigger)
    assert not lifecycle.finish(run.pk, audience=0)
    assert lifecycle.finish(run.pk, audience=1)


@pytest.mark.parametrize(
    ("limits", "counts"),
    [
        ({"people_max": 3}, {("taken", ""): 3, ("skipped", "day_limit"): 3}),
        ({"person_max": 1}, {("taken", ""): 2, ("skipped", "person_limit"): 4}),
        ({"person_max": 2}, {("taken", ""): 4, ("skipped", "person_limit"): 2}),
    ],
)
def test_limits_of_a_day(limits: dict[str, int], counts: dict[tuple[str, str], int]) -> None:
    trigger = switched_on(**limits)
    for number in range(3):
        arrive(number, person=number % 2)
    events.take(trigger.pk)
    for number in range(3, 6):
        arrive(number, person=number % 2)
    events.take(trigger.pk)
    assert states() == counts


def test_whoever_is_stopped_gets_nothing() -> None:
    trigger = switched_on()
    arrive(1)
    arrive(2, person=1)
    stop_list.add_phones([phone(0)], "asked", None)
    events.take(trigger.pk)
    assert states() == {("skipped", "stop_list"): 1, ("taken", ""): 1}


def test_promotional_messages_need_the_consent_of_the_brand() -> None:
    Brand.objects.update(promotional_needs_consent=True)
    Person.objects.create(msisdn=phone(0), consent=Consent.GIVEN)
    trigger = switched_on()
    arrive(1)
    arrive(2, person=1)
    events.take(trigger.pk)
    assert states() == {("taken", ""): 1, ("skipped", "no_consent"): 1}


def test_the_frequency_cap_holds_for_events_too() -> None:
    FrequencyCap.objects.create(messages=2, days=7)
    trigger = switched_on(person_max=5)
    for number in range(4):
        arrive(number)
    arrive(4, person=1)
    assert events.take(trigger.pk) == 3
    assert states() == {("taken", ""): 3, ("skipped", "frequency_cap"): 2}
    Campaign.objects.filter(triggered_by=trigger).update(promotional=False)
    arrive(5)
    assert events.take(trigger.pk) == 1


def test_events_wait_while_the_trigger_is_off_and_are_skipped_when_too_old() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        trigger = switched_on(wait_max=2)
        moves.switch_off(trigger.pk, None)
        arrive(1)
        clock.shift(timedelta(minutes=90))
        arrive(2)
        assert events.take(trigger.pk) == 0
        clock.shift(timedelta(minutes=45))
        moves.switch_on(trigger.pk, None)
        assert events.take(trigger.pk) == 1
        assert states() == {("skipped", "too_old"): 1, ("taken", ""): 1}


def test_nothing_is_added_to_a_paused_run() -> None:
    trigger = switched_on()
    arrive(1)
    events.take(trigger.pk)
    run = Campaign.objects.get(trigger=trigger)
    lifecycle.pause(run.pk, None)
    arrive(2, person=1)
    assert events.take(trigger.pk) == 0
    lifecycle.resume(run.pk, None)
    assert events.take(trigger.pk) == 1
    run.refresh_from_db()
    assert run.audience == 2


def test_while_sending_is_held_events_wait() -> None:
    trigger = switched_on()
    switch.hold(None, MAIN, "")
    arrive(1)
    assert events.take(trigger.pk) == 0
    hold_effects.release(None, MAIN)
    assert events.take(trigger.pk) == 1


def test_cancelling_the_run_switches_the_trigger_off() -> None:
    trigger = switched_on()
    arrive(1)
    events.take(trigger.pk)
    lifecycle.cancel(Campaign.objects.get(trigger=trigger).pk, None)
    arrive(2)
    assert events.take(trigger.pk) == 0
    trigger.refresh_from_db()
    assert (trigger.state, trigger.reason) == (TriggerState.OFF, "run_cancelled")
    assert states() == {("taken", ""): 1, ("waiting", ""): 1}


def test_places_of_sending_hours_follow_the_recipients() -> None:
    trigger = switched_on(sends_from=time(9), sends_until=time(20))
    arrive(1)
    events.take(trigger.pk)
    receive(Arrival("order.paid", "2", "+1 212 555 0123", {"order": "2"}))
    receive(Arrival("order.paid", "3", "+40 721 234 567", {"order": "3"}))
    events.take(trigger.pk)
    snapshot = Snapshot.objects.get()
    assert snapshot.places == [["UA", ""], ["US", "America/New_York"], ["RO", ""]]
    assert (snapshot.batches, snapshot.left) == (3, 3)
    assert list(Batch.objects.order_by("number").values_list("number", "country", "area")) == [
        (1, "UA", ""), (2, "RO", ""), (3, "US", "America/New_York"),
    ]  # fmt: skip


def test_the_sweep_finds_what_no_task_took(monkeypatch: pytest.MonkeyPatch) -> None:
    trigger = switched_on()
    arrive(1)
    woken = list[tuple[Any, ...]]()
    monkeypatch.setattr(sweep, "enqueue", lambda *task: woken.append(task))
    sweep.sweep()
    assert ("campaigns.dispatch.tasks.take_events", trigger.pk) in woken


def test_erasing_a_phone_deletes_its_events() -> None:
    trigger = switched_on()
    arrive(1)
    arrive(2, person=1)
    events.take(trigger.pk)
    erase_contact.erase(phone(0), None)
    assert list(TriggerEvent.objects.values_list("key", flat=True)) == ["order 2"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "failpoint", ["events_written:1", "events:1", "claimed:1", "after_post:1", "close_batches:1"]
)
def test_a_kill_at_any_moment_leaves_one_message_for_each_event(
    sandbox: RunningSandbox, workers: list[Any], settings: Settings, failpoint: str
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    switched_on()
    for number in range(70):
        arrive(number, person=number % 60)
    assert workers[0].run(sandbox.api_url, failpoint) == -9
    assert workers[0].run(sandbox.api_url) == 0
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"]) == (70, 60)
    assert states() == {(EventState.TAKEN.value, ""): 70}
    assert differences() == []
