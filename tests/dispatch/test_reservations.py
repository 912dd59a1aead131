"""A budget is not exceeded by prices as listed; raising it sends exactly the rest."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.budgets import holds, reservations
from campaigns.dispatch.models import Batch
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import LedgerEntry
from campaigns.results import campaign_status
from campaigns.results.polling import asker, hints
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _sandbox_prices(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL = sandbox.api_url
    settings.BSG_API_KEY = sandbox.key


def send(sandbox: RunningSandbox) -> None:
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()


def settle(sandbox: RunningSandbox) -> None:
    sandbox.settle()
    for batch in Batch.objects.all():
        batch.done_at = batch.done_at and batch.done_at - timedelta(hours=1)
        batch.check_at = batch.check_at and batch.check_at - timedelta(hours=1)
        batch.save()
    asker.ask(sandbox.client(), 4, timezone.now() + timedelta(seconds=60))


def total(campaign: Campaign) -> Decimal:
    return campaign_status.spend(campaign)["EUR"]["total"]


def test_budget_pauses_before_it_is_exceeded(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(900, budget=Decimal("10"))
    send(sandbox)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "budget")
    assert Decimal("5") < total(campaign) <= Decimal("10")


def test_budget_includes_the_sms_that_may_follow(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(
        900, budget=Decimal("15"), sms_sender="Shop", sms_text="Hello by SMS"
    )
    send(sandbox)
    settle(sandbox)
    assert Decimal("0") < total(campaign) <= Decimal("15")
    assert total(campaign) == Decimal(sandbox.bill()["spend"]["EUR"]["total"])


def test_raised_budget_sends_exactly_the_rest(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(900, budget=Decimal("10"))
    send(sandbox)
    running_changes.change_budget(campaign.pk, None, Decimal("1000"))
    lifecycle.resume(campaign.pk, None)
    send(sandbox)
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (900, 0)
    assert set(Batch.objects.values_list("state", "held")) == {("done", None)}


def test_settled_batches_reserve_nothing(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(
        150, budget=Decimal("1000"), sms_sender="Shop", sms_text="Hello by SMS"
    )
    send(sandbox)
    assert Batch.objects.filter(campaign=campaign, held__gt=0).exists()
    settle(sandbox)
    assert not Batch.objects.filter(held__isnull=False).exists()


def test_cost_of_an_sms_comes_out_of_the_reservation(sandbox: RunningSandbox) -> None:
    campaign = factory.launched(
        150, budget=Decimal("1000"), sms_sender="Shop", sms_text="Hello by SMS"
    )
    send(sandbox)
    charged, reserved = reservations.spending_by_currency(campaign.pk)["EUR"]
    sandbox.settle()
    polled = campaign.recipients.order_by("pk").values_list("reference", flat=True)[10:150:2]
    assert hints.store(list(polled)) == 70
    asker.ask(sandbox.client(), 4, timezone.now() + timedelta(seconds=60))
    assert LedgerEntry.objects.filter(channel="sms").exists()
    spent, remaining = reservations.spending_by_currency(campaign.pk)["EUR"]
    assert spent != charged
    assert spent + remaining < charged + reserved  # who was reached will cost nothing more
    assert Decimal(0) < remaining < reserved
    assert holds.wrong_holds() == []
    settle(sandbox)
    assert reservations.spending_by_currency(campaign.pk)["EUR"] == (
        Decimal(sandbox.bill()["spend"]["EUR"]["total"]),
        Decimal(0),
    )


def test_unknown_price_pauses(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.BSG_API_URL = "http://127.0.0.1:9/rest"
    campaign = factory.launched(60, budget=Decimal("10"))
    send(sandbox)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason) == (CampaignState.PAUSED, "price_unknown")
    assert sandbox.bill()["messages"] == 0
