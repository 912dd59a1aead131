"""An A/B test in a real Chromium: variants are written, tested, and one is chosen by a click."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.compose.models import Campaign, Picture
from campaigns.dispatch import sweep, tasks
from campaigns.dispatch.models import Batch, Recipient
from tests.api.client import picture
from tests.browser.conftest import Console
from tests.browser.test_composer import at_any_hour
from tests.browser.test_unsaved import AUTOSAVE, Questions, break_network
from tests.compose.factories import contact_list, senders
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]
PEOPLE = [(f"38097000{number:04d}", "UA", {"city": "Kyiv"}) for number in range(40)]


@pytest.fixture(autouse=True)
def gateway(nowhere: str, settings: Settings, sandbox: RunningSandbox, tmp_path: Path) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    settings.MEDIA_ROOT = str(tmp_path)
    contact_list("VIP", PEOPLE)
    senders("Shop")


def compose(page: Page) -> None:
    page.goto("/campaigns/new")
    page.locator("#id_name").fill("Spring sale")
    page.locator("#id_sender").select_option("Shop")
    page.locator("#id_text").fill("Sale in {city|town}! STOP")
    page.locator("#id_button_caption").fill("Buy")
    page.locator("#id_button_url").fill("https://shop.example.com/")
    page.get_by_role("checkbox", name="VIP").check()
    at_any_hour(page)
    page.locator("#card-variants > summary").click()


def add(page: Page, letter: str, text: str) -> None:
    page.get_by_role("button", name="Add a variant").click()
    expect(page.locator(f"#id_variant_{letter}_text")).to_be_focused()
    page.locator(f"#id_variant_{letter}_text").fill(text)


@pytest.mark.once
def test_variants_are_added_removed_and_kept(signed_in: Page, look: Look) -> None:
    page = signed_in
    compose(page)
    switches = page.locator("#phone-variants")
    expect(switches).to_be_hidden()
    page.get_by_role("button", name="Add a variant").click()
    b, c = page.locator("#id_variant_B_text"), page.locator("#id_variant_C_text")
    expect(b).to_have_value("Sale in {city|town}! STOP")  # a copy of A
    expect(page.locator("#id_variant_B_button_caption")).to_have_value("Buy")
    expect(page.locator("#figures")).to_contain_text("issue")  # the same as A
    b.fill("Bargains in {city|town}! STOP")
    expect(page.locator("[data-for=id_variant_B_text]")).to_have_text("22 / 1000")
    expect(page.locator("#preview-text")).to_have_text("Bargains in Kyiv! STOP")
    b.press("ControlOrMeta+a")
    page.locator("[data-target=id_variant_B_text]").get_by_role("button", name="Bold").click()
    expect(b).to_have_value("*Bargains in {city|town}! STOP*")
    add(page, "C", "Third! STOP")
    switches.get_by_label("A", exact=True).check()
    expect(page.locator("#preview-text")).to_have_text("Sale in Kyiv! STOP")
    look(page, "variants-composer")
    page.get_by_role("button", name="Remove B").click()
    expect(b).to_have_value("Third! STOP")  # C is B now
    expect(c).to_be_hidden()
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    expect(b).to_have_value("Third! STOP")
    expect(c).to_be_hidden()
    [campaign] = Campaign.objects.all()
    assert [variant["text"] for variant in campaign.variants] == ["Third! STOP"]


@pytest.mark.once
def test_a_variant_that_could_not_be_saved_is_offered_again(
    signed_in: Page, console: Console
) -> None:
    page = signed_in
    console.allow("ERR_FAILED")
    console.allow("Failed to fetch")
    Questions(page)
    break_network(page)
    page.goto("/campaigns/new")
    page.locator("#id_text").fill("First")
    page.locator("#card-variants > summary").click()
    add(page, "B", "Written without a network")
    expect(page.locator("#saved")).to_contain_text("the server does not answer")
    page.reload()
    page.unroute(AUTOSAVE)
    page.get_by_role("button", name="Restore changes").click()
    page.locator("#card-variants > summary").click()
    expect(page.locator("#id_variant_B_text")).to_have_value("Written without a network")
    expect(page.locator("#id_variant_C_text")).to_be_hidden()
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#form-errors")).to_be_visible()  # it has no sender yet
    expect(page.locator("#id_variant_B_text")).to_have_value("Written without a network")


@pytest.mark.once
def test_from_the_composer_to_the_winner(
    signed_in: Page, look: Look, sandbox: RunningSandbox
) -> None:
    page = signed_in
    compose(page)
    add(page, "B", "Bargains in {city|town}! STOP")
    page.get_by_label("Share of the test, in per cent").fill("50")
    page.get_by_label("I decide").check()
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_role("heading", name="Variant B")).to_be_visible()
    expect(page.locator("#preview-textB")).to_have_text("Bargains in Kyiv! STOP")
    look(page, "variants-review")
    page.get_by_label("Number of recipients").fill("40")
    page.get_by_label("Maximum cost, EUR").fill("0,92")
    page.get_by_role("button", name="Send now").click()
    expect(page.get_by_text("Sending of “Spring sale” started.")).to_be_visible()
    campaign = Campaign.objects.get()
    tasks.prepare(campaign.pk)
    tasks.send()
    waiting = Recipient.objects.filter(send_state="queued").count()
    assert 0 < waiting < 40
    page.goto(f"/campaigns/{campaign.pk}/")
    expect(page.get_by_text("Testing until")).to_be_visible()
    Batch.objects.filter(state="done").update(done_at="2026-01-01T00:00Z")
    page.goto("/")
    expect(page.get_by_text("Waiting for your choice").first).to_be_visible()
    look(page, "variants-dashboard")
    page.get_by_role("link", name="Spring sale").first.click()
    expect(page.get_by_text("Nobody has read a message: no difference was shown.")).to_be_visible()
    look(page, "variants-waiting")
    page.get_by_role("button", name="Send B to the others").click()
    page.get_by_role("dialog").get_by_role("button", name="Send B to the others").click()
    expect(page.get_by_text("Variant B is sent to the other recipients.")).to_be_visible()
    tasks.send()
    sweep.finish_campaigns()
    campaign.refresh_from_db()
    assert (campaign.winner, campaign.state) == ("B", "finished")
    texts = [message["text"] for message in sandbox.messages()]
    assert len(texts) == 40
    of_b = texts.count("Bargains in Kyiv! STOP")
    assert of_b >= waiting
    page.goto(f"/campaigns/{campaign.pk}/?tab=variants")
    expect(page.get_by_text("Chosen", exact=True)).to_be_visible()
    look(page, "variants-results")
    page.get_by_role("link", name="Variant B", exact=True).click()
    expect(page.locator("#recipients tbody tr")).to_have_count(
        texts.count("Bargains in Kyiv! STOP")
    )
    look(page, "variants-recipients")


@pytest.mark.once
def test_variants_have_images_of_the_library(
    signed_in: Page, look: Look, console: Console, tmp_path: Path
) -> None:
    page = signed_in
    console.allow("422")  # a file that is no image
    file = tmp_path / "teal.png"
    file.write_bytes(picture())
    compose(page)
    add(page, "B", "Bargains! STOP")
    add(page, "C", "Third! STOP")
    block = page.locator("#variant_C")
    expect(block.locator(".variant-library")).to_be_hidden()
    block.get_by_label("Image", exact=True).select_option("From the library")
    expect(page.locator("#variant_C .variant-address")).to_be_hidden()
    (tmp_path / "broken.png").write_text("none")
    upload = block.locator("[data-variant-upload]")
    upload.set_input_files(tmp_path / "broken.png")
    expect(block.locator("[data-upload-error]")).not_to_be_empty()
    upload.set_input_files(file)
    expect(block.locator(".library input:checked")).to_have_count(1)
    look(page, "variants-library")
    page.get_by_role("button", name="Remove B").click()  # C becomes B, with its image
    expect(page.locator("#variant_B .library input:checked")).to_have_count(1)
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_text("Draft saved.")).to_be_visible()
    campaign = Campaign.objects.get()
    [variant] = campaign.variants
    stored = Picture.objects.get()
    assert (variant["text"], variant["image_file"]) == ("Third! STOP", str(stored.file))
    expect(page.locator("#variant_B .library input:checked")).to_have_value(str(stored.file))
    page.goto("/campaigns/pictures/")
    expect(page.get_by_role("main")).to_contain_text("Spring sale")
