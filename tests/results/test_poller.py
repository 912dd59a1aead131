"""Polling from accepted to final: statuses, fallbacks, and every cent of the bill."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.gateway.bsg.status_questions import StatusQuestions
from campaigns.ledger.models import Channel, Kind, LedgerEntry
from campaigns.results import campaign_status
from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.results.polling import asker
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


def poll(sandbox: RunningSandbox, after: timedelta) -> bool:
    """Poll everything that is due, as if `after` had passed."""
    for batch in Batch.objects.all():
        batch.done_at = batch.done_at and batch.done_at - after
        batch.check_at = batch.check_at and batch.check_at - after
        batch.save()
    return asker.ask(sandbox.client(), 4, timezone.now() + timedelta(seconds=60))


def asked_for(sandbox: RunningSandbox) -> int:
    """How many messages the gateway was asked for."""
    return sum("/viber/reference/" in request["path"] for request in sandbox.requests())


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"status": "mixed", "shape": "mixed", "send_price": "mixed", "price_noise": 50},
        {"viber_charged": 50, "currency": "PLN"},
    ],
    ids=str,
)
def test_poll_follows_every_message_to_its_final_price(
    sandbox: RunningSandbox, faults: dict[str, object]
) -> None:
    sandbox.faults(**faults)
    campaign = factory.launched(600, sms_sender="Shop", sms_text="Hello by SMS")
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sandbox.settle()
    assert not poll(sandbox, timedelta(minutes=1))
    bill, spend = sandbox.bill(), campaign_status.spend(campaign)
    (currency,) = spend
    assert {name: spend[currency][name] for name in ("viber", "sms", "total")} == {
        name: Decimal(amount) for name, amount in bill["spend"][currency].items()
    }
    counts = campaign_status.counts(campaign)
    assert counts.accepted == 600 == sum(counts.delivery.values())
    assert counts.delivery["read"] == bill["statuses"]["read"]
    assert counts.delivery["sms_delivered"] == bill["sms_statuses"]["delivered"]
    assert counts.delivery["sms_delivered"] > 0
    assert differences() == []


# so slow that no status changes between the two polls
@pytest.mark.parametrize("sandbox", [{"pace": 0.001}], indirect=True)
def test_poll_again_changes_nothing(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(150)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    poll(sandbox, timedelta(minutes=1))
    before = (LedgerEntry.objects.count(), campaign_status.status(campaign))
    poll(sandbox, timedelta(minutes=1))
    assert (LedgerEntry.objects.count(), campaign_status.status(campaign)) == before
    assert set(Batch.objects.values_list("checks", flat=True)) == {2}


def test_no_message_is_asked_for_after_the_end_and_batches_stay_due(
    sandbox: RunningSandbox,
) -> None:
    factory.launched(50)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    Batch.objects.update(done_at=timezone.now() - timedelta(minutes=1))
    with ThreadPoolExecutor(4) as pool:
        questions = StatusQuestions(pool, timezone.now(), lambda: True)
        late = asker.Asker(sandbox.client(), questions, 4)
        assert late.step(start_more=True)
        assert late.step(start_more=False)
    assert asked_for(sandbox) == 0
    assert not Batch.objects.exclude(check_at__lte=timezone.now()).exists()


def test_settled_batches_are_never_asked_again(sandbox: RunningSandbox) -> None:
    factory.launched(150)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sandbox.settle()
    poll(sandbox, timedelta(minutes=1))
    open_batches = set(Recipient.objects.filter(final=False).values_list("batch_number", flat=True))
    assert (
        set(Batch.objects.filter(check_at__isnull=False).values_list("number", flat=True))
        == open_batches
    )


def test_an_undelivered_message_is_refunded_and_its_sms_charged(sandbox: RunningSandbox) -> None:
    factory.launched(600, sms_sender="Shop", sms_text="Hello by SMS")
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    sandbox.settle()
    poll(sandbox, timedelta(minutes=1))
    recipient = Recipient.objects.filter(delivery_state="sms_delivered").first()
    assert recipient is not None
    entries = (
        LedgerEntry.objects.filter(recipient=recipient)
        .order_by("pk")
        .values_list("kind", "channel", "amount")
    )
    assert list(entries) == [
        (Kind.CHARGE, Channel.VIBER, recipient.charged),
        (Kind.ADJUSTMENT, Channel.VIBER, -recipient.charged),
        (Kind.CHARGE, Channel.SMS, recipient.sms_price),
    ]


def test_rebuild_finds_and_corrects_a_wrong_total(sandbox: RunningSandbox) -> None:
    from campaigns.dispatch.models import Tally
    from campaigns.ledger.models import LedgerTotal

    campaign = factory.launched(100)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    right = campaign_status.status(campaign)
    LedgerTotal.objects.update(amount=1)
    Tally.objects.all().delete()
    assert len(rebuild()) == 6
    assert campaign_status.status(campaign) == right
    assert differences() == []
