"""The gateway's quote for a sample, beside our estimate."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from campaigns.compose.models import PriceList
from campaigns.compose.pricing.quote import SampleQuote, quote_sample
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def gateway(settings: Settings, sandbox: RunningSandbox) -> RunningSandbox:
    cache.clear()
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    return sandbox


def test_a_quote_covers_the_first_fifty_and_sends_nothing(gateway: RunningSandbox) -> None:
    campaign = draft(contact_list("A", ukrainians(60)), text="Hi {first_name}")
    sample = quote_sample(campaign)
    assert sample is not None
    assert (sample.recipients, sample.currency, sample.failed) == (50, "EUR", False)
    each = {
        price.mnc: price.price
        for price in gateway.client().prices("viber", 0)
        if price.country == "UA"
    }
    assert sample.estimated == max(each.values()) * 50
    assert sample.total is not None
    assert sample.difference == sample.total - max(each.values()) * 50
    assert gateway.bill()["messages"] == 0


def test_recipients_without_a_value_are_in_neither_sum(gateway: RunningSandbox) -> None:
    people = ukrainians(2)
    people += [(msisdn, country, {}) for msisdn, country, _fields in ukrainians(3, start=10)]
    campaign = draft(contact_list("A", people), text="Hi {first_name}")
    whole = quote_sample(draft(contact_list("B", ukrainians(2)), text="Hi {first_name}"))
    assert quote_sample(campaign) == whole


def test_sample_is_of_the_list_made_first(gateway: RunningSandbox) -> None:
    first = contact_list("Z", ukrainians(50))
    campaign = draft(first, contact_list("A", ukrainians(50, start=50)))
    quote_sample(campaign)
    asked = "".join(str(call["body"]) for call in gateway.requests())
    assert "380970000000" in asked
    assert "380970000050" not in asked


def test_an_empty_audience_has_no_quote(gateway: RunningSandbox) -> None:
    assert quote_sample(draft()) is None


def test_a_quote_without_a_gateway_has_failed(settings: Settings) -> None:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    assert quote_sample(draft(contact_list("A", ukrainians(2)))) == SampleQuote(2, failed=True)


def test_a_quote_in_another_currency_has_no_estimate(gateway: RunningSandbox) -> None:
    campaign = draft(contact_list("A", ukrainians(2)))
    quote_sample(campaign)
    rows = PriceList.objects.get()
    rows.rows = [{**row, "currency": "USD"} for row in rows.rows]
    rows.save()
    sample = quote_sample(campaign)
    assert sample is not None
    assert sample.estimated is None
    assert isinstance(sample.total, Decimal)


def test_review_shows_the_quote_on_request(client: Client, gateway: RunningSandbox) -> None:
    client.force_login(person())
    address = f"/campaigns/{draft(contact_list('A', ukrainians(2))).pk}/review"
    assert "BSG quotes" not in client.get(address).content.decode()
    assert " for the first 2 recipients." in client.get(f"{address}?quote").content.decode()
