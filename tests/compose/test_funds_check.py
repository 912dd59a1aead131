from decimal import Decimal

import pytest
from django.core.cache import cache
from pytest_django import Settings

from campaigns.compose.launch.funds_check import money_warnings
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import CostRange, Estimate
from campaigns.gateway.balance import load_balance
from tests.sandbox_fixture import RunningSandbox


@pytest.fixture(autouse=True)
def nobody_answers(settings: Settings) -> None:
    cache.clear()
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"


def text(budget: str | None, **totals: str) -> list[str]:
    sums = {
        currency: CostRange(Decimal("0.01"), Decimal(most)) for currency, most in totals.items()
    }
    campaign = Campaign(budget=Decimal(budget) if budget else None)
    return [str(warning.message) for warning in money_warnings(campaign, Estimate(totals=sums))]


def test_budget_below_the_highest_cost_is_warned_of() -> None:
    assert text("10", EUR="10") == []
    assert text("10", EUR="10.5") == [
        "It may cost up to 10.50 EUR. Sending pauses at the budget of 10.00 EUR."
    ]


def test_a_budget_has_no_currency_so_two_of_them_are_not_compared() -> None:
    assert text("1", EUR="10", USD="10") == []


def test_balance_below_the_highest_cost_is_warned_of(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    sandbox.fund("5")
    held = sandbox.client().balance()
    enough = held.amount + held.limit
    assert text(None, EUR=str(enough)) == []
    assert len(text(None, EUR=str(enough + 1))) == 1
    assert text(None, USD=str(enough + 1)) == []


def test_without_a_gateway_the_balance_is_not_known() -> None:
    assert load_balance().balance is None
    assert text(None, EUR="1000000") == []
