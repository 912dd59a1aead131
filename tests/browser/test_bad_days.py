"""What goes wrong is said on the page in words that help, and nothing typed or waiting is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Import
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.models import AccountRate, Batch
from campaigns.team import accounts
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]
PEOPLE = 120


@pytest.fixture(autouse=True)
def uploads(settings: Settings, tmp_path: Path) -> None:
    settings.UPLOAD_ROOT = tmp_path / "uploads"


@pytest.fixture
def campaign(nowhere: str, transactional_db: None, settings: Settings) -> Campaign:
    """To 120 people, launched, with no gateway yet."""
    campaign = factory.draft(factory.contact_list("Customers", PEOPLE))
    lifecycle.launch(campaign.pk, None)
    tasks.prepare(campaign.pk)
    return campaign


def point_at(settings: Settings, sandbox: RunningSandbox, key: str) -> None:
    """Use this gateway with this key, as an administrator says: for the same account."""
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, key
    accounts.confirm_same(None, accounts.load().known[0].pk)
    cache.clear()


def upload(page: Page, path: Path) -> None:
    page.goto("/contacts/import")
    page.get_by_label("File").set_input_files(path)
    page.get_by_label("Name of the new list").fill("Customers")
    page.get_by_role("button", name="Upload").click()


def test_empty_file_is_refused_at_its_field(signed_in: Page, tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"")
    upload(signed_in, path)
    expect(signed_in.get_by_text("The file is empty.")).to_be_visible()
    expect(signed_in.get_by_label("Name of the new list")).to_have_value("Customers")
    assert Import.objects.count() == 0


def test_file_without_phones_asks_for_their_column(
    signed_in: Page, tmp_path: Path, look: Look
) -> None:
    path = tmp_path / "people.csv"
    path.write_text("Name;City\nОлена;Київ\nIoana;Cluj\n", encoding="utf-8")
    upload(signed_in, path)
    tag = signed_in.get_by_label("Merge tag of “City”")
    tag.fill("town")
    signed_in.get_by_role("button", name="Check file").click()
    expect(signed_in.get_by_text("Choose the column with the phone numbers.")).to_be_visible()
    expect(tag).to_have_value("town")
    look(signed_in, "import-no-phones")
    signed_in.get_by_role("button", name="Discard file").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Discard file").click()
    expect(signed_in.get_by_role("dialog")).to_be_hidden()


def test_wrong_key_pauses_says_so_and_nobody_is_lost(
    signed_in: Page, campaign: Campaign, sandbox: RunningSandbox, settings: Settings, look: Look
) -> None:
    point_at(settings, sandbox, "wrong")
    tasks.send()
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    progress = signed_in.locator("#progress")
    expect(progress.get_by_text("Paused", exact=True)).to_be_visible()
    expect(progress.locator(".status-text")).to_contain_text("key")
    expect(progress.locator(".status-text")).to_contain_text(
        f"{PEOPLE} recipients are still waiting."
    )
    look(signed_in, "campaign-wrong-key")
    signed_in.goto("/")
    expect(signed_in.get_by_role("heading", name="Needs your attention")).to_be_visible()

    point_at(settings, sandbox, sandbox.key)
    signed_in.get_by_role("button", name="Resume").click()
    expect(signed_in.get_by_text("Sending continues")).to_be_visible()
    tasks.send()
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    expect(signed_in.locator("#progress").get_by_text("Finished", exact=True)).to_be_visible()
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"]) == (PEOPLE, PEOPLE)


def test_gateway_that_is_down_stops_nothing_else_and_loses_nobody(
    signed_in: Page,
    campaign: Campaign,
    sandbox: RunningSandbox,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "TIME_SLICE", timedelta(seconds=1))
    tasks.send()
    signed_in.goto(f"/campaigns/{campaign.pk}/")
    expect(signed_in.get_by_role("progressbar", name="Recipients sent to")).to_have_js_property(
        "value", 0
    )
    for room in ("Dashboard", "Contacts", "Spend", "Settings"):
        signed_in.get_by_role("navigation", name="Main").get_by_role(
            "link", name=room, exact=True
        ).click()
        expect(signed_in.get_by_text("Balance not available", exact=True)).to_be_visible()

    point_at(settings, sandbox, sandbox.key)
    Batch.objects.update(not_before=timezone.now())  # the waits of minutes are over
    AccountRate.objects.update(failures=0, until=None)
    sweep.sweep()
    tasks.send()
    campaign.refresh_from_db()
    assert campaign.state == CampaignState.FINISHED
    bill = sandbox.bill()
    assert (bill["messages"], bill["phones"]) == (PEOPLE, PEOPLE)
