"""The frame around every page, in a real Chromium."""

from collections.abc import Callable

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.models import User
from tests.browser.conftest import Console
from tests.sandbox_fixture import RunningSandbox

Look = Callable[[Page, str], None]


def test_sign_in_leads_to_the_page_that_was_asked_for(page: Page, person: User, look: Look) -> None:
    page.goto("/account/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    look(page, "sign-in")
    page.get_by_label("User name").fill("olena")
    page.get_by_label("Password").fill("long-and-odd-7")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()


def test_sign_in_refused_says_why_and_keeps_the_name(page: Page, person: User, look: Look) -> None:
    page.goto("/sign-in/")
    page.get_by_label("User name").fill("olena")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Wrong user name or password.")).to_be_visible()
    expect(page.get_by_label("User name")).to_have_value("olena")
    look(page, "sign-in-refused")


def test_sign_out(signed_in: Page) -> None:
    signed_in.goto("/account/")
    signed_in.get_by_role("button", name="Olena Koval").click()
    signed_in.get_by_role("button", name="Sign out").click()
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
    signed_in.goto("/account/")
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("room", ["Dashboard", "Campaigns", "Contacts", "Spend", "Settings"])
def test_each_page_of_a_new_installation(signed_in: Page, look: Look, room: str) -> None:
    signed_in.goto("/account/")
    signed_in.get_by_role("navigation", name="Main").get_by_role("link", name=room).click()
    expect(signed_in.locator(".side-link[aria-current]")).to_have_text(room)
    expect(signed_in.get_by_role("heading", level=1)).to_have_count(1)
    look(signed_in, f"new-{room.lower()}")


def test_page_that_was_open_too_long_asks_to_sign_in_again(signed_in: Page) -> None:
    signed_in.goto("/settings/")
    signed_in.wait_for_load_state("networkidle")
    Session.objects.all().delete()
    signed_in.get_by_role("button", name="Check connection").click()
    expect(signed_in.get_by_role("heading", name="Sign in")).to_be_visible()
    assert signed_in.url.endswith("/sign-in/?next=/settings/")


def test_settings(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/")
    expect(
        signed_in.get_by_role("navigation", name="Main").get_by_role("link", name="Settings")
    ).to_have_attribute("aria-current", "page")
    look(signed_in, "settings")


def test_page_says_that_the_gateway_is_down(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/")
    signed_in.get_by_role("button", name="Check connection").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("The gateway does not answer.")
    look(signed_in, "settings-gateway-down")


def test_gateway_that_answers_shows_the_balance(
    signed_in: Page, look: Look, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL = sandbox.api_url
    sandbox.fund("1234.5")
    signed_in.goto("/settings/")
    signed_in.get_by_role("button", name="Check connection").click()
    expect(signed_in.get_by_text("The gateway answers and accepts the key.")).to_be_visible()
    expect(signed_in.locator("#gateway-answer")).to_contain_text("1,234.50 EUR")
    look(signed_in, "settings-gateway-up")


def test_page_says_that_the_key_is_wrong(
    signed_in: Page, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, "nobodys_key_00000"
    signed_in.goto("/settings/")
    signed_in.get_by_role("button", name="Check connection").click()
    expect(signed_in.get_by_role("alert")).to_contain_text("BSG does not accept the API key.")
    assert "nobodys_key_00000" not in signed_in.content()


def test_everything_about_the_gateway_is_checked(
    signed_in: Page, look: Look, sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.BSG_API_URL = sandbox.api_url
    signed_in.goto("/settings/")
    signed_in.get_by_role("link", name="Check everything").click()
    look(signed_in, "gateway-check-empty")
    signed_in.get_by_role("button", name="Check", exact=True).click()
    expect(signed_in.get_by_text("answers and accepts the key")).to_be_visible()
    look(signed_in, "gateway-check")


def test_senders_are_added_and_removed_after_asking(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/")
    signed_in.get_by_role("link", name="Senders").click()
    look(signed_in, "senders-empty")
    signed_in.get_by_label("Sender").fill("Shop")
    signed_in.get_by_role("button", name="Add sender").click()
    row = signed_in.get_by_role("row", name="Shop")
    row.get_by_role("button", name="Remove").click()
    dialog = signed_in.get_by_role("dialog", name="Remove “Shop”?")
    expect(dialog).to_contain_text("No campaign uses this sender.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    look(signed_in, "senders-dialog")
    signed_in.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(row.get_by_role("button", name="Remove")).to_be_focused()
    row.get_by_role("button", name="Remove").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(signed_in.get_by_text("Sender “Shop” removed.")).to_be_visible()
    expect(row).to_have_count(0)


def test_account_errors_are_at_the_field_and_keep_the_input(signed_in: Page, look: Look) -> None:
    signed_in.goto("/account/password/")
    signed_in.get_by_label("Current password").fill("long-and-odd-7")
    signed_in.locator("#id_password1").fill("12345678")
    signed_in.get_by_label("Repeat the new password").fill("12345678")
    signed_in.get_by_role("button", name="Change password").click()
    expect(signed_in.locator("#id_password1")).to_be_focused()
    expect(signed_in.get_by_text("Use at least 15 characters.")).to_be_visible()
    look(signed_in, "password-refused")


def test_account_saves_name_and_time_zone(signed_in: Page, person: User, look: Look) -> None:
    signed_in.goto("/account/")
    look(signed_in, "account")
    signed_in.get_by_label("Last name").fill("Melnyk")
    signed_in.get_by_label("Time zone").select_option("Europe/Kyiv")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    expect(signed_in.get_by_role("button", name="Olena Melnyk")).to_be_visible()
    person.refresh_from_db()
    assert person.time_zone == "Europe/Kyiv"


def test_theme_is_remembered(signed_in: Page) -> None:
    signed_in.emulate_media(color_scheme="light")
    signed_in.goto("/account/")
    signed_in.get_by_role("button", name="Olena Koval").click()
    signed_in.get_by_role("button", name="Dark").click()
    assert signed_in.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    signed_in.reload()
    assert signed_in.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    signed_in.get_by_role("button", name="Olena Koval").click()
    expect(signed_in.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    signed_in.get_by_role("button", name="System").click()
    assert signed_in.evaluate("document.documentElement.dataset.bsTheme") == "light"


def test_menu_of_small_screens_opens_and_closes(signed_in: Page, look: Look) -> None:
    signed_in.set_viewport_size({"width": 360, "height": 740})
    signed_in.goto("/settings/")
    account = signed_in.get_by_role("link", name="Campaigns")
    expect(account).to_be_hidden()
    signed_in.get_by_role("button", name="Menu").click()
    expect(account).to_be_visible()
    look(signed_in, "menu")
    signed_in.keyboard.press("Escape")
    expect(account).to_be_hidden()
    expect(signed_in.get_by_role("button", name="Menu")).to_be_focused()


def test_skip_link_is_the_first_stop_of_the_keyboard(signed_in: Page) -> None:
    signed_in.goto("/settings/")
    signed_in.keyboard.press("Tab")
    expect(signed_in.get_by_role("link", name="Skip to the content")).to_be_focused()
    signed_in.keyboard.press("Enter")
    expect(signed_in.locator("#content")).to_be_focused()


def test_every_page_names_the_sandbox(signed_in: Page) -> None:
    signed_in.goto("/account/")
    expect(signed_in.get_by_text("Sandbox", exact=True)).to_be_visible()


def test_every_icon_that_is_used_is_in_the_sprite(signed_in: Page) -> None:
    signed_in.goto("/settings/")
    missing = signed_in.evaluate("""async () => {
            const uses = [...document.querySelectorAll("svg.icon use")];
            const names = uses.map(use => use.getAttribute("href"));
            const sprite = await (await fetch(names[0].split("#")[0])).text();
            const ids = names.map(name => name.split("#")[1]);
            return ids.filter(id => !sprite.includes(`id="${id}"`));
        }""")
    assert missing == []


@pytest.mark.parametrize("address", ["/nothing/", "/campaigns/999999/"])
def test_missing_pages_have_a_way_on(
    signed_in: Page, console: Console, look: Look, address: str
) -> None:
    console.allow("404")
    signed_in.goto(address)
    expect(signed_in.get_by_role("heading", name="Page not found")).to_be_visible()
    expect(signed_in.get_by_role("link", name="Go to the dashboard")).to_be_visible()
    look(signed_in, "404")


def test_pages_work_without_javascript(browser: object, live_server: object, person: User) -> None:
    from playwright.sync_api import Browser

    assert isinstance(browser, Browser)
    context = browser.new_context(base_url=str(live_server), java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("User name").fill("olena")
    page.get_by_label("Password").fill("long-and-odd-7")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto("/settings/")
    expect(page.get_by_role("link", name="Campaigns")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    context.close()


def test_unsafe_settings_are_a_slim_line(signed_in: Page, settings: Settings, look: Look) -> None:
    settings.INSECURE_SETTINGS = ["HOST", "BSG_API_URL"]
    signed_in.goto("/settings/")
    expect(signed_in.locator(".insecure-setting")).to_have_count(2)
    look(signed_in, "insecure-settings")
