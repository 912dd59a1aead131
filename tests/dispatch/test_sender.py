"""A campaign from the freeze to its end, against the sandbox over a real socket."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.dispatch.send import leases
from campaigns.dispatch.send.running_campaigns import load_running
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import LedgerEntry
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences
from tests.dispatch import asking, factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def send(sandbox: RunningSandbox) -> bool:
    return BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def spent(campaign: Campaign) -> Decimal:
    return campaign_status.spend(campaign)["EUR"]["total"]


def test_send_reaches_everybody_once(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(1234)
    assert not send(sandbox)
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"], bill["doubled_phones"]) == (1234, 1234, 0)
    assert (
        Recipient.objects.filter(send_state=SendState.ACCEPTED).exclude(gateway_id="").count()
        == 1234
    )
    assert Batch.objects.exclude(state=BatchState.DONE).count() == 0
    assert sweep.finish_if_done(campaign.pk)
    assert spent(campaign) == Decimal(bill["spend"]["EUR"]["viber"])
    assert differences() == []


def test_slot_is_renewed_until_the_last_answer(sandbox: RunningSandbox) -> None:
    """Another process would take it otherwise, and open as many connections again."""
    factory.launched(50)
    renewed_with = list[int]()

    def renew() -> bool:
        renewed_with.append(sender.outstanding)
        if sender.outstanding:
            sender.until = timezone.now()  # its time is over while the request is open
        return True

    sandbox.faults(slow=100, slow_ms=1000)
    sender = BatchSender(sandbox.client(), 1, timezone.now() + timedelta(seconds=60), renew)
    sender.run()
    assert renewed_with[-1] == 0
    assert any(renewed_with)


def test_batches_hold_fifty_of_one_country(sandbox: RunningSandbox) -> None:
    factory.launched(1234)
    sizes = sorted(Batch.objects.values_list("country", "size"))
    assert sizes == [
        ("BG", 11), *[("BG", 50)] * 8, ("RO", 11), *[("RO", 50)] * 8, ("UA", 12), *[("UA", 50)] * 8,
    ]  # fmt: skip


def test_lost_answers_are_asked_for_and_not_sent_again(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(200)
    sandbox.faults(lost=100)
    send(sandbox)
    assert set(Batch.objects.values_list("state", flat=True)) == {"ambiguous"}
    sandbox.faults()
    later(timedelta(hours=1))
    assert not asking.resolve(sandbox.client(), 4)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (200, 0)
    assert campaign_status.counts(campaign).accepted == 200
    assert spent(campaign) == Decimal(bill["spend"]["EUR"]["total"])
    assert differences() == []


def later(by: timedelta) -> None:
    """Move the times of all batches back by so much."""
    for batch in Batch.objects.all():
        for name in factory.MOMENTS[Batch]:
            if getattr(batch, name):
                setattr(batch, name, getattr(batch, name) - by)
        batch.save()


def test_never_arrived_is_sent_again_with_the_same_references(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(100)
    sandbox.faults(http500=100)
    send(sandbox)
    references = set(Recipient.objects.values_list("reference", flat=True))
    sandbox.faults()
    later(timedelta(hours=1))
    asking.resolve(sandbox.client(), 4)
    assert set(Batch.objects.values_list("state", flat=True)) == {"ready"}
    assert not send(sandbox)
    assert {message["reference"] for message in sandbox.messages()} == references
    assert sandbox.bill()["messages"] == 100
    assert sweep.finish_if_done(campaign.pk)


def test_gateway_down_loses_nobody(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(100)
    client = sandbox.client()
    sandbox.server.stop()
    BatchSender(client, 4, timezone.now() + timedelta(seconds=1)).run()
    assert set(Batch.objects.values_list("state", "attempts")) == {("ready", 0)}
    assert campaign_status.counts(campaign).queued == 100


def test_out_of_funds_pauses_and_resume_sends_exactly_the_rest(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(600)
    sandbox.faults(error8_after=220)
    send(sandbox)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "error_8")
    accepted = sandbox.bill()["messages"]
    assert campaign_status.counts(campaign).accepted == accepted
    assert 0 < accepted < 600
    sandbox.faults()
    lifecycle.resume(campaign.pk, None)
    later(timedelta(hours=1))
    send(sandbox)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (600, 0)
    assert spent(campaign) == Decimal(bill["spend"]["EUR"]["total"])


def test_pause_stops_the_claim_and_the_intent(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(100)
    now = timezone.now()
    claims = leases.claim(campaign.pk, 1, "t", now)
    lifecycle.pause(campaign.pk, None)
    assert leases.record_intents(claims, "t", now) == []
    assert load_running(now) == []
    assert not send(sandbox)
    assert sandbox.bill()["messages"] == 0


def test_cancel_leaves_nobody_queued(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(300)
    lifecycle.cancel(campaign.pk, None)
    sweep.sweep()
    counts = campaign_status.counts(campaign)
    assert (counts.cancelled, counts.queued) == (300, 0)
    assert differences() == []


def test_expired_leases_go_back_or_become_ambiguous() -> None:
    campaign = factory.launched(100)
    now = timezone.now()
    claims = leases.claim(campaign.pk, 2, "t", now)
    leases.record_intents(claims[:1], "t", now)
    sweep.release_expired_leases(now + leases.LEASE + timedelta(seconds=1))
    states = dict(Batch.objects.values_list("number", "state"))
    assert (states[claims[0].number], states[claims[1].number]) == ("ambiguous", "ready")


def test_phone_stopped_after_the_freeze_is_not_sent_to(sandbox: RunningSandbox) -> None:
    from campaigns.contacts.models import StopListEntry

    campaign = factory.launched(60)
    StopListEntry.objects.create(msisdn=factory.phone(7))
    send(sandbox)
    counts = campaign_status.counts(campaign)
    assert (counts.accepted, counts.cancelled, counts.reasons) == (59, 1, {"stop_list": 1})
    assert not sandbox.messages(msisdn=factory.phone(7))


def test_merge_fields_are_filled_in_for_each(sandbox: RunningSandbox) -> None:
    contacts = factory.contact_list("Names", 3, first_name="Олена")
    campaign = factory.draft(contacts, text="Вітаємо, {first_name}! {{%}}")
    lifecycle.launch(campaign.pk, None, confirmed=3)
    from campaigns.dispatch.freeze.recipients import freeze

    freeze(campaign.pk, timezone.now() + factory.SOON)
    send(sandbox)
    assert {message["text"] for message in sandbox.messages()} == {"Вітаємо, Олена! {%}"}
    assert LedgerEntry.objects.count() == 3


def test_outcome_never_known_is_unresolved_and_not_sent_again(
    sandbox: RunningSandbox,
) -> None:
    campaign = factory.launched(60)
    sandbox.faults(lost=100)
    send(sandbox)
    client = sandbox.client()
    sandbox.server.stop()
    for days, unresolved in ((2, 0), (27, 0), (2, 60)):
        later(timedelta(days=days))
        asking.resolve(client, 4)
        assert campaign_status.counts(campaign).unresolved == unresolved
    counts = campaign_status.counts(campaign)
    assert (counts.unresolved, counts.queued) == (60, 0)
    assert sweep.finish_if_done(campaign.pk)
    assert differences() == []
