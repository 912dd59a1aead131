"""Estimated against actual cost: the figures of campaigns launched in a period."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.models import CampaignState, PriceList
from campaigns.reports.shared.periods import Period
from campaigns.reports.spend.cost_per_result import CostPerResult, load_costs_per_result
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
MARCH = Period("custom", date(2026, 3, 1), date(2026, 3, 31))
LAST_MOMENT = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)


def read(**filters: str) -> CostPerResult:
    [result] = load_costs_per_result(MARCH, filters)
    return result


def test_read_yield() -> None:
    rows = [
        {
            "country": "",
            "country_name": "",
            "mcc": "",
            "mnc": "",
            "price": "0.05",
            "currency": "EUR",
        }
    ]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    people = {
        ("UA", "read"): 4,
        ("UA", "delivered"): 3,
        ("PL", "sms_delivered"): 2,
        ("PL", "not_delivered"): 1,
    }
    spring = make_campaign("Spring", CampaignState.FINISHED, launched_at=LAST_MOMENT)
    send(spring, people, Decimal("0.04"))  # today: its later adjustments count too
    later = make_campaign(
        "Later", CampaignState.FINISHED, launched_at=datetime(2026, 4, 1, tzinfo=UTC)
    )
    send(later, people)
    result = read()
    assert (
        result.campaigns,
        result.counts.accepted,
        result.counts.reached,
        result.counts.read,
    ) == (
        1,
        10,
        9,
        4,
    )
    assert result.cost
    assert (result.estimate, result.cost.charged, result.charge_difference) == (
        Decimal("0.50"),
        Decimal("0.40"),
        Decimal("-0.10"),
    )
    assert (result.cost.adjustment, result.cost.sms) == (Decimal("-0.12"), Decimal("0.0820010"))
    assert result.cost.total == Decimal("0.3620010")
    assert (result.per_delivered, result.per_read, result.per_sms) == tuple(
        map(Decimal, ("0.0402", "0.0905", "0.0410"))
    )
    assert read(country="PL").counts.accepted == 3
    assert load_costs_per_result(MARCH, {"sender": "999"}) == []


def test_each_currency_has_its_own_where_no_tariff_has_two() -> None:
    for tariff, currency, people in ((0, "EUR", 4), (2, "USD", 1), (1, "EUR", 3)):
        made = make_campaign(
            f"{tariff}", CampaignState.FINISHED, launched_at=LAST_MOMENT, tariff=tariff
        )
        send(
            made,
            {("UA", "read"): people, ("UA", "sms_delivered"): 1},
            Decimal("0.04"),
            currency=currency,
        )
    euro, dollar = load_costs_per_result(MARCH, {})
    assert (euro.campaigns, euro.counts.read, euro.cost and euro.cost.viber) == (
        2,
        7,
        Decimal("0.28"),
    )
    assert (dollar.campaigns, dollar.counts.read, dollar.cost and dollar.cost.viber) == (
        1,
        1,
        Decimal("0.04"),
    )
    assert (euro.per_read, dollar.per_read) == (Decimal("0.0517"), Decimal("0.0810"))


def test_a_tariff_of_several_currencies_has_no_cost_of_each() -> None:
    for currency in ("EUR", "USD"):
        made = make_campaign(currency, CampaignState.FINISHED, launched_at=LAST_MOMENT)
        send(made, {("UA", "read"): 1}, currency=currency)
    result = read()
    assert [cost.currency for cost in result.bill.costs] == ["EUR", "USD"]
    assert (result.cost, result.per_delivered, result.estimate) == (None, None, None)
