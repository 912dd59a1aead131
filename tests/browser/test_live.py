"""Pages follow what happens by themselves, and keep what the user is doing on them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Heartbeat
from campaigns.team import accounts
from tests.browser.conftest import Console, Look
from tests.reports.factories import make_campaign, send

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
POLL = "document.querySelectorAll(\".updated [hx-trigger*='every ']\")"
UPDATE = f"for (const poll of {POLL}) poll.dispatchEvent(new CustomEvent('every'))"


@pytest.fixture
def sending(transactional_db: None) -> Campaign:
    Heartbeat.objects.create(name="queue@worker-1", at=timezone.now() + timedelta(minutes=5))
    accounts.load()
    made = make_campaign("Autumn", CampaignState.SENDING, timing="now")
    send(made, {("UA", "accepted"): 2, ("UA", "queued"): 6})
    for name, state in (("Spring", CampaignState.DRAFT), ("Winter", CampaignState.CANCELLED)):
        send(make_campaign(name, state), {("UA", "accepted"): 1, ("UA", "cancelled"): 9})
    return made


def test_list_moves_and_keeps_choices_and_menus(
    signed_in: Page, look: Look, sending: Campaign
) -> None:
    signed_in.goto("/campaigns/")
    row = signed_in.get_by_role("row", name="Autumn")
    expect(row).to_contain_text("Sending")
    look(signed_in, "live-list")
    signed_in.get_by_label("Compare Spring").check()
    signed_in.get_by_role("button", name="Actions for Spring").click()
    menu = signed_in.get_by_role("link", name="Duplicate").or_(
        signed_in.get_by_role("button", name="Duplicate")
    )
    expect(menu.first).to_be_visible()
    Campaign.objects.filter(pk=sending.pk).update(state=CampaignState.FINISHED)
    signed_in.evaluate(UPDATE)
    expect(menu.first).to_be_visible()  # it waits for the open menu
    expect(row).to_contain_text("Sending")
    signed_in.keyboard.press("Escape")
    signed_in.evaluate(UPDATE)
    expect(row).to_contain_text("Finished")
    expect(signed_in.get_by_label("Compare Spring")).to_be_checked()
    expect(signed_in.locator("#campaign-states")).to_contain_text("Finished 1")


def test_recipients_move_with_the_cards(signed_in: Page, look: Look, sending: Campaign) -> None:
    signed_in.goto(f"/campaigns/{sending.pk}/")
    rows = signed_in.locator("#recipients tbody tr")
    expect(rows).to_have_count(8)
    search = signed_in.get_by_role("searchbox")
    search.fill("3806")
    send(sending, {("UA", "read"): 3})
    signed_in.evaluate(UPDATE)
    expect(rows).to_have_count(11)
    expect(signed_in.locator("#state-read .count")).to_have_text("3")
    expect(search).to_be_focused()
    expect(search).to_have_value("3806")
    look(signed_in, "live-campaign")


def test_dashboard_moves_and_says_when_it_is_late(
    signed_in: Page, look: Look, console: Console, sending: Campaign
) -> None:
    signed_in.goto("/")
    expect(signed_in.locator(f"#running-{sending.pk}")).to_contain_text("2 / 8")
    # nobody answers at the gateway's address: no page says that messages are being sent
    running = signed_in.locator(f"#running-{sending.pk}")
    expect(running).to_contain_text("The gateway does not answer.")
    look(signed_in, "live-dashboard")
    Campaign.objects.filter(pk=sending.pk).update(state=CampaignState.PAUSED, reason="error_8")
    signed_in.evaluate(UPDATE)
    expect(signed_in.get_by_text("BSG account is out of funds.").first).to_be_visible()
    late = signed_in.locator("#now > .updated .updated-late")
    late_month = signed_in.locator("#month .updated-late")
    expect(late).to_be_hidden()
    console.allow("503")
    signed_in.route("**/dashboard/now", lambda route: _unavailable(route))
    signed_in.evaluate(UPDATE)
    expect(late).to_be_visible()
    expect(late_month).to_be_hidden()


def _unavailable(route: Route) -> None:
    route.fulfill(status=503, body="")
