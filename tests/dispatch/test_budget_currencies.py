"""A budget has one currency: what costs another is never added to it, and pauses the campaign."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle, pause_reasons, running_changes
from campaigns.compose.models import Campaign, CampaignState, PriceList
from campaigns.compose.pricing import price_list
from campaigns.contacts.models import Contact
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.budgets.warnings import campaign_usages
from campaigns.ledger.sums import spend_of
from campaigns.team.models import AuditEntry
from tests.dispatch import factory
from tests.dispatch.priced_gateway import KEY, RunningGateway, priced_gateway
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
D = Decimal
IN_USD = {"price": "0.20", "currency": "USD"}


@pytest.fixture
def gateway(settings: Settings) -> Iterator[RunningGateway]:
    with priced_gateway() as running:
        settings.BSG_API_URL, settings.BSG_API_KEY = running.api_url, KEY
        yield running


def launched(people: int = 300, **changes: Any) -> Campaign:
    contacts = factory.contact_list(f"List of {people}", people)
    Contact.objects.update(country="UA")
    return factory.launched_to(contacts, **changes)


def prices(channel: str = "viber", **by_country: str) -> None:
    """Store a price list of 0.20 for each country, in its currency."""
    rows = [
        {"country": country, "country_name": country, "mcc": "", "mnc": "0", "price": "0.20"}
        | {"currency": currency}
        for country, currency in by_country.items()
    ]
    PriceList.objects.update_or_create(
        channel=channel, tariff=0, defaults={"rows": rows, "fetched_at": timezone.now()}
    )


def paused_for_currency(campaign: Campaign) -> str:
    """The text of the pause, after checking that the campaign is paused for its currency."""
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "budget_currency")
    return pause_reasons.reason_text(campaign)


@pytest.mark.parametrize(
    ("viber", "sms", "sms_text", "currency"),
    [
        ({"UA": "EUR", "PL": "EUR"}, {"UA": "USD"}, "", "EUR"),
        ({"UA": "EUR"}, {"UA": "EUR"}, "Hello", "EUR"),
        ({"UA": "EUR"}, {"UA": "USD"}, "Hello", ""),
        ({"UA": "EUR", "PL": "USD"}, {}, "", ""),
        ({}, {}, "", ""),
    ],
)
def test_currency_of_a_price_list(
    viber: dict[str, str], sms: dict[str, str], sms_text: str, currency: str
) -> None:
    prices("viber", **viber)
    prices("sms", **sms)
    assert price_list.single_currency(0, with_sms=bool(sms_text)) == currency
    changes = {"sms_sender": "Shop", "sms_text": sms_text} if sms_text else {}
    assert factory.launched(1, budget=D(10), **changes).budget_currency == currency


def test_budget_set_after_the_launch_has_the_currency_of_the_prices() -> None:
    prices(UA="USD")
    campaign = factory.launched(1)
    assert campaign.budget_currency == ""
    running_changes.change_budget(campaign.pk, None, D(10))
    campaign.refresh_from_db()
    assert (campaign.budget, campaign.budget_currency) == (D(10), "USD")
    assert AuditEntry.objects.get(action="budget").detail == "10.00 USD"
    running_changes.change_budget(campaign.pk, None, None)
    campaign.refresh_from_db()
    assert (campaign.budget, campaign.budget_currency) == (None, "")


def test_first_batch_decides_where_the_launch_could_not(gateway: RunningGateway) -> None:
    campaign = launched(10, budget=D(10))
    assert campaign.budget_currency == ""  # no price list was stored yet
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.budget_currency, len(gateway.accepted)) == ("EUR", 10)


def test_country_with_prices_in_another_currency_pauses_before_it_is_sent_to(
    gateway: RunningGateway,
) -> None:
    prices(UA="EUR", RO="USD", BG="EUR")
    campaign = factory.launched(120, budget=D(100))  # 40 in each country
    Campaign.objects.update(budget_currency="EUR")
    gateway.send()
    paused_for_currency(campaign)
    assert not campaign.recipients.exclude(send_state="queued").filter(country="RO").exists()


def test_price_in_another_currency_pauses_at_the_send(gateway: RunningGateway) -> None:
    gateway.entry = lambda _number: IN_USD
    campaign = launched(300, budget=D(20))
    gateway.send(connections=1)
    text = paused_for_currency(campaign)
    assert "Reserved in EUR, charged in USD." in text
    # what was under way when the first price came was reserved in the budget
    assert spend_of(campaign.pk)["USD"]["viber"] <= D(20)


def test_price_in_another_currency_pauses_when_it_comes_later(gateway: RunningGateway) -> None:
    gateway.entry = lambda _number: {}
    campaign = launched(300, budget=D(100), rate=50)
    lifecycle.pause(campaign.pk, None)
    lifecycle.resume(campaign.pk, None)
    batch = campaign.batches.get(number=1)
    gateway.send()
    Campaign.objects.update(state=CampaignState.SENDING)
    gateway.status = lambda _number: IN_USD | {"status": "sent"}
    gateway.poll()
    assert "Reserved in EUR, charged in USD." in paused_for_currency(campaign)
    batch.refresh_from_db()
    assert batch.held is None  # all its prices are known, and no SMS can follow


def test_prices_in_any_currency_pause_nothing_without_a_budget(gateway: RunningGateway) -> None:
    gateway.entry = lambda number: IN_USD if number % 2 else {"price": "0.20", "currency": "EUR"}
    campaign = launched(100)
    gateway.send()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.SENDING
    assert spend_of(campaign.pk) == {"EUR": {"viber": D(10)}, "USD": {"viber": D(10)}}


def test_monthly_budget_pauses_for_another_currency_too(gateway: RunningGateway) -> None:
    MonthlyBudget.objects.create(currency="EUR", amount=D(100))
    gateway.entry = lambda _number: IN_USD
    campaign = launched(300)
    gateway.send()
    paused_for_currency(campaign)
    MonthlyBudget.objects.all().delete()
    lifecycle.resume(campaign.pk, None)
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.state, len(gateway.accepted)) == (CampaignState.SENDING, 300)


def test_usage_counts_only_the_currency_of_the_budget(gateway: RunningGateway) -> None:
    gateway.entry = lambda number: IN_USD if number % 2 else {"price": "0.20", "currency": "EUR"}
    campaign = launched(10, budget=D(4))
    assert campaign_usages(campaign) == []
    gateway.send()
    campaign.refresh_from_db()
    [usage] = campaign_usages(campaign)
    assert (usage.used, usage.currency, usage.percent) == (D(1), "EUR", 25)
    assert reservations.spending_by_currency(campaign.pk)["USD"].spent == D(1)


def test_pages_name_the_currency_of_a_budget(client: Client) -> None:
    client.force_login(make_user())
    prices(UA="USD")
    campaign = factory.launched(1, budget=D(10))
    assert "Budget in USD" in client.get(f"/campaigns/{campaign.pk}/budget").content.decode()
    page = client.get(f"/campaigns/{campaign.pk}/?tab=message").content.decode()
    assert '10.00&nbsp;<span class="currency">USD' in page
    draft = factory.draft(*campaign.lists.all(), budget=D(7))
    page = client.get(f"/campaigns/{draft.pk}/review").content.decode()
    assert '7.00&nbsp;<span class="currency">USD' in page
