"""A frequency cap: set in Settings, counted on the review, changed for one campaign."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from campaigns.team.models import User
from tests.dispatch.factory import contact_list, draft, launched_to


def test_an_administrator_caps_campaigns(
    signed_in: Page, person: User, look: Callable[[Page, str], None]
) -> None:
    campaign = draft(contact_list("Thirty", 30))
    launched_to(contact_list("Twelve", 12))
    signed_in.goto("/settings/frequency-cap/")
    look(signed_in, "frequency-cap-none")
    signed_in.get_by_label("Messages, at most").fill("1")
    signed_in.get_by_label("In days").fill("7")
    signed_in.get_by_role("button", name="Set cap").click()
    expect(signed_in.get_by_text("Frequency cap set.")).to_be_visible()
    look(signed_in, "frequency-cap")
    signed_in.goto(f"/campaigns/{campaign.pk}/review")
    step = signed_in.get_by_role("row", name="Reached the limit of 1 message in 7 days")
    expect(step).to_contain_text("−12")
    look(signed_in, "review-with-cap")
    signed_in.get_by_role("link", name="Change").click()
    look(signed_in, "campaign-cap")
    signed_in.get_by_label("None: this campaign goes to everybody").check()
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Not limited")).to_be_visible()
