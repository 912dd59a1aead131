"""What batches hold follows from their recipients, whatever the gateway answers."""

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Contact
from campaigns.dispatch import sweep
from campaigns.dispatch.budgets import holds, reservations
from campaigns.dispatch.models import (
    SEVERAL_CURRENCIES,
    Batch,
    BatchState,
    DeliveryState,
    Recipient,
    SendState,
)
from campaigns.dispatch.send import leases
from campaigns.ledger.models import LedgerTotal
from campaigns.results.money.rebuilding import differences, rebuild
from tests.dispatch import factory
from tests.dispatch.priced_gateway import KEY, RunningGateway, priced_gateway

pytestmark = pytest.mark.django_db
D = Decimal
WITH_SMS = {"sms_sender": "Shop", "sms_text": "Hello by SMS"}
WORST = D("0.40")


@pytest.fixture
def gateway(settings: Settings) -> Iterator[RunningGateway]:
    """A gateway where Viber and SMS cost 0.20 EUR each; the price list is asked of it too."""
    with priced_gateway() as running:
        settings.BSG_API_URL, settings.BSG_API_KEY = running.api_url, KEY
        yield running


def launched_in_one_country(people: int, **changes: Any) -> Campaign:
    """A campaign in whole batches of 50."""
    contacts = factory.contact_list(f"List of {people}", people)
    Contact.objects.update(country="UA")
    return factory.launched_to(contacts, **changes)


def spent() -> Decimal:
    return LedgerTotal.objects.aggregate(sum=Sum("amount"))["sum"] or D(0)


def held() -> Decimal:
    return Batch.objects.aggregate(sum=Sum("held"))["sum"] or D(0)


def batch_of(campaign: Campaign, recipients: list[dict[str, Any]], **columns: Any) -> Batch:
    """The only batch of `campaign`, with columns as told, and so many of its recipients too."""
    Batch.objects.update(**({"worst_case": WORST, "held_currency": "EUR"} | columns))
    for pk, changes in zip(
        Recipient.objects.order_by("pk").values_list("pk", flat=True), recipients, strict=True
    ):
        Recipient.objects.filter(pk=pk).update(**changes)
    return Batch.objects.get(campaign=campaign)


ACCEPTED = {"send_state": SendState.ACCEPTED, "currency": "EUR", "charged": D("0.20")}
UNPRICED = ACCEPTED | {"currency": "", "charged": None}


@pytest.mark.parametrize(
    ("recipient", "batch", "expected", "without_sms"),
    [
        ({}, {"state": BatchState.READY}, None, None),
        ({}, {"state": BatchState.LEASED}, None, None),
        ({}, {"state": BatchState.SENDING}, "0.40", "0.40"),
        ({}, {"state": BatchState.AMBIGUOUS}, "0.40", "0.40"),
        ({"send_state": SendState.REFUSED}, {"state": BatchState.SENDING}, None, None),
        ({"send_state": SendState.CANCELLED}, {"state": BatchState.SENDING}, None, None),
        ({"send_state": SendState.UNRESOLVED}, {"state": BatchState.DONE}, None, None),
        (ACCEPTED, {"state": BatchState.READY}, "0.20", None),  # half of it was accepted
        (ACCEPTED, {"state": BatchState.AMBIGUOUS}, "0.20", None),
        (ACCEPTED, {}, "0.20", None),
        (UNPRICED, {}, "0.40", "0.40"),
        (UNPRICED | {"final": True}, {}, "0.40", "0.40"),
        (UNPRICED | {"delivery_state": DeliveryState.READ}, {}, "0.40", "0.40"),
        (UNPRICED | {"viber_price": D("0.1"), "currency": "EUR"}, {}, "0.30", None),
        (ACCEPTED | {"viber_price": D(0)}, {}, "0.40", None),
        (ACCEPTED | {"viber_price": D(1)}, {}, None, None),
        (ACCEPTED | {"currency": "USD"}, {}, "0.40", None),
        (ACCEPTED | {"delivery_state": DeliveryState.WAITING}, {}, "0.20", None),
        (ACCEPTED | {"delivery_state": DeliveryState.NOT_DELIVERED}, {}, "0.20", None),
        (ACCEPTED | {"delivery_state": DeliveryState.DELIVERED}, {}, None, None),
        (ACCEPTED | {"delivery_state": DeliveryState.READ}, {}, None, None),
        (ACCEPTED | {"final": True}, {}, None, None),
        (ACCEPTED, {"checks": 9, "check_at": None}, None, None),  # nobody asks any more
        (UNPRICED, {"checks": 9, "check_at": None}, "0.40", "0.40"),
        (ACCEPTED | {"sms_status": "sent"}, {}, "0.20", "0.20"),
        (ACCEPTED | {"sms_status": "delivered", "final": True}, {}, "0.20", "0.20"),
        (ACCEPTED | {"sms_status": "sent", "sms_price": D("0.15")}, {}, "0.05", None),
        (
            ACCEPTED | {"sms_status": "sent", "sms_price": D("0.15"), "sms_currency": "USD"},
            {}, "0.20", None,
        ),
        (
            ACCEPTED | {"sms_status": "sent", "sms_price": None, "final": True}
            | {"sms_currency": SEVERAL_CURRENCIES},
            {}, None, None,
        ),
    ],
)  # fmt: skip
def test_hold_of_one_recipient(
    recipient: dict[str, Any],
    batch: dict[str, Any],
    expected: str | None,
    without_sms: str | None,
) -> None:
    campaign = factory.launched(1, **WITH_SMS)
    columns = {"state": BatchState.DONE, "checks": 1, "check_at": timezone.now()} | batch
    for sms_text, amount in (("Hello by SMS", expected), ("", without_sms)):
        Campaign.objects.update(sms_text=sms_text)
        row = batch_of(campaign, [recipient], **columns)
        holds.recompute([row.pk])
        row.refresh_from_db()
        assert row.held == (None if amount is None else D(amount))
        assert holds.wrong_holds() == []


def test_batch_without_a_budget_holds_nothing() -> None:
    campaign = factory.launched(1)
    row = batch_of(campaign, [UNPRICED], worst_case=None, state=BatchState.SENDING)
    holds.recompute([row.pk])
    holds.recompute([])
    row.refresh_from_db()
    assert row.held is None


def test_hold_of_the_version_before_stays_until_nothing_is_under_way() -> None:
    campaign = factory.launched(1, **WITH_SMS)
    row = batch_of(campaign, [{}], worst_case=None, held=D(3), state=BatchState.SENDING)
    for recipient, expected in (
        ({}, D(3)),
        (ACCEPTED, D(3)),
        (ACCEPTED | {"delivery_state": DeliveryState.DELIVERED}, None),
    ):
        Recipient.objects.update(**recipient)
        holds.recompute([row.pk])
        row.refresh_from_db()
        assert row.held == expected


def expected_hold(recipient: Recipient, batch: Batch, *, has_sms: bool) -> Decimal:
    """What one recipient holds, worked out in Python."""
    assert batch.worst_case is not None
    if recipient.send_state == SendState.QUEUED:
        under_way = batch.state in (BatchState.SENDING, BatchState.AMBIGUOUS)
        return batch.worst_case if under_way else D(0)
    if recipient.send_state != SendState.ACCEPTED:
        return D(0)
    viber = recipient.charged if recipient.viber_price is None else recipient.viber_price
    is_priced = viber is not None and not (recipient.sms_status and recipient.sms_price is None)
    is_over = recipient.final or recipient.delivery_state in ("delivered", "read")
    if is_priced and (not has_sms or is_over):
        return D(0)
    known = [
        price
        for currency, price in (
            (recipient.currency, viber),
            (recipient.currency_of_sms, recipient.sms_price),
        )
        if price is not None and currency == batch.held_currency
    ]
    remaining: Decimal = batch.worst_case - sum(known)
    return max(remaining, D(0))


@pytest.mark.parametrize("seed", range(4))
def test_holds_of_any_rows(seed: int) -> None:
    chance = random.Random(seed)
    campaign = factory.launched(180, **WITH_SMS)
    prices = [None, D(0), D("0.1"), D("0.3"), D("0.5")]
    for recipient in Recipient.objects.all():
        recipient.send_state = chance.choice(["accepted", "accepted", "queued", "refused"])
        recipient.delivery_state = chance.choice(["", "sent", "fallback", "delivered", "read"])
        recipient.final = chance.random() < 0.4
        recipient.charged, recipient.viber_price = chance.choice(prices), chance.choice(prices)
        recipient.sms_price = chance.choice(prices)
        recipient.sms_status = chance.choice(["", "sent"])
        recipient.currency = chance.choice(["EUR", "USD"])
        recipient.sms_currency = chance.choice(["", "EUR", "USD"])
        recipient.save()
    for batch in Batch.objects.all():
        batch.state = chance.choice(list(BatchState))
        batch.worst_case, batch.held_currency = chance.choice([D("0.4"), D("0.2")]), "EUR"
        batch.held = D(77)
        batch.save()
    wrong = Batch.objects.count()
    assert len(holds.wrong_holds()) == wrong == len([x for x in differences() if "hold" in x])
    has_sms = chance.random() < 0.7
    Campaign.objects.update(sms_text="Hello" if has_sms else "")
    rebuild()
    assert holds.wrong_holds() == []
    for batch in Batch.objects.all():
        own = Recipient.objects.filter(campaign=campaign, batch_number=batch.number)
        total = sum(expected_hold(recipient, batch, has_sms=has_sms) for recipient in own)
        assert (batch.held or D(0)) == total


# gateways that answer unkindly


def test_message_without_a_price_keeps_its_hold(gateway: RunningGateway) -> None:
    gateway.entry = lambda _number: {}
    campaign = launched_in_one_country(300, budget=D(20))
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "budget")
    assert (len(gateway.accepted), spent(), held()) == (100, D(0), D(20))
    gateway.status = lambda _number: {"status": "sent", "price": "0.20", "currency": "EUR"}
    gateway.poll()
    assert (spent(), held()) == (D(20), D(0))
    assert differences() == []


def test_viber_and_its_sms_may_both_be_charged(gateway: RunningGateway) -> None:
    campaign = launched_in_one_country(300, budget=D(40), **WITH_SMS)
    sms = [{"channel": "sms", "status": "delivered", "price": "0.20"}]
    gateway.status = lambda _number: {
        "status": "expired", "price": "0.20", "currency": "EUR", "alt_route": sms
    }  # fmt: skip
    gateway.send()
    assert spent() + held() == D(40)
    assert spent() == D(20)
    gateway.poll()
    assert (spent(), held()) == (D(40), D(0))
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.PAUSED
    assert differences() == []


def test_half_accepted_batch_keeps_the_holds_of_its_accepted_recipients(
    gateway: RunningGateway,
) -> None:
    campaign = launched_in_one_country(50, budget=D(20), **WITH_SMS)
    gateway.entry = lambda number: (
        {"price": "0.20", "currency": "EUR"} if number % 2 else {"error": 8}
    )
    gateway.send()  # no funds for every second one: the batch is sent again later
    batch = Batch.objects.get()
    assert (batch.state, batch.held, spent()) == (BatchState.READY, D(5), D(5))
    assert differences() == []
    claims = leases.claim(campaign.pk, 1, "token", timezone.now() + factory.SOON)
    leases.release_claims([claim.id for claim in claims], "token")
    assert Batch.objects.get().held == D(5)
    leases.claim(campaign.pk, 1, "token", timezone.now() + factory.SOON)
    sweep.release_expired_leases(timezone.now() + timedelta(hours=1))
    assert Batch.objects.get().held == D(5)


@pytest.mark.parametrize(("budget", "fits"), [("20", True), ("19.99", False)])
def test_batch_that_is_sent_again_reserves_what_comes_on_top(
    gateway: RunningGateway, budget: str, fits: bool
) -> None:
    """50 recipients of at most 0.40 each: 20.00, of which half was reserved at the first send."""
    campaign = launched_in_one_country(50, budget=D(20), **WITH_SMS)
    gateway.entry = lambda number: (
        {"price": "0.20", "currency": "EUR"} if number % 2 else {"error": 8}
    )
    gateway.send()
    gateway.entry = lambda _number: {"price": "0.20", "currency": "EUR"}
    Campaign.objects.update(budget=D(budget), state=CampaignState.SENDING, reason="")
    factory.an_hour_later()
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.state == CampaignState.SENDING) is fits
    assert (spent(), held()) == ((D(10), D(10)) if fits else (D(5), D(5)))
    assert differences() == []


def test_batch_of_unknown_outcome_keeps_its_hold_until_it_is_settled(
    gateway: RunningGateway,
) -> None:
    campaign = launched_in_one_country(50, budget=D(100), **WITH_SMS)
    gateway.entry = lambda _number: {"error": 43}
    gateway.send()
    assert (Batch.objects.get().state, held()) == (BatchState.AMBIGUOUS, D(20))
    assert reservations.spending_by_currency(campaign.pk)["EUR"] == (D(0), D(20))
    assert differences() == []


def test_cancelled_recipients_hold_nothing(gateway: RunningGateway) -> None:
    campaign = launched_in_one_country(50, budget=D(100), **WITH_SMS)
    gateway.entry = lambda number: (
        {"price": "0.20", "currency": "EUR"} if number < 10 else {"error": 8}
    )
    gateway.send()
    Campaign.objects.update(state=CampaignState.CANCELLED)
    sweep.cancel_remaining()
    assert campaign.batches.get().held == D(2)  # an SMS may still follow for ten
    assert differences() == []


def test_higher_prices_than_listed_stop_the_rest(gateway: RunningGateway) -> None:
    """What no client can prevent: 100 recipients were under way when the first price came."""
    gateway.entry = lambda _number: {"price": "0.60", "currency": "EUR"}
    campaign = launched_in_one_country(300, budget=D(20))
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "budget")
    assert (spent(), held()) == (D("0.60") * len(gateway.accepted), D(0))
    assert len(gateway.accepted) <= 100
