"""What users see where the server refuses, fails or can't be reached."""

import re
from collections.abc import Callable
from unittest.mock import patch

import pytest
from django.db import OperationalError
from playwright.sync_api import Page, expect

from campaigns.compose.models import Campaign, CampaignState
from campaigns.models import Role, User
from tests.browser.conftest import Console
from tests.reports.factories import make_campaign
from viberdash.observation import missing_migrations
from viberdash.observation.error_page import without_request

Look = Callable[[Page, str], None]
VIEW = "campaigns.team.pages.views.key_kind"  # of the settings page
CHECK = "campaigns.team.pages.views.check_connection"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_each_error_has_a_page(signed_in: Page, look: Look, console: Console) -> None:
    console.allow("the server responded with a status of")
    signed_in.goto("/nowhere")
    expect(signed_in.get_by_role("heading", name="Page not found")).to_be_visible()
    look(signed_in, "error-404")
    User.objects.update(role=Role.VIEWER, is_superuser=False)
    signed_in.goto("/campaigns/new")
    expect(signed_in.get_by_role("heading", name="You don't have permission")).to_be_visible()
    look(signed_in, "error-403")


def test_failures_of_the_server_have_pages(
    signed_in: Page, look: Look, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.allow("the server responded with a status of")
    for error, name in ((RuntimeError, "error-500"), (OperationalError, "error-503")):
        with patch(VIEW, side_effect=error):
            signed_in.goto("/settings/")
            look(signed_in, name)
    known = missing_migrations.known_migrations() | {("campaigns", "9999_newer")}
    monkeypatch.setattr(missing_migrations, "known_migrations", lambda: known)
    missing_migrations._all_applied.clear()
    with patch(VIEW, side_effect=OperationalError):
        signed_in.goto("/settings/")
        expect(signed_in.get_by_role("heading", name="ViberDash is being upgraded")).to_be_visible()
        look(signed_in, "error-upgrade")
    signed_in.route(
        "**/contacts/import",
        lambda route: route.fulfill(
            status=413, content_type="text/html", body=without_request("413.html")
        ),
    )
    signed_in.goto("/contacts/import")
    expect(signed_in.get_by_role("heading", name="Too large")).to_be_visible()
    look(signed_in, "error-413")


def test_refused_part_of_a_page_is_said_in_a_message(
    signed_in: Page, look: Look, console: Console
) -> None:
    console.allow("the server responded with a status of")
    signed_in.goto("/settings/")
    check = signed_in.get_by_role("button", name="Check connection")
    said = signed_in.get_by_role("status")
    with patch(CHECK, side_effect=RuntimeError):
        check.click()
        expect(said).to_contain_text("Something went wrong. The error was logged.")
        expect(said).to_contain_text(re.compile("this number: [0-9a-f]{32}$"))
    look(signed_in, "error-message")
    User.objects.update(role=Role.VIEWER, is_superuser=False)
    check.click()
    expect(said).to_contain_text("You don't have permission to do this.")
    expect(signed_in.get_by_role("heading", name="Settings", level=1)).to_be_visible()


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    return make_campaign("Autumn", CampaignState.SENDING, timing="now")


def test_page_without_a_connection_says_so_and_goes_on(
    signed_in: Page, look: Look, console: Console, campaign: Campaign
) -> None:
    console.allow("ERR_INTERNET_DISCONNECTED")
    console.allow("Failed to fetch")
    signed_in.goto("/campaigns/")
    row = signed_in.get_by_role("row", name="Autumn")
    expect(row).to_contain_text("Sending")
    offline = signed_in.get_by_text("No connection. This page updates by itself")
    expect(offline).to_be_hidden()
    signed_in.context.set_offline(True)
    expect(offline).to_be_visible()
    look(signed_in, "offline")
    signed_in.get_by_role("button", name="Actions for Autumn").click()
    expect(signed_in.get_by_text("No connection. Check your network")).to_be_visible()
    signed_in.keyboard.press("Escape")
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.FINISHED)
    signed_in.context.set_offline(False)
    expect(offline).to_be_hidden()
    expect(row).to_contain_text("Finished")
