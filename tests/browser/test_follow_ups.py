"""A follow-up from the page of its campaign to its launch, in a real Chromium."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from campaigns.compose.models import Campaign, CampaignState
from tests.compose.factories import contact_list, ukrainians
from tests.reports.factories import make_campaign, send

Look = Callable[[Page, str], None]


def test_follow_up_is_made_and_reviewed(signed_in: Page, look: Look) -> None:
    contact_list("Clients", ukrainians(3))
    made = make_campaign("Spring sale", CampaignState.SENDING)
    send(made, {("UA", "delivered"): 3, ("UA", "read"): 4, ("UA", "queued"): 5})
    signed_in.goto(f"/campaigns/{made.pk}/")
    signed_in.get_by_role("link", name="Follow-up").click()
    look(signed_in, "follow-up")
    signed_in.get_by_label("Got it, and have not clicked").check()
    signed_in.get_by_label("Hours after the campaign").fill("48")
    signed_in.get_by_role("button", name="Create draft").click()
    expect(signed_in.get_by_text("Draft created.")).to_be_visible()
    chosen = signed_in.locator("#card-audience > summary")
    expect(chosen).to_contain_text("Spring sale (Delivered), excluding Spring sale (Clicked)")
    when = signed_in.locator("#card-when")
    expect(when.locator("> summary")).to_contain_text("48 hours after “Spring sale”")
    when.locator("> summary").click()
    expect(signed_in.get_by_label("Hours after", exact=True)).to_be_visible()
    expect(signed_in.get_by_label("Date and time")).to_be_hidden()
    look(signed_in, "follow-up-draft")
    draft = Campaign.objects.get(follows=made)
    signed_in.goto(f"/campaigns/{draft.pk}/review")
    expect(signed_in.get_by_text("are the most that they can be")).to_be_visible()
    look(signed_in, "follow-up-review")
    Campaign.objects.filter(pk=draft.pk).update(
        state=CampaignState.SCHEDULED, launched_at=made.launched_at
    )
    signed_in.goto(f"/campaigns/{made.pk}/")
    expect(signed_in.get_by_text("48 hours after")).to_be_visible()
    look(signed_in, "followed")
    signed_in.goto("/campaigns/calendar")
    look(signed_in, "follow-up-calendar")
