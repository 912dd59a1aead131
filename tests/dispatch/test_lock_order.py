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
from campaigns.dispatch.send.interpret_answer import Interpretation, NextStep
from campaigns.dispatch.send.record_outcomes import BatchOutcome
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
    """One campaign pauses in the round in which batches of another are to leave."""
    paused, other = (
        factory.launched_to(factory.contact_list(f"From {start}", 300, start))
        for start in (0, 5000)
    )
    sender = BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60))
    sender.prepared = sender._build_batches(sender._plan_round([], True).new_claims)
    plan = sender._plan_round([], True)
    sender.prepared = plan.waiting + sender._build_batches(plan.new_claims)
    answered = next(batch for batch in plan.to_send if batch.claim.campaign_id == paused.pk)
    interpretation = Interpretation(next_step=NextStep.AGAIN, pause_reason="error_8")
    outcome = BatchOutcome(answered.claim, {}, interpretation, timezone.now())
    with CaptureQueriesContext(connection) as queries:
        leaving = sender._plan_round([outcome], True).to_send
    assert {batch.claim.campaign_id for batch in leaving} == {other.pk}
    [order] = locks(queries)
    assert order == sorted(order)
    assert set(order) == {BUDGETS, CAMPAIGN}
    states = {campaign.pk: campaign.state for campaign in Campaign.objects.all()}
    assert states == {paused.pk: CampaignState.PAUSED, other.pk: CampaignState.SENDING}


def test_budget_is_changed_after_the_others_are_locked(budget: MonthlyBudget) -> None:
    campaign = factory.launched(50)
    with CaptureQueriesContext(connection) as queries:
        reservations.change_budget(campaign.pk, None, Decimal(5))
    [order] = locks(queries)
    assert order[0] == BUDGETS
    assert order == sorted(order)
