"""With a test key no campaign can be launched; test sends and rehearsals can."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Sum
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.editor.rehearsal import rehearse
from campaigns.compose.editor.test_send import send_test
from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import LedgerEntry, Purpose
from campaigns.results.money.rebuilding import differences
from campaigns.results.polling import asker
from campaigns.team import accounts
from campaigns.team.models import Role
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.markup import squeezed
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
KEY = "test_key_0001"
REFUSAL = "A test key sends nothing"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def key_of_tests(settings: Settings) -> None:
    settings.BSG_API_KEY = KEY


@pytest.fixture
def campaign() -> Campaign:
    return draft(contact_list("A", ukrainians(3)))


def test_campaign_is_not_launched(campaign: Campaign) -> None:
    with pytest.raises(lifecycle.Refused, match=REFUSAL):
        lifecycle.launch(campaign.pk, None)
    with pytest.raises(CommandError, match=REFUSAL):
        call_command("campaign", "launch", str(campaign.pk))
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_review_says_so_instead_of_offering_the_launch(client: Client, campaign: Campaign) -> None:
    accounts.cache_state(accounts.load())
    client.force_login(person())
    page = squeezed(client.get(f"/campaigns/{campaign.pk}/review").content.decode())
    assert REFUSAL in page
    assert "Send now" not in page
    answer = client.post(
        f"/campaigns/{campaign.pk}/launch", {"recipients": 3, "cost": ""}, follow=True
    )
    assert answer.status_code in (200, 422)
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.DRAFT


def test_campaign_is_neither_approved_nor_resumed(campaign: Campaign) -> None:
    Campaign.objects.update(state=CampaignState.AWAITING_APPROVAL)
    with pytest.raises(lifecycle.Refused, match=REFUSAL):
        lifecycle.approve(campaign.pk, person(Role.APPROVER), "")
    Campaign.objects.update(state=CampaignState.PAUSED)
    with pytest.raises(lifecycle.Refused, match=REFUSAL):
        lifecycle.resume(campaign.pk, None)


def test_rehearsal_needs_no_live_key(campaign: Campaign) -> None:
    rehearse(campaign, None)
    assert Campaign.objects.get(purpose=Purpose.REHEARSAL).state == CampaignState.PREPARING


def test_test_send_costs_nothing_and_says_so(
    client: Client, settings: Settings, sandbox: RunningSandbox, campaign: Campaign
) -> None:
    settings.BSG_API_URL = sandbox.api_url
    olena = person()
    test = send_test(campaign, ["+380671234567", "+380671234568"], olena)
    freeze(test.pk, timezone.now() + MINUTE)
    gateway = sandbox.client(KEY)
    BatchSender(gateway, 1, timezone.now() + MINUTE).run()
    Batch.objects.update(done_at=timezone.now() - timedelta(hours=1))
    asker.ask(gateway, 1, timezone.now() + MINUTE)

    assert sandbox.messages() == []
    recipients = list(Recipient.objects.all())
    assert {(one.send_state, one.charged) for one in recipients} == {("accepted", Decimal(0))}
    assert all(one.status for one in recipients)
    entries = LedgerEntry.objects.all()
    assert entries.aggregate(sum=Sum("amount"))["sum"] == 0
    assert set(entries.values_list("purpose", flat=True)) == {Purpose.TEST}
    assert differences() == []

    accounts.cache_state(accounts.load())
    client.force_login(olena)
    page = squeezed(client.get(test.get_absolute_url()).content.decode())
    assert "Sent with a test key" in page
    assert "It costs money" not in page
