"""A campaign with tracked links in a real Chromium: composed, sent, opened as phones and as Viber's
preview do, and its clicks and conversions on the pages.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.compose.models import Campaign
from campaigns.dispatch import tasks
from campaigns.dispatch.models import Batch, Recipient
from campaigns.engagement import conversions, redirect
from tests.browser.test_composer import at_any_hour
from tests.compose.factories import contact_list, senders
from tests.engagement import visits
from tests.engagement.visits import HOST, click, start_afresh
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]
SHOP = "https://shop.example.com/"
PEOPLE = [
    ("380970000001", "UA", {"city": "Kyiv"}), ("380970000002", "UA", {}), ("40712345678", "RO", {}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def gateway(
    nowhere: str,
    settings: Settings,
    sandbox: RunningSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    settings.MEDIA_ROOT = str(tmp_path)
    settings.LINK_BASE_URL, settings.LINK_HOST = f"https://{HOST}", HOST
    start_afresh(monkeypatch)


def compose(page: Page, look: Look) -> None:
    page.goto("/campaigns/new")
    page.locator("#id_name").fill("Spring sale")
    page.locator("#id_sender").select_option("Shop")
    page.locator("#id_text").fill(f"STOP. See {SHOP}sale?c={{city|x}} or {SHOP}{'help' * 10}")
    page.locator("#id_button_caption").fill("Buy")
    page.locator("#id_button_url").fill(f"{SHOP}?utm_source=viber")
    page.locator("#card-sms > summary").click()
    page.get_by_label("SMS sender").fill("Shop")
    page.get_by_label("SMS text").fill(f"Sale: {SHOP}{'a' * 150}")
    page.get_by_role("checkbox", name="VIP").check()
    at_any_hour(page)
    page.locator("#tracking > summary").click()


@pytest.mark.once
def test_from_the_composer_to_the_clicks(
    signed_in: Page, look: Look, sandbox: RunningSandbox
) -> None:
    page = signed_in
    contact_list("VIP", PEOPLE)
    senders("Shop")
    compose(page, look)
    expect(page.locator("[data-for=id_sms_text]")).to_have_text("40/160 characters · 1 SMS")
    links = page.locator("#tracked-links .tracked-link")
    expect(links).to_have_count(4)
    expect(page.locator("#preview-link")).to_have_text(f"{SHOP}?utm_source=viber")
    expect(page.locator("#preview-text")).to_contain_text(f"https://{HOST}/link-000001")
    page.locator("#tracked-links").get_by_role("checkbox").nth(2).check()
    expect(page.locator("#preview-text")).to_contain_text(f"{SHOP}helphelp")
    counter = page.locator("[data-for=id_text]")
    expect(counter).to_have_text("113 / 1000")
    page.get_by_role("radio", name="Clicks and conversions").check()
    look(page, "links-composer")
    page.get_by_role("button", name="Review").click()
    page.get_by_label("Number of recipients").fill("3")
    page.get_by_label("Maximum cost, EUR").fill("0,19")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Sending of “Spring sale” started.")).to_be_visible()
    campaign = Campaign.objects.get()
    tasks.prepare(campaign.pk)
    tasks.send()
    assert campaign.untracked_links == [f"{SHOP}{'help' * 10}"]
    first, second, third = Recipient.objects.order_by("pk")
    message = sandbox.messages(reference=first.reference)[0]
    assert f"https://{HOST}/{visits.code(first, 1)} or {SHOP}help" in message["text"]
    Batch.objects.update(first_sent_at="2026-01-01T00:00Z")
    for recipient in (first, second):
        assert click(recipient, 1).headers["Location"].startswith(f"{SHOP}sale?c=")
    click(first)
    assert click(third, agent="Viber").status == 302
    redirect.inbox.flush()
    page.goto(f"/campaigns/{campaign.pk}/?tab=clicks")
    expect(page.get_by_text("Programs (not counted)")).to_be_visible()
    look(page, "links-clicks")
    page.goto(f"/campaigns/{campaign.pk}/recipients")
    page.get_by_role("link", name="Not clicked").click()
    expect(page.locator("#recipients tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Clicked", exact=True).click()
    expect(page.locator("#recipients tbody tr")).to_have_count(2)
    look(page, "links-recipients")
    order = conversions.find_click(visits.click_value(first))
    conversions.record(order, "order-1", Decimal("129.90"), "EUR")
    page.get_by_role("link", name="Clicked", exact=True).click()  # off again
    expect(page.locator("#recipients tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Converted", exact=True).first.click()
    expect(page.locator("#recipients tbody tr")).to_have_count(1)
    page.goto(f"/campaigns/{campaign.pk}/")
    expect(page.get_by_text("Return (revenue ÷ cost)")).to_be_visible()
    look(page, "links-conversions")
