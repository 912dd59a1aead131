"""A campaign that a budget paused goes on by itself when what did not fit fits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Contact
from campaigns.dispatch import sweep
from campaigns.dispatch.budgets import reservations
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import LedgerTotal
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker
from campaigns.team.models import AuditEntry
from tests.dispatch import factory
from tests.dispatch.priced_gateway import KEY, RunningGateway, priced_gateway
from tests.reports.factories import make_user
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
D = Decimal
WITH_SMS: dict[str, Any] = {"sms_sender": "Shop", "sms_text": "Hello by SMS"}
DELIVERED = {"status": "delivered", "price": "0.20", "currency": "EUR"}


@pytest.fixture
def gateway(settings: Settings) -> Iterator[RunningGateway]:
    with priced_gateway() as running:
        settings.BSG_API_URL, settings.BSG_API_KEY = running.api_url, KEY
        yield running


def launched(people: int, start: int = 0, **changes: Any) -> Campaign:
    contacts = factory.contact_list(f"List from {start}", people, start)
    Contact.objects.update(country="UA")
    return factory.launched_to(contacts, **changes)


def state_and_reason(campaign: Campaign) -> tuple[str, str]:
    campaign.refresh_from_db()
    return campaign.state, campaign.reason


def spent() -> Decimal:
    return LedgerTotal.objects.aggregate(sum=Sum("amount"))["sum"] or D(0)


def resumptions() -> int:
    return AuditEntry.objects.filter(action="resumed by itself", actor=None).count()


def test_hundred_recipients_are_all_sent_to_with_a_small_budget(gateway: RunningGateway) -> None:
    """102 recipients cost 20.40 by Viber; with an SMS for each of them it would be twice that."""
    campaign = launched(102, budget=D(31), **WITH_SMS)
    gateway.status = lambda number: {"status": "sent"} if number == 0 else DELIVERED
    gateway.send()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    assert len(gateway.accepted) == 50
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")  # there is no room yet
    for _turn in range(3):
        gateway.poll()
        sweep.sweep()
        gateway.send()
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.FINISHED, "")
    assert (len(gateway.accepted), spent()) == (102, D("20.40"))
    assert differences() == []


@pytest.mark.parametrize(
    ("budget", "sent", "state"),
    [("6.01", 102, CampaignState.FINISHED), ("5.00", 68, CampaignState.PAUSED)],
)
def test_what_answers_release_is_used_without_a_user(
    sandbox: RunningSandbox, settings: Settings, budget: str, sent: int, state: CampaignState
) -> None:
    """102 recipients in three countries, who cost about half of their worst case."""
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    campaign = factory.launched(102, budget=D(budget), **WITH_SMS)
    client = sandbox.client()
    for _turn in range(4):
        BatchSender(client, 1, timezone.now() + factory.SOON).run()
        campaign.refresh_from_db()
        reserved = Batch.objects.aggregate(sum=Sum("held"))["sum"] or D(0)
        assert spent() + reserved <= D(budget)
        sandbox.settle()
        factory.an_hour_later()
        asker.ask(client, 4, timezone.now() + factory.SOON)
        sweep.sweep()
    assert (state_and_reason(campaign)[0], sandbox.bill()["messages"]) == (state, sent)
    assert spent() == D(sandbox.bill()["spend"]["EUR"]["total"]) <= D(budget)
    if state == CampaignState.PAUSED:  # the last batch could still cost too much
        campaign.refresh_from_db()
        assert campaign.awaited_amount is not None
        assert spent() + campaign.awaited_amount > D(budget)
    assert differences() == []


def test_it_resumes_once_and_only_for_what_did_not_fit(gateway: RunningGateway) -> None:
    campaign = launched(150, budget=D("29.99"), **WITH_SMS)
    gateway.send()
    campaign.refresh_from_db()
    assert (campaign.awaited_amount, campaign.awaited_currency) == (D(20), "EUR")
    # 10.00 spent and 10.00 reserved; 20.00 fit when all but a cent is released
    gateway.status = lambda _number: DELIVERED
    gateway.poll()
    for _turn in range(3):
        sweep.sweep()
        assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    Campaign.objects.update(budget=D(30))
    for _turn in range(3):
        sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")
    assert resumptions() == 1
    gateway.send()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    for _turn in range(3):
        sweep.sweep()
        gateway.send()
    assert (resumptions(), len(gateway.accepted)) == (1, 100)


@pytest.mark.parametrize("reason", ["month_budget", "user_budget"])
def test_it_resumes_when_the_budget_of_a_month_is_raised(
    gateway: RunningGateway, reason: str
) -> None:
    olena = make_user()
    if reason == "month_budget":
        budget: MonthlyBudget | UserBudget = MonthlyBudget(currency="EUR", amount=D(10))
    else:
        budget = UserBudget(user=olena, currency="EUR", amount=D(10))
    budget.save()
    campaign = launched(150)
    Campaign.objects.update(launched_by=olena)
    gateway.send()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, reason)
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, reason)
    budget.amount = D("19.99")
    budget.save()
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, reason)
    budget.amount = D(30)
    budget.save()
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")
    gateway.send()
    assert len(gateway.accepted) == 150


def test_it_resumes_when_the_next_month_begins(gateway: RunningGateway) -> None:
    MonthlyBudget.objects.create(currency="EUR", amount=D(10))
    with time_machine.travel(datetime(2026, 1, 31, 12, tzinfo=UTC)) as traveller:
        campaign = launched(100)
        gateway.send()
        sweep.sweep()
        assert state_and_reason(campaign) == (CampaignState.PAUSED, "month_budget")
        traveller.move_to(datetime(2026, 2, 1, 0, 0, 1, tzinfo=UTC))
        sweep.sweep()
        assert state_and_reason(campaign) == (CampaignState.SENDING, "")


def test_campaigns_share_the_room_of_a_month(gateway: RunningGateway) -> None:
    MonthlyBudget.objects.create(currency="EUR", amount=D(5))
    first, second = launched(50), launched(50, start=50)
    for campaign in (first, second):
        Campaign.objects.exclude(pk=campaign.pk).update(state=CampaignState.SCHEDULED)
        Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.SENDING)
        gateway.send()
    Campaign.objects.update(state=CampaignState.PAUSED, reason="month_budget")
    MonthlyBudget.objects.update(amount=D(15))
    assert reservations.resume_where_it_fits() == 1
    assert state_and_reason(first) == (CampaignState.SENDING, "")
    assert state_and_reason(second) == (CampaignState.PAUSED, "month_budget")


@pytest.mark.parametrize("reason", ["by_person", "error_8", "price_unknown", "budget_currency"])
def test_what_was_paused_for_another_reason_never_resumes(
    gateway: RunningGateway, reason: str
) -> None:
    campaign = launched(150, budget=D(10))
    gateway.send()
    running_changes.change_budget(campaign.pk, None, D(1000))
    lifecycle.resume(campaign.pk, None)
    lifecycle.pause(campaign.pk, None, reason)
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, reason)
    assert resumptions() == 0


def test_what_the_version_before_paused_waits_for_a_user(gateway: RunningGateway) -> None:
    campaign = launched(150, budget=D(10))
    gateway.send()
    Campaign.objects.update(awaited_amount=None, awaited_currency="", budget=D(1000))
    sweep.sweep()
    assert state_and_reason(campaign) == (CampaignState.PAUSED, "budget")
    assert reservations.change_budget(campaign.pk, None, D(1000))
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")


def test_budget_that_is_raised_too_little_keeps_it_paused(gateway: RunningGateway) -> None:
    campaign = launched(150, budget=D(10))
    gateway.send()
    assert Batch.objects.filter(state="done").count() == 1
    assert not reservations.change_budget(campaign.pk, None, D("19.99"))
    assert reservations.change_budget(campaign.pk, None, D(20))
    assert state_and_reason(campaign) == (CampaignState.SENDING, "")
