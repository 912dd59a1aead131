"""Recipients outside the sending hours wait, and are sent to once when the hours begin."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import DAYTIME, SendingHours
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, Recipient, SendState
from campaigns.dispatch.send.batch_builder import PreparedBatch
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.running_campaigns import load_running, sendable_batches
from campaigns.dispatch.send.sender import BatchSender
from campaigns.dispatch.workers.slots import send_jobs
from campaigns.gateway.bsg.client import Client
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
LONDON = [("GB", f"4479111{number:05d}") for number in range(60)]
KYIV = [("UA", f"38097{number:07d}") for number in range(70)]
NEW_YORK = [("US", f"1212555{number:04d}") for number in range(55)]
LOS_ANGELES = [("US", f"1310555{number:04d}") for number in range(20)]
TOLL_FREE = [("US", f"1800555{number:04d}") for number in range(3)]
EVERYBODY = [*LONDON, *NEW_YORK, *KYIV, *TOLL_FREE, *LOS_ANGELES]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A winter day: afternoon in Europe, morning in New York, night in California."""
    with time_machine.travel(datetime(2026, 1, 14, 14, 30, tzinfo=UTC)) as traveller:
        yield traveller


def launched(**changes: object) -> Campaign:
    people = ContactList.objects.create(name="World", countries={"GB": 60, "UA": 70, "US": 78})
    Contact.objects.bulk_create(
        Contact(list=people, msisdn=msisdn, country=country) for country, msisdn in EVERYBODY
    )
    campaign = factory.draft(people, sends_from=DAYTIME.start, sends_until=DAYTIME.end, **changes)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    return campaign


def send(sandbox: RunningSandbox) -> set[str]:
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    return {message["msisdn"] for message in sandbox.messages()}


def phones(*groups: list[tuple[str, str]]) -> set[str]:
    return {msisdn for group in groups for _country, msisdn in group}


def test_batches_hold_one_area_where_a_country_has_several_zones(
    clock: time_machine.Traveller,
) -> None:
    campaign = launched()
    batches = Batch.objects.order_by("country", "area", "-size").values_list(
        "country", "area", "size"
    )
    assert list(batches) == [
        ("GB", "", 50), ("GB", "", 10), ("UA", "", 50), ("UA", "", 20), ("US", "", 3),
        ("US", "America/Los_Angeles", 20), ("US", "America/New_York", 50),
        ("US", "America/New_York", 5),
    ]  # fmt: skip
    assert campaign.snapshot.places == [
        ["GB", ""], ["UA", ""], ["US", ""], ["US", "America/Los_Angeles"],
        ["US", "America/New_York"]
    ]  # fmt: skip
    for batch in Batch.objects.filter(area="America/Los_Angeles"):
        phones_in_batch = Recipient.objects.filter(batch_number=batch.number).values_list(
            "msisdn", flat=True
        )
        assert set(phones_in_batch) == phones(LOS_ANGELES)


def test_without_sending_hours_batches_have_no_area(clock: time_machine.Traveller) -> None:
    people = factory.contact_list("Some", 90)
    people.countries = {"US": 90}
    people.save()
    campaign = factory.draft(people)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    assert set(Batch.objects.values_list("area", flat=True)) == {""}
    assert campaign.snapshot.places == [
        ["BG", ""],
        ["RO", ""],
        ["UA", ""],
    ]  # stored all the same: hours can be set later


def test_each_place_waits_for_its_hours(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    campaign = launched()
    assert send(sandbox) == phones(LONDON, KYIV, NEW_YORK)
    clock.move_to(datetime(2026, 1, 14, 16, 59, tzinfo=UTC))
    assert send(sandbox) == phones(LONDON, KYIV, NEW_YORK)
    clock.move_to(datetime(2026, 1, 14, 17, 0, tzinfo=UTC))
    assert send(sandbox) == phones(LONDON, KYIV, NEW_YORK, LOS_ANGELES)
    clock.move_to(datetime(2026, 1, 14, 19, 0, tzinfo=UTC))  # 09:00 in Hawaii, 14:00 in New York
    assert send(sandbox) == phones(EVERYBODY)
    assert sweep.finish_if_done(campaign.pk)
    assert sandbox.bill()["doubled_phones"] == 0


def test_no_worker_is_woken_for_batches_outside_the_hours(clock: time_machine.Traveller) -> None:
    launched()
    OrmQ.objects.all().delete()
    # early morning in Europe, 19:00 in California
    clock.move_to(datetime(2026, 1, 15, 3, 0, tzinfo=UTC))
    assert {batch.area for batch in sendable_batches(timezone.now())} == {"America/Los_Angeles"}
    clock.move_to(datetime(2026, 1, 15, 5, 30, tzinfo=UTC))
    assert load_running(timezone.now()) == []
    tasks.work()
    assert not OrmQ.objects.exists()
    clock.move_to(datetime(2026, 1, 15, 7, 0, tzinfo=UTC))
    tasks.work()
    assert [task.task["func"] for task in OrmQ.objects.all()] == [tasks.SEND] * len(send_jobs())


def test_place_closes_when_its_hours_end(clock: time_machine.Traveller) -> None:
    launched()
    clock.move_to(datetime(2026, 1, 14, 20, 59, 50, tzinfo=UTC))  # London's last seconds
    london = load_running(timezone.now())[0]
    assert london.sends_to("GB", "")
    clock.move_to(datetime(2026, 1, 14, 21, 0, tzinfo=UTC))
    [later] = load_running(timezone.now())
    assert not later.sends_to("GB", "")
    assert later.sends_to("US", "America/New_York")


def test_one_campaign_at_night_does_not_hold_up_another(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    launched()
    clock.move_to(datetime(2026, 1, 15, 5, 30, tzinfo=UTC))
    other = factory.launched(120)
    assert len(send(sandbox)) == 120
    assert sweep.finish_if_done(other.pk)


def test_campaign_scheduled_at_the_gateway_ignores_sending_hours(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    campaign = factory.draft(
        factory.contact_list("Three countries", 90), sends_from=DAYTIME.start,
        sends_until=DAYTIME.end, timing=Timing.GATEWAY,
        scheduled_at=datetime(2026, 1, 15, 12, 0, tzinfo=UTC),
    )  # fmt: skip
    clock.move_to(datetime(2026, 1, 15, 2, 0, tzinfo=UTC))
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    assert len(send(sandbox)) == 90


def test_changed_hours_apply_from_the_next_round(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    campaign = launched()
    assert send(sandbox) == phones(LONDON, KYIV, NEW_YORK)  # 06:30 in California
    running_changes.change_hours(campaign.pk, None, SendingHours(time(6), time(21)))
    assert send(sandbox) == phones(LONDON, KYIV, NEW_YORK, LOS_ANGELES)
    running_changes.change_hours(campaign.pk, None, None)
    assert send(sandbox) == phones(EVERYBODY)  # toll-free, somewhere in America
    assert sweep.finish_if_done(campaign.pk)
    with pytest.raises(lifecycle.Refused, match="Finished"):
        running_changes.change_hours(campaign.pk, None, None)


def test_hours_set_on_a_campaign_launched_without_any(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    people = ContactList.objects.create(name="World", countries={"GB": 60, "UA": 70})
    Contact.objects.bulk_create(
        Contact(list=people, msisdn=phone, country=land) for land, phone in [*LONDON, *KYIV]
    )
    campaign = factory.draft(people)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    # 14:30 in London, 16:30 in Kyiv
    running_changes.change_hours(campaign.pk, None, SendingHours(time(9), time(16)))
    assert send(sandbox) == phones(LONDON)


def test_batch_waiting_for_a_connection_obeys_new_hours(
    clock: time_machine.Traveller,
) -> None:
    campaign = launched()
    sender = BatchSender(
        Client("http://127.0.0.1:9/rest", "live_x"), 1, timezone.now() + timedelta(seconds=60)
    )
    batch = PreparedBatch(Claim(1, campaign.pk, 1, "GB", 50, 1), None, {}, {})
    sender.running = {running.id: running for running in load_running(timezone.now())}
    assert not sender._must_not_leave(batch, timezone.now())
    running_changes.change_hours(campaign.pk, None, SendingHours(time(15), time(16)))
    sender.running = {running.id: running for running in load_running(timezone.now())}
    assert sender._must_not_leave(batch, timezone.now())


def test_local_time_sends_at_each_recipients_own_time(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    people = ContactList.objects.create(name="World", countries={"GB": 60, "UA": 70, "US": 78})
    Contact.objects.bulk_create(
        Contact(list=people, msisdn=msisdn, country=country) for country, msisdn in EVERYBODY
    )
    campaign = factory.draft(
        people,
        timing=Timing.LOCAL,
        local_at="2026-01-15T10:00",
        scheduled_at=datetime(2026, 1, 15, 8, 0, tzinfo=UTC),
    )
    lifecycle.launch(campaign.pk, None)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SCHEDULED
    clock.move_to(datetime(2026, 1, 15, 8, 0, tzinfo=UTC))  # 10:00 in Kyiv
    assert lifecycle.start_due(timezone.now()) == 1
    freeze(campaign.pk, timezone.now() + factory.SOON)
    reached = [
        (datetime(2026, 1, 15, 8, 0, tzinfo=UTC), phones(KYIV)),
        (datetime(2026, 1, 15, 9, 59, 59, tzinfo=UTC), phones(KYIV)),
        (datetime(2026, 1, 15, 10, 0, tzinfo=UTC), phones(KYIV, LONDON)),
        (datetime(2026, 1, 15, 15, 0, tzinfo=UTC), phones(KYIV, LONDON, NEW_YORK)),
        (datetime(2026, 1, 15, 18, 0, tzinfo=UTC), phones(KYIV, LONDON, NEW_YORK, LOS_ANGELES)),
        (datetime(2026, 1, 15, 20, 0, tzinfo=UTC), phones(EVERYBODY)),  # 10:00 in Hawaii: toll-free
    ]
    for moment, people_reached in reached:
        clock.move_to(moment)
        assert send(sandbox) == people_reached
    assert sandbox.bill()["doubled_phones"] == 0


def test_cancel_ends_recipients_outside_the_hours(clock: time_machine.Traveller) -> None:
    campaign = launched()
    clock.move_to(datetime(2026, 1, 15, 5, 30, tzinfo=UTC))
    lifecycle.cancel(campaign.pk, None)
    sweep.sweep()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.CANCELLED
    assert Recipient.objects.exclude(send_state=SendState.CANCELLED).count() == 0
