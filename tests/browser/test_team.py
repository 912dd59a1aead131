"""Inviting a user, choosing a password with the link, and signing in with it."""

import re

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings

from campaigns.models import Role, User
from campaigns.shared.brands.scope import MAIN
from campaigns.team import accounts
from campaigns.team.brand_keys import storage
from campaigns.team.brands import roles_of
from campaigns.team.sign_in.links import link_for
from tests.brand_keys import ENCRYPTION_KEY, OWN_KEY, make_brand
from tests.browser.conftest import Console, Look, sign_out

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
POLL = """() => {
  const part = document.createElement("div");
  const attributes = { "hx-get": "/session", "hx-trigger": "every 1s", "hx-swap": "none" };
  for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
  document.body.append(part);
  htmx.process(part);
}"""
NEW = "violet lamp under the bridge"


def test_invitation_from_the_form_to_the_first_page(
    signed_in: Page, browser: Browser, live_server: object, console: Console, look: Look
) -> None:
    signed_in.goto("/settings/")
    signed_in.get_by_role("link", name="Team").click()
    signed_in.get_by_label("User name").fill("ivan")
    signed_in.get_by_label("First name").fill("Ivan")
    signed_in.get_by_label("Last name").fill("Bondar")
    signed_in.get_by_label("Role").select_option("Approver")
    signed_in.get_by_role("button", name="Invite").click()
    expect(signed_in.get_by_role("heading", name="Ivan Bondar")).to_be_visible()
    signed_in.get_by_role("button", name="Create a link").click()
    link = signed_in.get_by_label("Link").input_value()
    look(signed_in, "member-link")
    signed_in.get_by_role("link", name="Team").click()
    look(signed_in, "team")
    guest = browser.new_context(base_url=str(live_server)).new_page()
    console.watch(guest)
    guest.goto(link)
    expect(guest.get_by_text("For the account ivan")).to_be_visible()
    look(guest, "choose-password")
    guest.locator("#id_password1").fill(NEW)
    guest.get_by_label("Repeat the new password").fill(NEW)
    guest.get_by_role("button", name="Set password").click()
    expect(guest.get_by_role("heading", name="Your password is set")).to_be_visible()
    look(guest, "password-chosen")
    guest.get_by_role("link", name="Sign in").click()
    guest.get_by_label("User name").fill("ivan")
    guest.get_by_label("Password").fill(NEW)
    guest.get_by_role("button", name="Sign in", exact=True).click()
    expect(guest.get_by_role("heading", name="Dashboard")).to_be_visible()
    guest.goto(link)
    expect(guest.get_by_role("heading", name="This link is not valid")).to_be_visible()
    look(guest, "link-used")
    guest.context.close()


def test_a_brand_is_made_and_worked_in(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/")
    signed_in.get_by_role("link", name="Brands").click()
    signed_in.get_by_label("Name").fill("Second Shop")
    signed_in.get_by_role("button", name="Add brand").click()
    look(signed_in, "brands")
    signed_in.get_by_role("button", name="Change the brand").click()
    signed_in.get_by_role("link", name="Second Shop").click()
    expect(signed_in).to_have_url(re.compile(r"/b/second-shop/$"))
    look(signed_in, "dashboard-of-a-brand")
    signed_in.get_by_role("link", name="Contacts", exact=True).click()
    expect(signed_in).to_have_url(re.compile(r"/b/second-shop/contacts/$"))
    signed_in.goto("/b/second-shop/settings/labels/")
    signed_in.get_by_label("Label").fill("Theirs")
    signed_in.get_by_role("button", name="Add label").click()
    expect(signed_in.get_by_role("rowheader", name="Theirs")).to_be_visible()
    signed_in.goto("/settings/labels/")
    expect(signed_in.get_by_text("No labels yet")).to_be_visible()
    other = User.objects.create_user("ivan", role=Role.VIEWER)
    signed_in.goto(f"/settings/team/{other.pk}/")
    signed_in.get_by_label("Second Shop").select_option("Marketer")
    signed_in.locator("#id_role_1").select_option("No access")
    look(signed_in, "roles-in-brands")
    signed_in.get_by_role("button", name="Change roles").click()
    expect(signed_in.get_by_text("The roles of ivan were changed.")).to_be_visible()
    assert roles_of(User.objects.get(username="ivan")) == {MAIN + 1: Role.MARKETER}


def test_account_is_closed_after_a_question_and_reopened(signed_in: Page, look: Look) -> None:
    ivan = User.objects.create_user("ivan", password=NEW, role=Role.MARKETER)
    signed_in.goto(f"/settings/team/{ivan.pk}/")
    look(signed_in, "member")
    signed_in.get_by_role("button", name="Close account").click()
    dialog = signed_in.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text("Close the account ivan?")
    dialog.get_by_role("button", name="Close account").click()
    expect(signed_in.get_by_text("The account ivan is closed.")).to_be_visible()
    signed_in.get_by_role("button", name="Reopen account").click()
    expect(signed_in.get_by_text("The account ivan is open again.")).to_be_visible()


def test_password_that_has_to_be_changed(signed_in: Page, person: User, look: Look) -> None:
    User.objects.update(must_change_password=True)
    signed_in.goto("/campaigns/")
    expect(signed_in.get_by_role("heading", name="Choose your own password")).to_be_visible()
    look(signed_in, "password-due")
    signed_in.get_by_label("Current password").fill("long-and-odd-7")
    signed_in.locator("#id_password1").fill(NEW)
    signed_in.get_by_label("Repeat the new password").fill(NEW)
    signed_in.get_by_role("button", name="Change password").click()
    expect(signed_in.get_by_text("Password changed.")).to_be_visible()
    expect(signed_in.get_by_role("heading", name="Your account")).to_be_visible()


def test_pages_of_a_forgotten_password(
    page: Page, person: User, settings: Settings, look: Look
) -> None:
    page.goto("/sign-in/")
    page.get_by_role("link", name="Forgot your password?").click()
    expect(page.get_by_text("manage.py password_link")).to_be_visible()
    look(page, "forgotten-without-mail")
    settings.SENDS_MAIL = True
    page.reload()
    look(page, "forgotten")
    page.get_by_label("E-mail").fill("nobody@example.com")
    page.get_by_role("button", name="E-mail me a link").click()
    expect(page.get_by_role("heading", name="Check your e-mail")).to_be_visible()
    look(page, "forgotten-sent")
    page.goto("/sign-in/closed/")
    look(page, "account-closed")


def test_link_is_followed_by_who_is_signed_in_as_somebody_else(signed_in: Page) -> None:
    ivan = User.objects.create_user("ivan", password=NEW, role=Role.MARKETER)
    signed_in.goto(link_for(ivan).partition("8000")[2])
    expect(signed_in.get_by_text("For the account ivan")).to_be_visible()


def test_requests_that_nobody_asked_for_are_marked(signed_in: Page) -> None:
    signed_in.goto("/settings/")
    signed_in.wait_for_load_state("networkidle")
    with signed_in.expect_request("**/session") as polled:
        signed_in.evaluate(POLL)
    assert polled.value.headers["x-background"] == "true"
    with signed_in.expect_request("**/gateway-check") as pressed:
        signed_in.get_by_role("button", name="Check connection").click()
    assert "x-background" not in pressed.value.headers
    signed_in.goto("/campaigns/new")
    signed_in.wait_for_load_state("networkidle")
    with signed_in.expect_request("**/figures*") as typed:
        signed_in.locator("#id_text").press_sequentially("Hi")
    assert "x-background" not in typed.value.headers


def test_sessions_of_the_account(signed_in: Page, person: User, look: Look) -> None:
    sign_out(signed_in)
    signed_in.goto("/sign-in/?next=/account/")
    signed_in.get_by_label("User name").fill("olena")
    signed_in.get_by_label("Password").fill("long-and-odd-7")
    signed_in.get_by_role("button", name="Sign in", exact=True).click()
    expect(signed_in.get_by_text("this session")).to_be_visible()
    elsewhere = Client(REMOTE_ADDR="192.0.2.9", HTTP_USER_AGENT="Firefox/143.0 (Windows NT 10.0)")
    elsewhere.post("/sign-in/", {"login": "olena", "password": "long-and-odd-7"})
    signed_in.reload()
    expect(signed_in.get_by_text("Firefox, Windows · 192.0.2.9")).to_be_visible()
    look(signed_in, "account-sessions")
    signed_in.goto(f"/settings/team/{person.pk}/")
    look(signed_in, "member-sessions")


def test_a_brand_gets_an_api_key(signed_in: Page, settings: Settings, look: Look) -> None:
    settings.KEY_ENCRYPTION_KEYS = [ENCRYPTION_KEY]
    toys = make_brand()
    accounts.load()
    signed_in.goto("/settings/brands/")
    signed_in.get_by_role("row", name="Toys").get_by_role("link", name="API key").click()
    expect(signed_in.get_by_text("Shared: BSG_API_KEY")).to_be_visible()
    look(signed_in, "brand-key-shared")
    signed_in.locator("#id_api_key").fill(OWN_KEY)
    signed_in.get_by_role("button", name="Set the key").click()
    expect(signed_in.get_by_text("Its own, a live key")).to_be_visible()
    expect(signed_in.locator("#id_api_key")).to_have_value("")
    look(signed_in, "brand-key-new")
    signed_in.get_by_role("link", name="Say which").click()
    expect(signed_in).to_have_url(re.compile(r"/b/toys/settings/$"))
    look(signed_in, "brand-key-asked")
    signed_in.get_by_role("button", name="Another account").click()
    expect(signed_in.get_by_text("Whose key is it?")).to_have_count(0)
    signed_in.goto(f"/settings/brands/{toys.pk}/key")
    signed_in.get_by_role("button", name="Remove the key").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Remove the key").click()
    expect(signed_in.get_by_text("Shared: BSG_API_KEY")).to_be_visible()
    storage.store(None, toys, OWN_KEY)
    settings.KEY_ENCRYPTION_KEYS = []
    signed_in.goto(f"/settings/brands/{toys.pk}/key")
    look(signed_in, "brand-key-unreadable")
