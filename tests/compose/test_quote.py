from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from campaigns.compose.models import PriceList
from campaigns.compose.pricing.quote import Quoted, quote
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    cache.clear()
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    return sandbox


def test_quote_asks_for_the_first_fifty_and_sends_nothing(gateway: RunningSandbox) -> None:
    campaign = draft(contact_list("A", ukrainians(60)), text="Hi {first_name}")
    found = quote(campaign)
    assert found is not None
    assert (found.people, found.currency, found.failed) == (50, "EUR", False)
    each = {
        price.mnc: price.price
        for price in gateway.client().prices("viber", 0)
        if price.country == "UA"
    }
    assert found.counted == max(each.values()) * 50
    assert found.asked is not None
    assert found.difference == found.asked - max(each.values()) * 50
    assert gateway.bill()["messages"] == 0


def test_quote_of_nobody_is_none(gateway: RunningSandbox) -> None:
    assert quote(draft()) is None


def test_quote_without_a_gateway_says_so(settings: Settings) -> None:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    assert quote(draft(contact_list("A", ukrainians(2)))) == Quoted(2, failed=True)


def test_quote_with_another_currency_counts_nothing(gateway: RunningSandbox) -> None:
    campaign = draft(contact_list("A", ukrainians(2)))
    quote(campaign)
    rows = PriceList.objects.get()
    rows.rows = [{**row, "currency": "USD"} for row in rows.rows]
    rows.save()
    found = quote(campaign)
    assert found is not None
    assert found.counted is None
    assert isinstance(found.asked, Decimal)


def test_review_shows_the_quote_on_demand(client: Client, gateway: RunningSandbox) -> None:
    client.force_login(person())
    address = f"/campaigns/{draft(contact_list('A', ukrainians(2))).pk}/review"
    assert "BSG quotes" not in client.get(address).content.decode()
    assert " for the first 2 recipients." in client.get(f"{address}?quote").content.decode()
