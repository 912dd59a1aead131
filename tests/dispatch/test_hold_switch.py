"""One switch holds all sending: at once, whatever is under way, and without changing campaigns."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from threading import Event

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.editor.rehearsal import rehearse
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch import hold_effects, sweep, tasks
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, BatchState, Snapshot
from campaigns.dispatch.send.leases import claim, count_under_way, record_intents
from campaigns.dispatch.send.running_campaigns import load_running, sendable_batches
from campaigns.dispatch.send.sender import BatchSender
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.holds import switch
from campaigns.team.holds.models import SendingHold
from campaigns.team.models import AuditEntry, Brand
from tests.dispatch import factory
from tests.dispatch.workers import Worker
from tests.sandbox_fixture import KEY, RunningSandbox

PEOPLE = 900
NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
Start = Callable[..., "Future[None]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a function in another thread, with a connection of its own."""
    with ThreadPoolExecutor(2) as pool:

        def run(function: Callable[[], object]) -> None:
            try:
                function()
            finally:
                connection.close()

        yield lambda function: pool.submit(run, function)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def state_of(campaign: Campaign) -> tuple[str, str]:
    return Campaign.objects.values_list("state", "reason").get(pk=campaign.pk)


@pytest.mark.django_db(transaction=True)
def test_nothing_leaves_after_the_answer_but_what_it_counted(
    sandbox: RunningSandbox, start: Start
) -> None:
    campaign = factory.launched(PEOPLE)
    sandbox.faults(slow=100, slow_ms=600)
    until = timezone.now() + timedelta(seconds=60)
    running = start(lambda: BatchSender(sandbox.client(), 2, until).run())
    while sandbox.bill()["messages"] < 100:
        assert not running.done()
    switch.hold(None, MAIN)
    intended = set(Batch.objects.filter(attempts__gt=0).values_list("pk", flat=True))
    assert 0 < count_under_way(MAIN) < PEOPLE
    running.result()
    assert set(Batch.objects.filter(attempts__gt=0).values_list("pk", flat=True)) <= intended
    assert set(Batch.objects.values_list("state", flat=True)) == {"ready", "done"}
    assert 0 < sandbox.bill()["messages"] < PEOPLE
    assert state_of(campaign) == ("sending", "")
    assert hold_effects.release(None, MAIN)
    sandbox.faults()
    BatchSender(sandbox.client(), 4, until).run()
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (PEOPLE, 0)


@pytest.mark.django_db(transaction=True)
def test_hold_waits_for_an_intent_that_is_not_committed(start: Start) -> None:
    """The statement of the intent ran before: it counts as under way, and is never missed."""
    campaign = factory.launched(100)
    claims = claim(campaign.pk, 1, "t", timezone.now())
    is_intended, may_commit = Event(), Event()

    def intend() -> None:
        with transaction.atomic():
            assert len(record_intents(claims, "t", timezone.now())) == 1
            is_intended.set()
            assert may_commit.wait(30)

    counted: list[int] = []

    def hold() -> None:
        switch.hold(None, MAIN)
        counted.append(count_under_way(MAIN))

    intending = start(intend)
    assert is_intended.wait(30)
    holding = start(hold)
    while connection.vendor == "postgresql" and not _waits_for_lock():
        assert not holding.done()
    may_commit.set()
    intending.result()
    holding.result()
    assert counted == [claims[0].size]
    assert claim(campaign.pk, 5, "u", timezone.now()) == []


def _waits_for_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db
def test_claim_and_intent_ask_for_the_hold_themselves() -> None:
    campaign = factory.launched(100)
    now = timezone.now()
    claims = claim(campaign.pk, 1, "t", now)
    switch.hold(None, MAIN)
    assert record_intents(claims, "t", now) == []
    assert claim(campaign.pk, 5, "u", now) == []
    assert (load_running(now), sendable_batches(now).count()) == ([], 0)
    switch.release(None, MAIN)
    assert len(record_intents(claims, "t", now)) == 1
    assert len(claim(campaign.pk, 1, "u", now)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failpoint", ["claimed:1", "intended:1", "before_post:1", "after_post:1"])
def test_killed_while_held_and_everybody_gets_it_once_after(
    sandbox: RunningSandbox, workers: list[Worker], settings: Settings, failpoint: str
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    campaign = factory.draft(factory.contact_list("Some", 120))
    lifecycle.launch(campaign.pk, None)
    assert workers[0].run(sandbox.api_url, failpoint) == -9
    switch.hold(None, MAIN)
    before = sandbox.bill()["messages"]
    assert workers[0].run(sandbox.api_url, passes=3) == 0
    assert sandbox.bill()["messages"] == before
    assert state_of(campaign) == ("finished" if before == 120 else "sending", "")
    hold_effects.release(None, MAIN)
    assert workers[0].run(sandbox.api_url) == 0
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (120, 0)
    assert state_of(campaign) == ("finished", "")


@pytest.mark.django_db
def test_of_two_who_hold_one_does_and_so_with_the_release() -> None:
    first, is_new = switch.hold(None, MAIN, "  Wrong \n price ")
    assert (first.note, is_new) == ("Wrong price", True)
    assert switch.hold(None, MAIN, "Another") == (first, False)
    assert [switch.release(None, MAIN), switch.release(None, MAIN)] == [True, False]
    actions = AuditEntry.objects.order_by("pk").values_list("action", "detail")
    assert list(actions) == [
        ("held sending", "brand:1 Wrong price"), ("released sending", "brand:1"),
    ]  # fmt: skip
    assert switch.hold(None, MAIN)[1]
    assert SendingHold.objects.count() == 2


@pytest.mark.django_db
def test_brand_that_is_held_does_not_hold_another() -> None:
    other = Brand.objects.create(name="Other", slug="other")
    ours = factory.launched(50)
    with acting_for(other.pk):
        theirs = factory.launched_to(factory.contact_list("Theirs", 50, start=100))
    switch.hold(None, other.pk)
    now = timezone.now()
    assert [running.id for running in load_running(now)] == [ours.pk]
    assert claim(theirs.pk, 5, "t", now) == []
    switch.hold(None, None)
    assert load_running(now) == []
    assert claim(ours.pk, 5, "t", now) == []
    switch.release(None, None)
    assert [running.id for running in load_running(now)] == [ours.pk]
    switch.release(None, other.pk)
    assert [running.id for running in load_running(now)] == [ours.pk, theirs.pk]


@pytest.mark.django_db
def test_nothing_is_launched_resumed_or_prepared() -> None:
    draft, other = (factory.draft(factory.contact_list(name, 3)) for name in ("A", "B"))
    paused = factory.launched(100)
    lifecycle.pause(paused.pk, None)
    lifecycle.launch(other.pk, None)
    switch.hold(None, MAIN)
    for move, campaign in ((lifecycle.launch, draft), (lifecycle.resume, paused)):
        with pytest.raises(Refused, match=r"^Sending is held\."):
            move(campaign.pk, None)
    tasks.prepare(other.pk)
    assert state_of(other) == ("preparing", "")
    assert not Snapshot.objects.filter(pk=other.pk).exists()
    assert (state_of(draft)[0], state_of(paused)[0]) == ("draft", "paused")
    switch.release(None, MAIN)
    tasks.prepare(other.pk)
    assert state_of(other) == ("sending", "")


@pytest.mark.django_db
def test_rehearsal_sends_nothing_and_goes_on() -> None:
    draft = factory.draft(factory.contact_list("A", 3))
    switch.hold(None, MAIN)
    rehearsal = rehearse(draft, None)
    freeze(rehearsal.pk, timezone.now() + factory.SOON)
    assert [row.id for row in load_running(timezone.now(), rehearsals=True)] == [rehearsal.pk]
    assert len(claim(rehearsal.pk, 1, "t", timezone.now())) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("held_for", "end"),
    [(60, ("preparing", "")), (61, ("paused", "held")), (600, ("paused", "held"))],
)
def test_what_was_due_meanwhile_starts_or_asks_somebody(
    clock: time_machine.Traveller, held_for: int, end: tuple[str, str]
) -> None:
    contacts = factory.contact_list("Some", 3)
    campaign = factory.draft(contacts, timing=Timing.AT, scheduled_at=NOON + timedelta(minutes=1))
    lifecycle.launch(campaign.pk, None)
    switch.hold(None, MAIN)
    clock.move_to(NOON + timedelta(minutes=1 + held_for))
    sweep.sweep()
    assert state_of(campaign) == ("scheduled", "")
    assert hold_effects.load_effects(MAIN).missed == (end[0] == "paused")
    switch.release(None, MAIN)
    sweep.sweep()
    assert state_of(campaign) == end


@pytest.mark.django_db
def test_released_at_night_it_waits_for_the_morning(clock: time_machine.Traveller) -> None:
    campaign = factory.launched(3, sends_from=time(9), sends_until=time(21))
    switch.hold(None, MAIN)
    clock.move_to(NOON.replace(hour=23))
    switch.release(None, MAIN)
    assert (load_running(timezone.now()), state_of(campaign)) == ([], ("sending", ""))
    clock.move_to(NOON + timedelta(days=1))
    assert [running.id for running in load_running(timezone.now())] == [campaign.pk]


@pytest.mark.django_db
def test_effects_count_what_cannot_be_stopped(clock: time_machine.Traveller) -> None:
    campaign = factory.launched(120)
    claims = claim(campaign.pk, 2, "t", timezone.now())
    record_intents(claims, "t", timezone.now())
    factory.draft(factory.contact_list("Later", 3), state=CampaignState.SCHEDULED)
    effects = hold_effects.load_effects(MAIN)
    sizes = sum(claimed.size for claimed in claims)
    assert effects == hold_effects.HoldEffects(1, 1, 0, sizes, 0)
    assert count_under_way(MAIN) == sizes == count_under_way(None)
    assert Batch.objects.filter(state=BatchState.SENDING).count() == 2
