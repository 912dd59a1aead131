"""Money from the totals: exact, per currency, the unknown counted."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.models import CampaignState
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal, Purpose
from campaigns.reports.shared.bills import (
    Bill,
    load_bills,
    load_campaign_bills,
    load_country_bills,
    totals_for,
)
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db


def test_campaign_bills_are_exact_and_equal_the_entries() -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 3, ("UA", "sms"): 2, ("PL", "not_delivered"): 1})
    bill = load_campaign_bills([campaign.pk])[campaign.pk]
    [cost] = bill.costs
    assert (cost.currency, cost.viber, cost.sms) == (
        "EUR",
        Decimal("0.0703701"),
        Decimal("0.0820010"),
    )
    assert (
        cost.total
        == Decimal("0.1523711")
        == sum(entry.amount for entry in LedgerEntry.objects.all())
    )
    assert (cost.charged, cost.adjustment) == (Decimal("0.1407402"), Decimal("-0.0703701"))
    assert (bill.entries, bill.not_yet_known) == (11, 0)


def test_campaign_bills_keep_currencies_apart() -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 1}, Decimal("0.2"), "USD")
    send(campaign, {("PL", "read"): 1}, Decimal("0.3"), "EUR")
    assert [
        (cost.currency, cost.total)
        for cost in load_campaign_bills([campaign.pk])[campaign.pk].costs
    ] == [
        ("EUR", Decimal("0.3")),
        ("USD", Decimal("0.2")),
    ]


def test_campaign_bills_of_one_without_entries_is_empty() -> None:
    campaign = make_campaign()
    assert load_campaign_bills([campaign.pk]) == {campaign.pk: Bill()}


def test_unknown_prices_are_counted_until_they_are_settled() -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "unpriced"): 3, ("UA", "read"): 1})
    assert load_campaign_bills([campaign.pk])[campaign.pk].not_yet_known == 3
    person = campaign.recipients.filter(charged__isnull=True).first()
    assert person is not None
    prices = [(person.pk, Decimal("0.5"))]
    late = Movement(Kind.ADJUSTMENT, Channel.VIBER, campaign.pk, "UA", "EUR", prices, settles=True)
    write_entries([late], timezone.now() + timedelta(days=1))
    bill = load_campaign_bills([campaign.pk])[campaign.pk]
    assert (bill.not_yet_known, bill.costs[0].viber) == (2, Decimal("0.5234567"))
    tomorrow = LedgerTotal.objects.filter(day=timezone.localdate() + timedelta(days=1))
    assert load_bills(tomorrow)[()].not_yet_known == 0  # it settled one, which is not "minus one"


def test_country_bills() -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    send(campaign, {("UA", "read"): 2, ("", "read"): 1}, Decimal("0.1"))
    assert {
        country: bill.costs[0].total for country, bill in load_country_bills(campaign.pk).items()
    } == {
        "UA": Decimal("0.2"),
        "": Decimal("0.1"),
    }


def test_spent_never_mixes_purposes() -> None:
    campaign = make_campaign(state=CampaignState.FINISHED)
    movement = Movement(
        Kind.CHARGE, Channel.VIBER, campaign.pk, "UA", "EUR", [(None, Decimal(9))], Purpose.TEST
    )
    write_entries([movement], timezone.now())
    send(campaign, {("UA", "read"): 1}, Decimal("1"))
    assert load_bills(totals_for())[()].costs[0].total == Decimal(1)
    assert load_bills(totals_for(Purpose.TEST))[()].costs[0].total == Decimal(9)
