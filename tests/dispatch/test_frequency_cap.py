"""Nobody gets more promotional messages than the frequency cap lets, whatever goes on at once."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.compose.audience.selection import Audience, Funnel
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState, FrequencyCap, Timing
from campaigns.contacts.models import Contact, ContactList, StopListEntry
from campaigns.dispatch import sweep
from campaigns.dispatch.freeze import recipients
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState, Snapshot
from campaigns.dispatch.people import erase_contact
from campaigns.ledger.models import Purpose
from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand
from tests.dispatch.factory import SOON, contact_list, draft, launched, launched_to, phone

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
MONDAY = datetime(2026, 11, 30, 12, tzinfo=UTC)


def cap(messages: int = 1, days: int = 7) -> FrequencyCap:
    return FrequencyCap.objects.create(messages=messages, days=days)


def frozen(campaign: Campaign) -> Snapshot:
    """Launch and freeze: what is counted before is what is frozen."""
    funnel = Audience.of(campaign).funnel()
    lifecycle.launch(campaign.pk, None)
    assert freeze(campaign.pk, timezone.now() + SOON)
    snapshot = Snapshot.objects.get(campaign=campaign)
    assert funnel == Funnel(
        selected=snapshot.in_lists,
        duplicates=snapshot.repeated,
        stop_listed=snapshot.stop_listed,
        excluded=snapshot.excluded,
        capped=snapshot.capped,
        recipients=snapshot.left,
    )
    return snapshot


def counted(contacts: ContactList, **changes: Any) -> int:
    """How many of the list a new campaign goes to."""
    return Audience.of(draft(contacts, **changes)).funnel().recipients


def end(campaign: Campaign, send_state: SendState = SendState.ACCEPTED) -> None:
    """All its messages have this state now, and it is finished."""
    Recipient.objects.filter(campaign=campaign).update(send_state=send_state)
    now = timezone.now()
    Batch.objects.filter(campaign=campaign).update(state=BatchState.DONE, done_at=now)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.FINISHED, finished_at=now)


def test_who_has_a_message_reserved_is_left_out_and_counted() -> None:
    """Of 30 people, 0..9 are promised a message; 5 and 12 are stopped, 8 and 13 excluded, 20..24
    are on two lists.
    """
    cap()
    people = contact_list("All", 30)
    launched_to(contact_list("Ten", 10))
    StopListEntry.objects.bulk_create(StopListEntry(msisdn=phone(n)) for n in (5, 12))
    out = contact_list("Out", 1, start=8)
    Contact.objects.create(list=out, msisdn=phone(13))
    campaign = draft(people, contact_list("Twice", 5, start=20))
    campaign.exclude_lists.set([out])
    snapshot = frozen(campaign)
    assert (snapshot.capped, snapshot.stop_listed, snapshot.excluded) == (8, 2, 2)
    assert (snapshot.in_lists, snapshot.repeated, snapshot.left) == (35, 5, 18)
    chosen = Recipient.objects.filter(campaign=campaign).values_list("msisdn", flat=True)
    assert set(chosen) == {phone(n) for n in range(10, 30)} - {phone(12), phone(13)}


def test_segments_and_slices_leave_out_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipients, "SLICE_SIZE", 7)
    cap(2)
    people = contact_list("All", 30)
    first, _second = launched_to(contact_list("A", 20)), launched_to(contact_list("B", 12, start=5))
    campaign = draft(people)
    campaign.earlier.create(source=first, outcome="all")
    snapshot = frozen(campaign)
    # the people 5..16 have two messages, and are on all three lists
    assert (snapshot.in_lists, snapshot.capped, snapshot.left) == (62, 36, 18)


@pytest.mark.parametrize(
    ("send_state", "left"),
    [
        (SendState.QUEUED, 0),
        (SendState.ACCEPTED, 0),
        (SendState.UNRESOLVED, 0),
        (SendState.REFUSED, 10),
        (SendState.CANCELLED, 10),
    ],
)
def test_a_message_counts_until_it_is_surely_not_sent(send_state: SendState, left: int) -> None:
    cap()
    people = contact_list("Ten", 10)
    end(launched_to(people), send_state)
    assert counted(people) == left


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"promotional": False}, 10),
        ({"purpose": Purpose.TEST}, 10),
        ({"purpose": Purpose.REHEARSAL}, 10),
        ({"cap_messages": 0}, 0),  # not limited, and counted
    ],
)
def test_only_promotional_campaigns_count(changes: dict[str, Any], left: int) -> None:
    cap()
    people = contact_list("Ten", 10)
    launched_to(people, **changes)
    assert counted(people) == left


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"promotional": False}, 10),
        ({"purpose": Purpose.TEST}, 10),
        ({"purpose": Purpose.REHEARSAL}, 0),  # as its draft
        ({"cap_messages": 0}, 10),
        ({"cap_messages": 2, "cap_days": 1}, 10),
        ({"cap_messages": 1, "cap_days": 30}, 0),
    ],
)
def test_only_promotional_campaigns_are_limited_by_their_cap(
    changes: dict[str, Any], left: int
) -> None:
    cap()
    people = contact_list("Ten", 10)
    launched_to(people)
    assert counted(people, **changes) == left


def test_without_a_cap_of_the_brand_nothing_is_limited() -> None:
    people = contact_list("Ten", 10)
    launched_to(people)
    assert counted(people, cap_messages=1, cap_days=7) == 10


def test_a_cancelled_campaign_gives_back_what_was_not_sent() -> None:
    cap()
    people = contact_list("Ten", 10)
    campaign = launched_to(people)
    assert counted(people) == 0
    lifecycle.cancel(campaign.pk, None)
    sweep.cancel_remaining()
    assert counted(people) == 10


def test_messages_count_for_the_days_from_their_acceptance() -> None:
    """A campaign that began eight days ago, was paused, and went on three days ago."""
    cap(1, 7)
    people = contact_list("Ten", 10)
    with time_machine.travel(MONDAY, tick=False) as clock:
        campaign = launched_to(people)
        early, late, *_others = Batch.objects.filter(campaign=campaign).order_by("number")
        accept(early)
        clock.shift(5 * DAY)
        assert counted(people) == 0
        end(campaign)
        Batch.objects.filter(pk=early.pk).update(done_at=MONDAY)
        clock.shift(2 * DAY - timedelta(seconds=1))
        assert counted(people) == 0
        clock.shift(timedelta(seconds=1))
        assert counted(people) == early.size
        clock.shift(5 * DAY)
        assert counted(people) == 10
    assert late.size


def test_a_paused_campaign_keeps_its_reservations_however_long_it_is_paused() -> None:
    cap(1, 7)
    people = contact_list("Ten", 10)
    with time_machine.travel(MONDAY, tick=False) as clock:
        lifecycle.pause(launched_to(people).pk, None)
        clock.shift(60 * DAY)
        assert counted(people) == 0


def test_what_the_gateway_sends_later_counts_from_then() -> None:
    cap(1, 7)
    people = contact_list("Ten", 10)
    with time_machine.travel(MONDAY, tick=False) as clock:
        later = launched_to(people, timing=Timing.GATEWAY, scheduled_at=MONDAY + 5 * DAY)
        end(later)
        clock.shift(11 * DAY)
        assert counted(people) == 0
        clock.shift(1 * DAY)
        assert counted(people) == 10


def test_the_review_looks_back_from_the_planned_time() -> None:
    cap(1, 7)
    people = contact_list("Ten", 10)
    with time_machine.travel(MONDAY, tick=False):
        end(launched_to(people))
        for days, left in ((6, 0), (7, 10)):
            moment = MONDAY + days * DAY
            assert counted(people, timing=Timing.AT, scheduled_at=moment) == left


def test_brands_have_caps_of_their_own() -> None:
    cap()
    other = Brand.objects.create(name="Toys", slug="toys")
    people = contact_list("Ten", 10)
    launched_to(people)
    assert counted(people) == 0
    with acting_for(other.pk):
        own = contact_list("Ten", 10)
        launched_to(own)
        assert counted(own) == 10
        FrequencyCap.objects.create(messages=2, days=1)
        launched_to(own)
        assert counted(own) == 0


def test_an_erased_person_leaves_nothing_that_counts() -> None:
    cap()
    campaign = launched(10)
    end(campaign)
    erase_contact.erase(phone(0), None)
    StopListEntry.objects.all().delete()
    assert counted(contact_list("Again", 10)) == 1


def test_without_a_cap_freezing_asks_nothing_more() -> None:
    """Of recipients and earlier campaigns; a transactional campaign does not ask for the cap."""
    people = contact_list("Ten", 10)
    launched_to(people)
    for promotional, asked in ((True, 1), (False, 0)):
        campaign = draft(people, promotional=promotional)
        lifecycle.launch(campaign.pk, None)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            freeze(campaign.pk, timezone.now() + SOON)
        texts = [query["sql"] for query in queries]
        assert ("frequencycap" in " ".join(texts)) == bool(asked)
        assert not [text for text in texts if "EXISTS" in text and "U0" in text]


@pytest.mark.django_db(transaction=True)
def test_two_freezes_at_once_promise_nobody_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits with its recipients inserted, not committed, until the other has come so far."""
    monkeypatch.setattr(recipients, "SLICE_SIZE", 20)
    cap(2)
    people = contact_list("Sixty", 60)
    launched_to(people)
    campaigns = [draft(people) for _n in range(2)]
    for campaign in campaigns:
        lifecycle.launch(campaign.pk, None)
    both, insert_batches = Barrier(2), recipients._insert_batches

    def meet_and_insert(*arguments: Any) -> int:
        with suppress(BrokenBarrierError):  # the one that waits for the lock does not arrive
            both.wait(0.2)
        both.reset()
        return insert_batches(*arguments)

    def run(campaign: Campaign) -> bool:
        try:
            return freeze(campaign.pk, timezone.now() + SOON)
        finally:
            connection.close()

    monkeypatch.setattr(recipients, "_insert_batches", meet_and_insert)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(run, campaigns)) == [True, True]
    assert set(Counter(Recipient.objects.values_list("msisdn", flat=True)).values()) == {2}
    snapshots = Snapshot.objects.filter(campaign__in=campaigns)
    assert sum(snapshot.capped for snapshot in snapshots) == 60
    assert sum(snapshot.left for snapshot in snapshots) == 60


def accept(batch: Batch) -> None:
    now = timezone.now()
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.DONE, done_at=now)
    queued = Recipient.objects.filter(
        campaign=batch.campaign_id, batch_number=batch.number, send_state=SendState.QUEUED
    )
    queued.update(send_state=SendState.ACCEPTED, sent_at=now)


def test_no_days_have_more_messages_than_the_cap() -> None:
    """Campaigns of three weeks; their batches are accepted or refused at any later time."""
    dice, messages, days = random.Random(1), 2, 4
    cap(messages, days)
    lists = [contact_list(f"List {n}", 9, start=3 * n) for n in range(4)]
    with time_machine.travel(MONDAY, tick=False) as clock:
        for _step in range(40):
            clock.shift(timedelta(hours=dice.randrange(1, 28)))
            if dice.random() < 0.5:
                chosen = dice.sample(lists, 2)
                campaign = draft(*chosen)
                if Audience.of(campaign).funnel().recipients:
                    frozen(campaign)
            for batch in Batch.objects.filter(state=BatchState.READY).order_by("pk"):
                luck = dice.random()
                if luck < 0.3:
                    accept(batch)
                elif luck < 0.4:
                    rows = Recipient.objects.filter(
                        campaign=batch.campaign_id, batch_number=batch.number
                    )
                    rows.update(send_state=SendState.REFUSED)
                    Batch.objects.filter(pk=batch.pk).update(state=BatchState.DONE)
            done = Campaign.objects.filter(state=CampaignState.SENDING).exclude(
                batches__state=BatchState.READY
            )
            done.update(state=CampaignState.FINISHED, finished_at=timezone.now())
    accepted = Recipient.objects.filter(send_state=SendState.ACCEPTED)
    most = 0
    for msisdn in accepted.values_list("msisdn", flat=True).distinct():
        moments = list(accepted.filter(msisdn=msisdn).values_list("sent_at", flat=True))
        for first in moments:
            assert first
            within = [at for at in moments if at and first <= at < first + days * DAY]
            most = max(most, len(within))
    assert most == messages
