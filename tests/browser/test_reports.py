"""Dashboard, campaigns, the campaign page and Spend, in a real Chromium."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import Page, expect

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import AccountRate, Evidence, Heartbeat
from campaigns.models import Import, ImportState, User
from campaigns.team import accounts, audit
from tests.reports.factories import count_hours, make_campaign, send

Look = Callable[[Page, str], None]
FATES = {
    ("UA", "read"): 120, ("UA", "delivered"): 60, ("PL", "sms_delivered"): 20, ("UA", "sms"): 4,
    ("DE", "not_delivered"): 9, ("UA", "refused"): 3, ("UA", "unresolved"): 2, ("UA", "stopped"): 1,
    ("PL", "unpriced"): 5, ("UA", "sent"): 6,
}  # fmt: skip


@pytest.fixture(autouse=True)
def fresh(transactional_db: None, nowhere: str) -> None:
    """Nothing is cached; the queue works and the gateway has just accepted messages, so that
    campaigns are said to be sent.
    """
    cache.clear()
    now, current = timezone.now(), accounts.load().current
    Heartbeat.objects.create(name="queue@worker-1", at=now)
    AccountRate.objects.create(pk=current.pk if current else 0, at=now, success_at=now)


@pytest.fixture
def campaign(person: User) -> Campaign:
    made = make_campaign("Autumn sale", CampaignState.FINISHED, launched_by=person)
    send(made, FATES)
    audit.record(person, made, "launched", "230")
    Evidence.objects.create(
        campaign=made, batch_number=2, what="HTTP 502", http_status=502, body="<html>Bad gateway"
    )
    return made


def fill(person: User) -> None:
    now = timezone.now()
    for number in range(6):
        at = now - timedelta(days=2 * number)
        made = make_campaign(
            f"Newsletter {number}", CampaignState.FINISHED, launched_by=person, launched_at=at
        )
        send(
            made,
            {("UA", "read"): 9 + number, ("PL", "sms"): number},
            at=at,
            currency="USD" if number == 3 else "EUR",
        )
        count_hours(made)
    send(
        make_campaign("Now", CampaignState.SENDING, launched_by=person),
        {("UA", "accepted"): 30, ("UA", "queued"): 70},
    )
    send(
        make_campaign("No money", CampaignState.PAUSED, reason="error_8"), {("UA", "queued"): 3120}
    )
    make_campaign("Tomorrow", CampaignState.SCHEDULED, scheduled_at=now + timedelta(hours=20))
    make_campaign("A draft", created_by=person)
    Import.objects.create(file_name="broken.xlsx", state=ImportState.FAILED, failure="It is empty.")


def test_dashboard_of_a_new_installation(signed_in: Page, look: Look) -> None:
    signed_in.goto("/")
    expect(signed_in.get_by_text("Not available", exact=True)).to_be_visible()
    look(signed_in, "dashboard-new")


def test_dashboard(signed_in: Page, person: User, campaign: Campaign, look: Look) -> None:
    fill(person)
    signed_in.goto("/")
    expect(signed_in.get_by_role("heading", name="Needs your attention")).to_be_visible()
    expect(signed_in.get_by_text("3,120 recipients are still waiting.").first).to_be_visible()
    signed_in.get_by_text("Show as table").click()
    today = date_format(timezone.localdate(), "j M Y")
    expect(signed_in.get_by_role("row", name=f"{today} 9")).to_be_visible()
    bar = signed_in.get_by_label("Sent per day").locator("g").last
    bar.hover()
    assert bar.locator("title").text_content() == f"{today}: 9"
    signed_in.evaluate("scrollTo(0, 0)")
    look(signed_in, "dashboard")


def test_campaign_list(signed_in: Page, person: User, campaign: Campaign, look: Look) -> None:
    fill(person)
    signed_in.goto("/campaigns/")
    look(signed_in, "campaigns")
    signed_in.get_by_role("searchbox").fill("newsletter")
    signed_in.get_by_role("searchbox").press("Enter")
    expect(signed_in.locator("tbody tr")).to_have_count(6)
    signed_in.get_by_role("link", name="Paused").click()
    expect(signed_in.get_by_text("has “newsletter” in its name")).to_be_visible()
    signed_in.get_by_role("link", name="Show all campaigns").click()
    signed_in.get_by_role("button", name="Actions for A draft").click()
    expect(signed_in.get_by_role("button", name="Delete draft")).to_be_visible()
    look(signed_in, "campaigns-menu")


def test_campaign_list_without_campaigns(signed_in: Page, look: Look) -> None:
    signed_in.goto("/campaigns/")
    look(signed_in, "campaigns-none")


@pytest.mark.parametrize("tab", ["recipients", "countries", "message", "activity"])
def test_campaign_page(signed_in: Page, campaign: Campaign, look: Look, tab: str) -> None:
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    signed_in.get_by_role("navigation", name="Parts of this campaign").get_by_role(
        "link", name=tab.title()
    ).click()
    look(signed_in, f"campaign-{tab}")


def test_campaign_page_updates_until_the_end(signed_in: Page) -> None:
    made = make_campaign("Now", CampaignState.SENDING)
    send(made, {("UA", "read"): 30})
    Campaign.objects.update(audience=100)
    signed_in.goto(f"/campaigns/{made.pk}/")
    bar = signed_in.get_by_role("progressbar", name="Recipients sent to")
    expect(bar).to_have_js_property("value", 30)
    pause = signed_in.get_by_role("button", name="Pause")
    pause.focus()
    send(made, {("UA", "read"): 20})
    Campaign.objects.update(audience=100)
    expect(bar).to_have_js_property("value", 50)
    expect(pause).to_be_focused()  # what moves does not take the keyboard away
    send(made, {("UA", "read"): 50})
    Campaign.objects.update(audience=100, state=CampaignState.FINISHED, finished_at=timezone.now())
    expect(bar).to_have_js_property("value", 100)
    expect(signed_in.get_by_text("the status of every message is known")).to_be_visible()
    expect(pause).to_have_count(0)
    expect(signed_in.get_by_role("button", name="Duplicate")).to_be_visible()
    expect(signed_in.locator("#progress [hx-trigger]")).to_have_count(0)


def test_cancel_asks_while_the_page_updates(signed_in: Page) -> None:
    made = make_campaign("Now", CampaignState.SENDING)
    send(made, {("UA", "read"): 30, ("UA", "queued"): 70})
    signed_in.goto(f"/campaigns/{made.pk}/")
    signed_in.get_by_role("button", name="Cancel campaign").click()
    dialog = signed_in.get_by_role("dialog")
    expect(dialog).to_contain_text("70 recipients are still waiting and will get nothing.")
    with signed_in.expect_response("**/progress?*"):
        pass
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel campaign").click()
    expect(signed_in.get_by_text("Cancelled. Nothing more will be sent.")).to_be_visible()
    made.refresh_from_db()
    assert made.state == CampaignState.CANCELLED


def test_pause_and_resume(signed_in: Page, look: Look) -> None:
    made = make_campaign("Now", CampaignState.SENDING)
    send(made, {("UA", "read"): 30, ("UA", "queued"): 70})
    signed_in.goto(f"/campaigns/{made.pk}/")
    signed_in.get_by_role("button", name="Pause").click()
    expect(signed_in.get_by_text("70 recipients are still waiting.").first).to_be_visible()
    look(signed_in, "campaign-paused")
    signed_in.get_by_role("button", name="Resume").click()
    expect(signed_in.get_by_role("button", name="Pause")).to_be_visible()


def test_recipients_are_filtered_searched_and_paged(signed_in: Page, campaign: Campaign) -> None:
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    rows = signed_in.locator("#recipients tbody tr")
    expect(rows).to_have_count(50)
    signed_in.evaluate("window.stays = true")
    first = rows.first.inner_text()
    signed_in.get_by_role("link", name="Next").click()
    expect(rows.first).not_to_have_text(first)
    expect(rows).to_have_count(50)
    expect(signed_in).to_have_url(re.compile(r"at=a1\."))
    chip = signed_in.get_by_role("list", name="State").get_by_role("link", name="Refused 3")
    chip.click()
    expect(rows).to_have_count(3)
    expect(chip).to_be_focused()
    assert signed_in.evaluate("window.stays")  # the table changes, the page does not
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == f"campaign-{campaign.pk}-recipients.csv"
    signed_in.get_by_role("searchbox").fill("0214")
    signed_in.get_by_role("searchbox").press("Enter")
    expect(rows).to_have_count(1)
    assert signed_in.url.endswith("/recipients?state=refused&phone=0214")
    signed_in.get_by_role("searchbox").fill("777777")
    signed_in.get_by_role("searchbox").press("Enter")
    expect(signed_in.get_by_text("has 777777 in the phone number")).to_be_visible()
    signed_in.go_back()
    expect(rows).to_have_count(1)


@pytest.mark.parametrize("group", ["day", "campaign"])
def test_spend(signed_in: Page, person: User, campaign: Campaign, look: Look, group: str) -> None:
    fill(person)
    signed_in.goto(f"/spend/?period=30&group={group}")
    expect(signed_in.locator("#charts canvas")).to_have_count(2)
    look(signed_in, f"spend-{group}")


def test_spend_goes_down_to_the_entries(signed_in: Page, campaign: Campaign, look: Look) -> None:
    signed_in.goto("/spend/?period=7")
    signed_in.locator("tbody .row-link").first.click()
    signed_in.get_by_role("link", name="Autumn sale").click()
    expect(signed_in.get_by_role("heading", name="Ledger of Autumn sale")).to_be_visible()
    look(signed_in, "entries")


def test_spend_of_nothing(signed_in: Page, look: Look) -> None:
    signed_in.goto("/spend/")
    look(signed_in, "spend-none")


def test_spend_as_a_file(signed_in: Page, campaign: Campaign) -> None:
    signed_in.goto("/spend/?period=7&group=campaign")
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.startswith("spend-campaign-")


def test_compare_selected_campaigns(
    signed_in: Page, person: User, campaign: Campaign, look: Look
) -> None:
    fill(person)
    signed_in.goto("/campaigns/")
    signed_in.get_by_role("checkbox", name="Compare Autumn sale").check()
    signed_in.get_by_role("checkbox", name="Compare Newsletter 3").check()
    signed_in.get_by_role("button", name="Compare", exact=True).click()
    expect(signed_in.get_by_role("columnheader", name="Newsletter 3")).to_be_visible()
    look(signed_in, "compare")


def test_statement_of_a_month(
    signed_in: Page, person: User, campaign: Campaign, look: Look
) -> None:
    fill(person)
    signed_in.goto("/spend/statement/")
    expect(signed_in.get_by_role("button", name="Print")).to_be_visible()
    look(signed_in, "statement")
    signed_in.emulate_media(media="print")
    expect(signed_in.get_by_role("button", name="Print")).to_be_hidden()
    signed_in.get_by_role("columnheader", name="SMS").first.is_visible()
