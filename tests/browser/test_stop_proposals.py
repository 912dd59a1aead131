"""Proposals for the stop list: seen on the dashboard, added and dismissed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.contacts.lists.models import StopProposal
from campaigns.models import CampaignState, StopListEntry
from tests.browser.conftest import Look
from tests.reports.factories import make_campaign

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_proposals_are_added_and_dismissed(signed_in: Page, look: Look) -> None:
    signed_in.goto("/contacts/stop-list/proposals/")
    look(signed_in, "stop-proposals-empty")
    campaign = make_campaign(state=CampaignState.FINISHED)
    earlier = timezone.now() - timedelta(hours=5)
    for digit in range(4):
        StopProposal.objects.create(
            msisdn=f"38097123450{digit}", failures=3 + digit, campaign=campaign, last_at=earlier,
            status="undeliverable" if digit else "not_viber_user",
            proposed_at=earlier, checked_at=earlier,
        )  # fmt: skip
    signed_in.goto("/")
    look(signed_in, "dashboard-stop-proposals")
    signed_in.get_by_role("link", name="Proposals for the stop list").click()
    look(signed_in, "stop-proposals")
    signed_in.get_by_role("checkbox", name="+380 97 123 4500").check()
    signed_in.get_by_role("button", name="Add selected to stop list").click()
    expect(signed_in.get_by_text("1 phone added to the stop list.")).to_be_visible()
    signed_in.get_by_role("button", name="Dismiss all 3").click()
    signed_in.get_by_role("button", name="Dismiss", exact=True).click()
    expect(signed_in.get_by_text("3 proposals dismissed.")).to_be_visible()
    signed_in.goto("/contacts/stop-list/")
    look(signed_in, "stop-list")
    entry = StopListEntry.objects.get()
    assert (entry.msisdn, entry.reason) == (
        "380971234500", "Proposed: not reachable 3 times in a row",
    )  # fmt: skip
