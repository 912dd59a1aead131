"""Whoever does not hold a batch, or no longer, changes nothing: not one column of any row.

And whoever holds it changes exactly the columns that the step is about.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, BatchState, Heartbeat
from campaigns.dispatch.send import leases
from campaigns.dispatch.send.leases import LEASE, Claim
from campaigns.dispatch.workers import slots
from campaigns.dispatch.workers.slots import WorkerSlot
from tests.dispatch import factory
from tests.stored import changes, everything

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 15, 12, 0, 0, 250_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TICK = timedelta(microseconds=1)
S = BatchState
# What a batch looks like that another worker has.
THEIRS = {"token": "theirs", "lease_until": NOW + LEASE, "attempts": 3, "asked": 2}


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def campaign() -> Campaign:
    """A campaign that sends, of three READY batches in three countries."""
    return factory.launched(6)


def put(**columns: Any) -> list[Claim]:
    """Set columns of all batches; return a claim for each."""
    Batch.objects.update(**columns)
    return [
        Claim(batch.pk, batch.campaign_id, batch.number, batch.country, batch.size, batch.attempts)
        for batch in Batch.objects.order_by("number")
    ]


def assert_unchanged(act: Callable[[], Any]) -> Any:
    before = everything()
    answer = act()
    assert everything() == before
    return answer


def other_than(state: BatchState) -> list[BatchState]:
    return sorted(set(S) - {state})


# claim


def test_batch_that_is_not_ready_is_not_claimed(campaign: Campaign) -> None:
    for state in other_than(S.READY):
        put(state=state, **THEIRS)
        assert assert_unchanged(lambda: leases.claim(campaign.pk, 10, "ours", NOW)) == []
        # not even when its lease is over: that is for the sweep to decide
        assert (
            assert_unchanged(lambda: leases.claim(campaign.pk, 10, "ours", NOW + 2 * LEASE)) == []
        )


def test_batches_are_claimed_in_order_up_to_the_limit_and_from_their_moment_on(
    campaign: Campaign,
) -> None:
    other = factory.launched(1)
    first, second, third = campaign.batches.order_by("number")
    Batch.objects.filter(pk=second.pk).update(not_before=NOW + TICK)
    Batch.objects.filter(pk=third.pk).update(not_before=NOW)
    before = everything()
    claims = leases.claim(campaign.pk, 1, "ours", NOW)
    claims += leases.claim(campaign.pk, 5, "ours", NOW)
    assert [claim.number for claim in claims] == [first.number, third.number]
    claimed = {"state": "leased", "token": "ours", "lease_until": NOW + LEASE}
    assert changes(Batch, before) == {first.pk: claimed, third.pk: claimed}
    assert other.batches.get().state == S.READY
    assert [claim.id for claim in leases.claim(campaign.pk, 5, "ours", NOW + TICK)] == [second.pk]


def test_only_batches_for_open_places_are_claimed(campaign: Campaign) -> None:
    Batch.objects.filter(country="RO").update(area="Europe/Bucharest")
    open_places = [Place("UA", ""), Place("RO", ""), Place("BG", "Europe/Bucharest")]
    claims = leases.claim(campaign.pk, 5, "ours", NOW, open_places)
    assert [claim.country for claim in claims] == ["UA"]


# the intent


def test_intent_for_a_batch_that_is_not_leased_changes_nothing(campaign: Campaign) -> None:
    for state in other_than(S.LEASED):
        claims = put(state=state, **(THEIRS | {"token": "ours"}))
        assert assert_unchanged(partial(leases.record_intents, claims, "ours", NOW)) == []


def test_intent_under_another_token_changes_nothing(campaign: Campaign) -> None:
    for token in ("theirs", "", "OURS"):
        claims = put(state=S.LEASED, **(THEIRS | {"token": token}))
        assert assert_unchanged(partial(leases.record_intents, claims, "ours", NOW)) == []


def test_intent_of_a_campaign_that_does_not_send_changes_nothing(campaign: Campaign) -> None:
    claims = leases.claim(campaign.pk, 5, "ours", NOW)
    factory.launched(1)  # another one that sends
    for state in sorted(set(CampaignState) - {CampaignState.SENDING}):
        Campaign.objects.filter(pk=campaign.pk).update(state=state)
        assert assert_unchanged(partial(leases.record_intents, claims, "ours", NOW)) == []


def test_intent_changes_its_batches_alone(campaign: Campaign) -> None:
    first, second, _third = leases.claim(campaign.pk, 5, "ours", NOW)
    later = NOW + 5 * SECOND
    Batch.objects.update(asked=4, not_before=NOW)
    before = everything()
    assert [claim.attempts for claim in leases.record_intents([first], "ours", later)] == [1]
    intended = {
        "state": "sending", "lease_until": later + LEASE, "in_flight_until": later + LEASE,
        "intended_at": later, "first_sent_at": later, "attempts": 1, "asked": 0,
        "not_before": None,
    }  # fmt: skip
    assert changes(Batch, before) == {first.id: intended}
    Batch.objects.filter(pk=second.id).update(first_sent_at=NOW, attempts=7)
    [again] = leases.record_intents([second], "ours", later)
    assert again.attempts == 8
    assert Batch.objects.get(pk=second.id).first_sent_at == NOW
    assert leases.record_intents([], "ours", later) == []


# release


def test_release_of_a_batch_that_is_not_leased_changes_nothing(campaign: Campaign) -> None:
    for state in other_than(S.LEASED):
        claims = put(state=state, **(THEIRS | {"token": "ours"}))
        ids = [claim.id for claim in claims]
        assert_unchanged(partial(leases.release_claims, ids, "ours"))


def test_release_frees_ones_own_batches_alone(campaign: Campaign) -> None:
    claims = put(state=S.LEASED, **THEIRS)
    ids = [claim.id for claim in claims]
    assert_unchanged(lambda: leases.release_claims(ids, "ours"))
    assert_unchanged(lambda: leases.release_claims([], "theirs"))
    before = everything()
    leases.release_claims(ids[:1], "theirs")
    released = {"state": "ready", "token": "", "lease_until": None}
    assert changes(Batch, before) == {ids[0]: released}


# questions about unknown outcomes


def test_batch_whose_outcome_is_known_is_not_asked_about(campaign: Campaign) -> None:
    for state in other_than(S.AMBIGUOUS):
        put(state=state, token="", lease_until=None, not_before=NOW - SECOND)
        assert assert_unchanged(lambda: leases.claim_ambiguous(9, "ours", NOW)) == []


def test_batch_that_another_worker_asks_about_is_left_to_them(campaign: Campaign) -> None:
    put(state=S.AMBIGUOUS, not_before=NOW, **(THEIRS | {"lease_until": NOW + TICK}))
    assert assert_unchanged(lambda: leases.claim_ambiguous(9, "ours", NOW)) == []
    put(token="", lease_until=None, not_before=NOW + TICK)
    assert assert_unchanged(lambda: leases.claim_ambiguous(9, "ours", NOW)) == []


@pytest.mark.parametrize("lease_until", [None, NOW])
def test_questions_lease_as_many_batches_as_they_may(
    campaign: Campaign, lease_until: datetime | None
) -> None:
    put(state=S.AMBIGUOUS, not_before=NOW, **(THEIRS | {"lease_until": lease_until}))
    before = everything()
    batches = leases.claim_ambiguous(2, "ours", NOW)
    leased = {"token": "ours", "lease_until": NOW + LEASE, "asked": 3, "asked_at": NOW}
    assert changes(Batch, before) == {batch.pk: leased for batch in batches}
    assert [batch.asked for batch in batches] == [3, 3]
    [third] = leases.claim_ambiguous(9, "other", NOW)
    assert third not in batches
    assert leases.claim_ambiguous(9, "ours", NOW) == []  # nor what one has already


def test_end_of_questions_under_another_token_changes_nothing(campaign: Campaign) -> None:
    claims = put(state=S.AMBIGUOUS, **THEIRS)
    assert_unchanged(lambda: leases.release_ambiguous(claims[0].id, "ours"))
    before = everything()
    leases.release_ambiguous(claims[0].id, "theirs")
    freed = {"token": "", "lease_until": None, "asked": 1}
    assert changes(Batch, before) == {claims[0].id: freed}


def test_end_of_questions_about_a_decided_batch_changes_nothing(campaign: Campaign) -> None:
    for state in other_than(S.AMBIGUOUS):
        claims = put(state=state, **THEIRS)
        assert_unchanged(partial(leases.release_ambiguous, claims[0].id, "theirs"))


# the sweep


def test_sweep_ends_no_lease_early(campaign: Campaign) -> None:
    for state in S:
        put(state=state, **(THEIRS | {"lease_until": NOW + TICK}))
        assert_unchanged(lambda: sweep.release_expired_leases(NOW))
        put(lease_until=None)
        assert_unchanged(lambda: sweep.release_expired_leases(NOW))


@pytest.mark.parametrize(
    ("state", "changed"),
    [
        (S.READY, {}),
        (S.LEASED, {"state": "ready", "token": "", "lease_until": None}),
        # it may have left: nobody sends it again before the gateway was asked
        (S.SENDING, {"state": "ambiguous", "token": "", "lease_until": None, "not_before": NOW}),
        (S.AMBIGUOUS, {}),
        (S.DONE, {}),
    ],
)
def test_sweep_ends_expired_leases(campaign: Campaign, state: str, changed: dict[str, Any]) -> None:
    put(state=state, **(THEIRS | {"lease_until": NOW}))
    before = everything()
    sweep.release_expired_leases(NOW)
    assert changes(Batch, before) == (dict.fromkeys(before["Batch"], changed) if changed else {})


# slots


def test_process_that_lost_its_slot_takes_nothing_from_the_next(
    clock: time_machine.Traveller,
) -> None:
    with WorkerSlot("send") as first:
        assert first.held
        assert not assert_unchanged(lambda: WorkerSlot("send").__enter__().held)
        clock.shift(slots.LEASE)
        with WorkerSlot("send") as second:
            assert second.held
            assert not assert_unchanged(first.renew)
            first.held = True  # as a process believes that was stopped since its last renewal
            assert_unchanged(lambda: first.__exit__(None, None, None))
            clock.shift(slots.RENEW_INTERVAL)
            assert second.renew()
            assert Heartbeat.objects.get().until == timezone.now() + slots.LEASE
        assert not Heartbeat.objects.exists()


def test_slot_is_renewed_only_when_it_is_time(clock: time_machine.Traveller) -> None:
    with WorkerSlot("send") as slot:
        clock.shift(slots.RENEW_INTERVAL - TICK)
        assert assert_unchanged(slot.renew)
        clock.shift(TICK)
        assert slot.renew()
        assert Heartbeat.objects.get().until == NOW + slots.RENEW_INTERVAL + slots.LEASE
