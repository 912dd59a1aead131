"""Second factors in the browser: an app, passkeys of a simulated device, signing in with them."""

import re

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.compose.models import ApprovalLimit
from campaigns.models import Contact, ContactList, Role, User
from campaigns.team.sign_in import sessions
from campaigns.team.sign_in.links import link_for
from tests.browser.conftest import Console, Look, sign_in, sign_out
from tests.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.passkeys import make_passkey
from tests.team.test_factors import code_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def plug_in(page: Page) -> str:
    """Give the browser a device that keeps passkeys; return its id."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    return str(added["authenticatorId"])


def enter_password(page: Page) -> None:
    page.get_by_label("User name").fill("olena")
    page.get_by_label("Password").fill("long-and-odd-7")
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_app_that_is_required_is_set_up_and_asked_for(
    signed_in: Page, settings: Settings, look: Look
) -> None:
    settings.REQUIRE_SECOND_FACTOR = True
    signed_in.goto("/campaigns/")
    expect(signed_in.get_by_role("heading", name="Set up a second factor")).to_be_visible()
    look(signed_in, "factor-due")
    signed_in.get_by_role("link", name="Authenticator app").click()
    look(signed_in, "factor-app")
    box = signed_in.get_by_role("img", name="QR code").bounding_box()
    assert box
    assert box["width"] >= 200
    signed_in.get_by_text("You can't scan it?").click()
    secret = signed_in.get_by_label("Type this key into the app:").input_value()
    signed_in.get_by_label("Code").fill("000000")
    signed_in.get_by_role("button", name="Set up").click()
    expect(signed_in.get_by_text("This is not right. Try again.")).to_be_visible()
    look(signed_in, "factor-app-wrong")
    signed_in.get_by_label("Code").fill(code_of(secret))
    signed_in.get_by_role("button", name="Set up").click()
    expect(signed_in.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look(signed_in, "recovery-codes")
    with signed_in.expect_download() as download:
        signed_in.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "recovery-codes.txt"
    signed_in.get_by_role("link", name="Second factor").click()
    look(signed_in, "factors-app")
    sign_out(signed_in)
    signed_in.goto("/sign-in/?next=/spend/")
    enter_password(signed_in)
    expect(signed_in.get_by_role("heading", name="Second factor")).to_be_visible()
    look(signed_in, "second-step-code")
    signed_in.get_by_label("Code").fill(code_of(secret))
    signed_in.get_by_role("button", name="Sign in", exact=True).click()
    expect(signed_in).to_have_url(re.compile("[0-9]/spend/$"))


def test_passkey_is_added_signs_in_alone_and_after_the_password(
    signed_in: Page, person: User, look: Look
) -> None:
    signed_in.goto("/account/")
    look(signed_in, "account")
    signed_in.get_by_role("link", name="Second factor").click()
    look(signed_in, "factors-none")
    signed_in.get_by_role("link", name="Add a passkey").click()
    plug_in(signed_in)
    look(signed_in, "passkey-add")
    signed_in.get_by_label("Name").fill("Work laptop")
    signed_in.get_by_role("button", name="Add passkey").click()
    expect(signed_in.get_by_role("heading", name="Recovery codes")).to_be_visible()
    signed_in.get_by_role("link", name="Second factor").click()
    signed_in.get_by_role("link", name="Rename").click()
    look(signed_in, "passkey-rename")
    signed_in.get_by_label("Name").fill("Old laptop")
    signed_in.get_by_role("button", name="Save").click()
    expect(signed_in.get_by_text("Old laptop")).to_be_visible()
    look(signed_in, "factors-passkey")

    sign_out(signed_in)
    signed_in.goto("/sign-in/?next=/account/factors/")
    look(signed_in, "sign-in-passkey")
    signed_in.get_by_role("button", name="Sign in with a passkey").click()
    expect(signed_in.get_by_role("heading", name="Passkeys")).to_be_visible()

    sign_out(signed_in)
    signed_in.goto("/sign-in/?next=/account/factors/")
    enter_password(signed_in)
    expect(signed_in.get_by_role("heading", name="Second factor")).to_be_visible()
    look(signed_in, "second-step-passkey")
    signed_in.get_by_role("button", name="Use a passkey").click()
    expect(signed_in.get_by_role("heading", name="Passkeys")).to_be_visible()

    signed_in.get_by_role("button", name="Remove").click()
    dialog = signed_in.get_by_role("dialog")
    expect(dialog).to_contain_text("It is your only second factor.")
    dialog.get_by_role("button", name="Remove").click()
    expect(signed_in.get_by_text("The passkey “Old laptop” is removed.")).to_be_visible()


def test_passkey_that_is_not_used_is_said_so(page: Page, person: User) -> None:
    device = plug_in(page)
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    page.goto("/sign-in/")
    page.get_by_role("button", name="Sign in with a passkey").click()  # the device has none
    expect(page.get_by_role("alert")).to_have_text("No passkey was used. Try again.")
    assert device


def age() -> None:
    """Let each sign-in be long ago."""
    for row in Session.objects.all():
        session = SessionStore(row.session_key)
        session[sessions.SINCE] -= 11 * 60
        session[AUTHENTICATION_METHODS_SESSION_KEY] = []
        session.save()


def confirm(page: Page) -> None:
    expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    page.get_by_label("Password").fill("long-and-odd-7")
    page.get_by_role("button", name="Confirm").click()


def test_form_goes_on_after_a_confirmation(
    signed_in: Page, person: User, look: Look, console: Console
) -> None:
    console.allow("422")
    age()
    signed_in.goto("/settings/approval/")
    signed_in.get_by_label("Currency").fill("EUR")
    signed_in.get_by_label("Approval needed above").fill("not a number")
    signed_in.get_by_role("button", name="Set limit").click()
    look(signed_in, "confirm")
    confirm(signed_in)
    expect(signed_in).to_have_url(re.compile("/settings/approval/$"))
    expect(signed_in.locator(".is-invalid")).to_have_value("not a number")
    signed_in.get_by_label("Approval needed above").fill("25")
    age()
    signed_in.get_by_role("button", name="Set limit").click()
    confirm(signed_in)
    expect(signed_in.get_by_text("Approval limit saved.")).to_be_visible()
    expect(signed_in.get_by_text("25.00")).to_be_visible()
    signed_in.go_back()
    expect(signed_in.get_by_role("main")).to_be_visible()
    assert ApprovalLimit.objects.count() == 1


def test_download_goes_on_after_a_confirmation_with_a_passkey(
    signed_in: Page, person: User, look: Look
) -> None:
    plug_in(signed_in)
    signed_in.goto("/account/factors/passkey/")
    signed_in.get_by_role("button", name="Add passkey").click()
    expect(signed_in.get_by_role("heading", name="Recovery codes")).to_be_visible()
    clients = ContactList.objects.create(name="Clients", contact_count=1)
    Contact.objects.create(list=clients, msisdn="380970000001", country="UA")
    age()
    signed_in.goto(f"/contacts/{clients.pk}/")
    signed_in.get_by_role("button", name="Actions for Clients").click()
    signed_in.get_by_role("link", name="Export CSV").click()
    signed_in.get_by_role("link", name="Use a passkey").click()
    look(signed_in, "confirm-passkey")
    with signed_in.expect_download() as download:
        signed_in.get_by_role("button", name="Use a passkey").click()
    assert download.value.suggested_filename == f"list-{clients.pk}.csv"
    look(signed_in, "confirm-download")
    signed_in.get_by_role("link", name="Back").click()
    expect(signed_in).to_have_url(re.compile(f"/contacts/{clients.pk}/$"))


def test_signing_in_with_a_provider(
    page: Page, person: User, settings: Settings, oidc_provider: OidcProvider, look: Look,
    console: Console,
) -> None:  # fmt: skip
    settings.OIDC_ISSUER, settings.OIDC_NAME = oidc_provider.issuer, "Company"
    settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = CLIENT, SECRET
    console.allow("403")
    page.goto("/sign-in/?next=/spend/")
    look(page, "sign-in-oidc")
    page.get_by_role("link", name="Sign in with Company").click()
    expect(page.get_by_text("Ask an administrator for an invitation.")).to_be_visible()
    look(page, "oidc-refused")
    page.goto(link_for(person).partition("8000")[2])
    look(page, "choose-password-oidc")
    page.get_by_role("link", name="Sign in with Company").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    age()
    page.goto("/account/factors/app/")
    expect(page.get_by_role("heading", name="Set up an authenticator app")).to_be_visible()


def test_lost_factor_is_reset_by_two_administrators(
    signed_in: Page, person: User, live_server: object, look: Look
) -> None:
    ivan = User.objects.create_user("ivan", password="long-and-odd-7", role=Role.APPROVER)
    make_passkey(ivan)
    signed_in.goto(f"/settings/team/{ivan.pk}/")
    look(signed_in, "member-with-factor")
    signed_in.get_by_role("button", name="Ask to remove it").click()
    expect(signed_in.get_by_text("Another administrator has to confirm this.")).to_be_visible()
    look(signed_in, "member-factor-asked")
    second = User.objects.create_user("second", password="x", role=Role.ADMINISTRATOR)
    sign_in(signed_in, second, str(live_server))
    signed_in.goto(f"/settings/team/{ivan.pk}/")
    look(signed_in, "member-factor-to-confirm")
    signed_in.get_by_role("button", name="Remove it").click()
    signed_in.get_by_role("dialog").get_by_role("button", name="Remove it").click()
    expect(signed_in.get_by_text("The second factor is removed.")).to_be_visible()
    signed_in.goto("about:blank")  # what that page still asked for would load it anew
    User.objects.filter(pk=second.pk).update(has_short_password=True)
    signed_in.goto("/")
    expect(signed_in.get_by_role("heading", name="Choose a longer password")).to_be_visible()
    look(signed_in, "password-too-short")
