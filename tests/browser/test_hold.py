"""The switch that holds all sending, in a real Chromium."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from campaigns.compose.models import CampaignState
from campaigns.team.holds.models import SendingHold
from tests.reports.factories import make_campaign, send

Look = Callable[[Page, str], None]


def test_hold_and_release(signed_in: Page, look: Look) -> None:
    made = make_campaign("Now", CampaignState.SENDING)
    send(made, {("UA", "read"): 30, ("UA", "queued"): 70})
    signed_in.goto("/")
    signed_in.get_by_role("link", name="Hold sending").click()
    look(signed_in, "hold")
    signed_in.get_by_label("Reason (optional)").fill("Wrong price in the text")
    signed_in.get_by_role("button", name="Hold sending").click()
    banner = signed_in.locator("#hold-banner")
    expect(banner).to_contain_text("“Wrong price in the text”")
    look(signed_in, "held-dashboard")
    banner.get_by_role("link", name="Release").click()
    look(signed_in, "held")
    signed_in.get_by_role("button", name="Release sending").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Release sending").click()
    expect(signed_in.get_by_text("Released. Everything goes on where it was.")).to_be_visible()
    expect(banner).to_have_count(0)
    assert SendingHold.objects.get().released_at
    made.refresh_from_db()
    assert made.state == CampaignState.SENDING
