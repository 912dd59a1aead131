"""What is typed in the composer is never lost: the session ends, the network goes, the laptop
sleeps, two tabs, Back, a refresh in mid-upload.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from PIL import Image
from playwright.sync_api import Dialog, Page, Route, expect

from campaigns.compose.models import Campaign
from campaigns.team.models import User
from tests.browser.conftest import Console
from tests.compose.factories import draft, senders

Look = Callable[[Page, str], None]
AUTOSAVE = re.compile("/autosave$")
# The first save waits a moment instead of two seconds; the next tries wait as long as they do.
IMPATIENT = """
    const wait = window.setTimeout;
    window.setTimeout = (run, ms, ...rest) => wait(run, ms === 2000 ? 100 : ms, ...rest);
"""
KEPT = """async () => {
    const databases = await indexedDB.databases();
    if (!databases.some(database => database.name === "viberdash")) return 0;
    return await new Promise(done => {
        indexedDB.open("viberdash", 1).onsuccess = opened => {
            opened.target.result.transaction("drafts").objectStore("drafts").count().onsuccess =
                counted => done(counted.target.result);
        };
    });
}"""


class Questions:
    """What the browser asked before it left a page. The answer is to leave, or to stay."""

    def __init__(self, page: Page) -> None:
        self.count, self.leave = 0, True
        page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        assert dialog.type == "beforeunload"
        self.count += 1
        if self.leave:
            dialog.accept()
        else:
            dialog.dismiss()


@pytest.fixture
def script_held_back(page: Page) -> Callable[[], None]:
    """The composer's script arrives when this is called."""
    held: list[Route] = []
    page.route("**/js/composer.js", lambda route: held.append(route))

    def let_go() -> None:
        for route in held:
            route.continue_()

    return let_go


@pytest.fixture
def writer(signed_in: Page, tmp_path: Path, settings: object) -> Page:
    settings.MEDIA_ROOT = str(tmp_path)  # type: ignore[attr-defined]
    signed_in.add_init_script(IMPATIENT)
    senders("Shop")
    signed_in.goto("/campaigns/new")
    return signed_in


def expect_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_have_text("Saved just now")


def break_network(page: Page) -> None:
    page.route(AUTOSAVE, lambda route: route.abort())


def lose_answer(route: Route) -> None:
    """The server saves, and nobody hears of it."""
    route.fetch()
    route.abort()


def test_session_that_ends_asks_to_sign_in_and_saves_then(
    writer: Page, console: Console, person: User, look: Look
) -> None:
    console.allow("401")
    console.allow("403")
    writer.locator("#id_text").fill("Before")
    expect_saved(writer)
    address = writer.url
    Session.objects.all().delete()
    writer.locator("#id_text").fill("Written on")
    expect(writer.locator("#saved")).to_have_text("You are signed out. Sign in to save.")
    writer.get_by_role("button", name="Save draft").click()
    expect(writer.locator("#saved")).to_have_text("You are signed out. Sign in to save.")
    expect(writer.locator("#id_text")).to_have_value("Written on")
    assert writer.url == address
    look(writer, "composer-signed-out")

    with writer.context.expect_page() as opened:
        writer.get_by_role("link", name="Sign in").click()
    tab = opened.value
    tab.get_by_label("User name").fill("olena")
    tab.get_by_label("Password").fill("long-and-odd-7")
    tab.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.get_by_role("heading", name="You are signed in")).to_be_visible()
    tab.close()
    writer.evaluate("window.dispatchEvent(new Event('focus'))")  # the user comes back to it
    expect_saved(writer)
    expect(writer.get_by_role("link", name="Sign in")).to_be_hidden()
    writer.locator("#id_name").fill("Spring")
    writer.locator("#id_sender").select_option("Shop")
    writer.get_by_role("button", name="Save draft").click()
    expect(writer.get_by_text("Draft saved.")).to_be_visible()
    campaign = Campaign.objects.get()
    assert (campaign.name, campaign.text, str(campaign.sender)) == ("Spring", "Written on", "Shop")


def test_lost_answers_make_neither_second_drafts_nor_conflicts(
    writer: Page, console: Console
) -> None:
    console.allow("ERR_FAILED")
    writer.route(AUTOSAVE, lose_answer, times=1)
    writer.locator("#id_text").fill("One")
    expect(writer.locator("#saved")).to_contain_text("the server does not answer")
    writer.locator("#id_text").fill("One, two")
    expect_saved(writer)
    assert Campaign.objects.get().text == "One, two"

    writer.route(AUTOSAVE, lose_answer, times=1)
    writer.locator("#id_text").fill("One, two, three")
    expect(writer.locator("#saved")).to_contain_text("the server does not answer")
    writer.locator("#id_sender").select_option("Shop")
    expect_saved(writer)
    campaign = Campaign.objects.get()
    assert (campaign.text, str(campaign.sender)) == ("One, two, three", "Shop")
    writer.reload()
    expect(writer.locator("#id_sender")).to_have_value("Shop")


def test_what_could_not_be_saved_is_kept_in_the_browser_and_offered_again(
    writer: Page, console: Console, look: Look
) -> None:
    console.allow("ERR_FAILED")
    console.allow("ERR_INTERNET_DISCONNECTED")
    console.allow("Failed to fetch")
    questions = Questions(writer)
    break_network(writer)
    writer.locator("#id_text").fill("Written without a network")
    writer.get_by_label("Transactional").check(force=True)
    expect(writer.locator("#saved")).to_contain_text("the server does not answer")
    questions.leave = False
    writer.get_by_role("link", name="Dashboard").click()
    expect(writer.locator("#id_text")).to_have_value("Written without a network")
    assert questions.count == 1
    questions.leave = True
    writer.reload()
    assert questions.count == 2
    expect(writer.locator("#id_text")).to_have_value("")
    expect(writer.locator("#kept")).to_be_visible()
    look(writer, "composer-kept")
    writer.unroute(AUTOSAVE)
    writer.get_by_role("button", name="Restore changes").click()
    expect(writer.locator("#id_text")).to_have_value("Written without a network")
    expect(writer.get_by_label("Transactional")).to_be_checked()
    expect_saved(writer)
    campaign = Campaign.objects.get()
    assert (campaign.text, campaign.promotional) == ("Written without a network", False)
    writer.wait_for_function(f"async () => await ({KEPT})() === 0")

    writer.context.set_offline(True)  # the laptop sleeps
    writer.locator("#id_text").fill("Before it slept")
    expect(writer.locator("#saved")).to_contain_text("the server does not answer")
    writer.context.set_offline(False)
    expect_saved(writer)

    break_network(writer)
    writer.locator("#id_text").fill("Not for others")
    expect(writer.locator("#saved")).to_contain_text("the server does not answer")
    assert writer.evaluate(KEPT) == 1
    writer.get_by_role("button", name="Olena Koval").click()
    writer.get_by_role("button", name="Sign out").click()
    expect(writer.get_by_role("heading", name="Sign in")).to_be_visible()
    assert writer.evaluate(KEPT) == 0


def test_what_is_typed_before_the_script_runs_is_saved(
    writer: Page, script_held_back: Callable[[], None]
) -> None:
    campaign = draft(text="At first")
    writer.goto(f"/campaigns/{campaign.pk}/edit", wait_until="commit")
    writer.locator("#id_text").fill("Typed at once")
    with writer.expect_response(AUTOSAVE) as answer:
        script_held_back()
    assert answer.value.status == 200
    campaign.refresh_from_db()
    assert campaign.text == "Typed at once"


def test_two_tabs_back_and_a_refresh_in_mid_upload_lose_nothing(
    writer: Page, console: Console, tmp_path: Path
) -> None:
    console.allow("409")
    questions = Questions(writer)
    address = f"/campaigns/{draft(text='At first').pk}/edit"
    writer.goto(address)
    tab = writer.context.new_page()
    console.watch(tab)
    tab.goto(address)
    with tab.expect_response(AUTOSAVE):
        tab.locator("#id_text").fill("In the other tab")
    tab.close()
    writer.locator("#id_text").fill("In this tab")
    expect(writer.locator("#saved")).to_contain_text("this draft was changed elsewhere")
    writer.get_by_role("link", name="Dashboard").click()
    expect(writer.get_by_role("heading", name="Dashboard")).to_be_visible()
    assert questions.count == 1
    writer.go_back()
    expect(writer.locator("#id_text")).to_have_value("In the other tab")
    writer.get_by_role("button", name="Restore changes").click()
    expect(writer.locator("#id_text")).to_have_value("In this tab")
    expect(writer.locator("#saved")).to_contain_text("this draft was changed elsewhere")
    writer.get_by_role("button", name="Save draft").click()
    writer.get_by_label("Overwrite their changes").check()
    writer.get_by_role("button", name="Save draft").click()
    expect(writer.get_by_text("Draft saved.")).to_be_visible()
    expect(writer.locator("#kept")).to_be_hidden()
    assert Campaign.objects.get().text == "In this tab"
    writer.get_by_role("link", name="Dashboard").click()
    expect(writer.get_by_role("heading", name="Dashboard")).to_be_visible()
    writer.go_back()
    expect(writer.locator("#id_text")).to_have_value("In this tab")
    with writer.expect_response(AUTOSAVE, timeout=30_000) as answer:
        writer.locator("#id_text").fill("After going back")
    assert answer.value.status == 200

    file = tmp_path / "sale.png"
    Image.new("RGB", (600, 600), "teal").save(file)
    writer.route("**/pictures/upload*", lambda route: None)  # it never arrives
    writer.locator("#id_picture").set_input_files(file)
    expect(writer.locator("#picture-drop")).to_have_attribute("aria-busy", "true")
    before, questions.leave = questions.count, False
    writer.evaluate("location.reload()")
    expect(writer.locator("#id_text")).to_have_value("After going back")
    assert questions.count == before + 1
    questions.leave = True
    writer.reload()
    expect(writer.locator("#id_text")).to_have_value("After going back")
