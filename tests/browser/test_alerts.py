"""What is wrong is on every page, and Settings - Alerts says what to do about it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.compose.models import CampaignState
from campaigns.reports.alerts import open_alerts
from campaigns.team.alerts import records
from campaigns.team.alerts.models import Alert
from tests.browser.conftest import Look
from tests.reports.factories import make_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BALANCE = {"amount": "12.3", "currency": "EUR", "limit": "50", "spent": "28.7"}


def test_banner_leads_to_the_campaign_and_to_all_alerts(signed_in: Page, look: Look) -> None:
    now = timezone.now()
    campaign = make_campaign("Autumn sale", CampaignState.PAUSED, reason="error_8")
    paused = {"campaign": campaign.pk, "name": campaign.name, "reason": "error_8"}
    for kind, detail, minutes, is_over in (
        ("balance", BALANCE, 300, False),
        ("campaign_paused", paused, 12, False),
        ("queue", {"seen_at": ""}, 900, True),
        ("disk", {"machine": "worker-1", "folder": "Contact files", "percent": 4}, 1500, True),
    ):
        started = now - timedelta(minutes=minutes)
        end = started + timedelta(minutes=95) if is_over else None
        Alert.objects.create(
            kind=kind, detail=detail, started_at=started, told_start_at=started, seen_at=now,
            over_at=end, told_end_at=end,
        )  # fmt: skip
    open_alerts.cache_state(tuple(records.open_alerts()))
    signed_in.goto("/spend/")
    banner = signed_in.locator("#alert-banner")
    expect(banner).to_contain_text("Campaign “Autumn sale” is paused. BSG account is out of funds.")
    look(signed_in, "alert-banner")
    banner.get_by_role("link", name="Open").click()
    expect(signed_in).to_have_url(re.compile(rf"/campaigns/{campaign.pk}/$"))
    signed_in.locator("#alert-banner").get_by_role("link", name="1 more alert").click()
    shown = signed_in.get_by_role("list", name="Open alerts").get_by_role("listitem")
    expect(shown).to_have_count(2)
    expect(shown.nth(1)).to_contain_text(
        "12.30 EUR left: about 3 days at the rate of the last 7 days."
    )
    expect(signed_in.get_by_role("row", name="No worker has ever done anything")).to_be_visible()
    look(signed_in, "alerts")
