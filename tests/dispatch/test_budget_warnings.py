"""Budget warnings are mailed once, to those concerned; a user's budget limits all of theirs."""

from decimal import Decimal

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import CampaignState
from campaigns.dispatch.budgets import reservations, warnings
from campaigns.dispatch.budgets.models import BudgetWarning, MonthlyBudget, UserBudget
from campaigns.dispatch.send.sender import BatchSender
from campaigns.team import mail_delivery
from campaigns.team.models import Role, User
from tests.dispatch import factory
from tests.reports.factories import make_campaign, make_user, send
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
PRICE = Decimal("0.10")


@pytest.fixture
def anna() -> User:
    return make_user("anna", Role.ADMINISTRATOR, email="anna@example.com")


@pytest.fixture
def olena() -> User:
    return make_user("olena", email="olena@example.com")


def recorded_steps() -> list[int]:
    """Record warnings and run each mail task twice, as after a crash; return all steps."""
    warnings.record_warnings()
    for pk in BudgetWarning.objects.values_list("pk", flat=True):
        warnings.mail_warning(pk)
        warnings.mail_warning(pk)
    mail_delivery.deliver_due()
    return sorted(BudgetWarning.objects.values_list("percent", flat=True))


def test_each_step_is_mailed_once(anna: User, olena: User) -> None:
    campaign = make_campaign("Autumn", CampaignState.SENDING, launched_by=olena)
    UserBudget.objects.create(user=olena, currency="EUR", amount=Decimal(1))
    send(campaign, {("UA", "read"): 4}, PRICE)
    assert recorded_steps() == []
    send(campaign, {("UA", "read"): 1}, PRICE)
    assert recorded_steps() == [50]
    assert recorded_steps() == [50]
    send(campaign, {("UA", "read"): 5}, PRICE)
    assert recorded_steps() == [50, 80, 100]  # 80 is recorded, but not mailed
    assert [(sorted(message.to), message.subject) for message in mail.outbox] == [
        ([f"{name}@example.com"], f"ViberDash: {step}% of a budget used")
        for step in (50, 100)
        for name in ("anna", "olena")
    ]
    assert "olena: 0.50 of 1.00 EUR spent or reserved." in mail.outbox[0].body


def test_warnings_for_the_month_and_for_a_campaign(anna: User, olena: User) -> None:
    campaign = make_campaign("Autumn", CampaignState.SENDING, launched_by=olena, budget=Decimal(2))
    MonthlyBudget.objects.create(currency="EUR", amount=Decimal(3))
    send(campaign, {("UA", "read"): 17}, PRICE)
    assert recorded_steps() == [50, 50, 80]
    assert [sorted(message.to) for message in mail.outbox] == [
        ["anna@example.com"],
        ["olena@example.com"],
        ["anna@example.com"],  # a monthly budget concerns administrators
    ]


def test_users_budget_is_not_exceeded(
    sandbox: RunningSandbox, settings: Settings, olena: User
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    limit = UserBudget.objects.create(user=olena, currency="EUR", amount=Decimal(10))
    campaign = factory.launched(900, launched_by=olena)
    other = factory.launched(100)
    type(campaign).objects.filter(pk=campaign.pk).update(launched_by=olena)
    BatchSender(sandbox.client(), 4, timezone.now() + factory.SOON).run()
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "user_budget")
    spent = sum(
        spent + reserved
        for spent, reserved in reservations.spending_by_currency(campaign.pk).values()
    )
    assert Decimal(5) < spent <= Decimal(10)
    assert reservations.remaining_of_user(limit) == 10 - spent
    assert (
        reservations.spending_by_currency(other.pk)["EUR"][0] > 1
    )  # campaigns of others are not limited


def test_administrators_set_and_remove_a_users_budget(
    client: Client, anna: User, olena: User
) -> None:
    client.force_login(anna)
    posted = {"user": olena.pk, "currency": "EUR", "amount": "250.50"}
    assert client.post("/settings/budgets/", posted).status_code == 302
    assert client.post("/settings/budgets/", {**posted, "amount": "300"}).status_code == 302
    [budget] = UserBudget.objects.all()
    assert (budget.user, budget.currency, budget.amount) == (olena, "EUR", Decimal(300))
    assert "olena · EUR" in client.get("/settings/budgets/").content.decode()
    client.force_login(olena)
    assert client.post("/settings/budgets/", posted).status_code == 403
    assert client.post(f"/settings/budgets/person/{budget.pk}/delete").status_code == 403
    client.force_login(anna)
    client.post(f"/settings/budgets/person/{budget.pk}/delete")
    assert not UserBudget.objects.exists()
