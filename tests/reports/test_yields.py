"""From the estimate to the bill: the figures of campaigns launched in a period."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from campaigns.compose.models import CampaignState, PriceList
from campaigns.reports.periods import Period
from campaigns.reports.yields import Yield, read_yield
from tests.reports.factories import make_campaign, send

pytestmark = pytest.mark.django_db
MARCH = Period("custom", date(2026, 3, 1), date(2026, 3, 31))
LAST_MOMENT = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)


def read(**filters: str) -> Yield:
    return read_yield(MARCH, filters)


def test_read_yield() -> None:
    rows = [{"country": "", "country_name": "", "mcc": "", "mnc": "", "price": "0.05", "currency": "EUR"}]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    people = {("UA", "read"): 4, ("UA", "delivered"): 3, ("PL", "sms_delivered"): 2, ("PL", "not_delivered"): 1}
    spring = make_campaign("Spring", CampaignState.FINISHED, launched_at=LAST_MOMENT)
    send(spring, people, Decimal("0.04"))  # today: its later adjustments count too
    later = make_campaign("Later", CampaignState.FINISHED, launched_at=datetime(2026, 4, 1, tzinfo=UTC))
    send(later, people)
    found = read()
    assert (found.campaigns, found.outcome.accepted, found.outcome.reached, found.outcome.read) == (1, 10, 9, 4)
    assert found.cost
    assert (found.estimate, found.cost.at_send, found.send_differs) == (
        Decimal("0.50"),
        Decimal("0.40"),
        Decimal("-0.10"),
    )
    assert (found.cost.since, found.cost.sms) == (Decimal("-0.12"), Decimal("0.0820010"))
    assert found.cost.total == Decimal("0.3620010")
    assert (found.per_delivered, found.per_read, found.per_sms) == tuple(map(Decimal, ("0.0402", "0.0905", "0.0410")))
    assert read(country="PL").outcome.accepted == 3
    assert read(sender="999").campaigns == 0


def test_read_yield_of_several_currencies_has_no_cost_of_each() -> None:
    for currency in ("EUR", "USD"):
        made = make_campaign(currency, CampaignState.FINISHED, launched_at=LAST_MOMENT)
        send(made, {("UA", "read"): 1}, currency=currency)
    found = read()
    assert [cost.currency for cost in found.costs] == ["EUR", "USD"]
    assert (found.cost, found.per_delivered, found.estimate) == (None, None, None)
