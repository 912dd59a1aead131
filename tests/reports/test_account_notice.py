"""The page of a campaign of another gateway account says whose it is and what to do."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.team import accounts
from tests.markup import squeezed
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def other_account(settings: Settings) -> None:
    """The first account is a sandbox; a live one is in use."""
    accounts.load()
    settings.BSG_API_URL = "https://api.bsg.world/rest"
    accounts.confirm_another(None)


def page_of(client: Client, campaign: Campaign) -> str:
    return squeezed(client.get(campaign.get_absolute_url()).content.decode())


@pytest.mark.parametrize("state", [CampaignState.SENDING, CampaignState.PAUSED])
def test_campaign_under_way_waits(marketer: Client, state: CampaignState) -> None:
    campaign = make_campaign("Autumn", state, launched_at=timezone.now(), reason="by_person")
    page = page_of(marketer, campaign)
    assert "It belongs to the account “Sandbox”, but “BSG account 1” is in use." in page
    assert "cancel it and duplicate it" in page
    assert "Messages are being sent" not in page
    assert f"/campaigns/{campaign.pk}/resume" not in page


def test_statuses_of_a_finished_campaign_wait(marketer: Client) -> None:
    launched_at = timezone.now() - timedelta(hours=1)
    campaign = make_campaign("Autumn", CampaignState.FINISHED, launched_at=launched_at)
    assert "Statuses are asked again when" in page_of(marketer, campaign)


def test_nothing_waits_of_the_own_account_drafts_and_rehearsals(marketer: Client) -> None:
    own = make_campaign(
        "Own", CampaignState.SENDING, launched_at=timezone.now(), account=accounts.load().current
    )
    draft = make_campaign("Draft", CampaignState.DRAFT, launched_at=None)
    rehearsal = make_campaign(
        "Trial", CampaignState.SENDING, launched_at=timezone.now(), purpose=Purpose.REHEARSAL
    )
    for campaign in (own, draft, rehearsal):
        assert "It belongs to the account" not in page_of(marketer, campaign)
