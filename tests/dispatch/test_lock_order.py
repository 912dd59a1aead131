"""Whoever needs budgets and a campaign locks the budgets first: nobody waits in a circle."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget
from campaigns.dispatch.send.sender import BatchSender
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
MONTHS, CAMPAIGNS = MonthlyBudget._meta.db_table, Campaign._meta.db_table
BUDGETS, CAMPAIGN = "budget", "campaign"


@pytest.fixture
def budget(sandbox: RunningSandbox, settings: Settings) -> MonthlyBudget:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    return MonthlyBudget.objects.create(currency="EUR", amount=Decimal(100))


def locks(queries: CaptureQueriesContext) -> Iterator[list[str]]:
    """What each outermost transaction locked, in its order."""
    depth, order = 0, list[str]()
    for statement in (query["sql"] for query in queries):
        if statement.startswith("SAVEPOINT"):
            depth += 1
        elif statement.startswith("RELEASE SAVEPOINT"):
            depth -= 1
            if not depth:
                yield order
                order = []
        elif statement.startswith("SELECT") and f'FROM "{MONTHS}"' in statement:
            order.append(BUDGETS)
        elif statement.startswith(f'UPDATE "{CAMPAIGNS}"'):
            order.append(CAMPAIGN)


def test_sender_pauses_after_it_reserved(sandbox: RunningSandbox, budget: MonthlyBudget) -> None:
    """Requests of two campaigns; the account has no money left, so both pause while they send."""
    for start in (0, 5000):
        factory.launched_to(factory.contact_list(f"From {start}", 1000, start))
    sandbox.faults(error8_after=0)
    with CaptureQueriesContext(connection) as queries:
        BatchSender(sandbox.client(), 2, timezone.now() + timedelta(seconds=60)).run()
    assert set(Campaign.objects.values_list("state", flat=True)) == {CampaignState.PAUSED}
    rounds = list(locks(queries))
    assert [BUDGETS, CAMPAIGN] in [order[-2:] for order in rounds]
    assert [order for order in rounds if order != sorted(order)] == []


def test_budget_is_changed_after_the_others_are_locked(budget: MonthlyBudget) -> None:
    campaign = factory.launched(50)
    with CaptureQueriesContext(connection) as queries:
        reservations.change_budget(campaign.pk, None, Decimal(5))
    [order] = locks(queries)
    assert order[0] == BUDGETS
    assert order == sorted(order)
