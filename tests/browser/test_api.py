"""A user makes a token, and tries an operation with it on the page that describes the API."""

import re

import pytest
from playwright.sync_api import Page, expect

from campaigns.models import ContactList
from tests.browser.conftest import Look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_token_is_made_and_an_operation_tried(signed_in: Page, look: Look) -> None:
    """No message of the console: all of it works under the Content-Security-Policy."""
    ContactList.objects.create(name="Clients")
    signed_in.goto("/settings/")
    signed_in.get_by_role("main").get_by_role("link", name="API tokens").click()
    look(signed_in, "api-tokens-none")
    signed_in.get_by_label("Name").fill("CRM")
    signed_in.get_by_role("button", name="Create token").click()
    shown = signed_in.locator(".token-text")
    expect(shown).to_have_text(re.compile("vd_[A-Za-z0-9]{40}"))
    text = shown.inner_text()
    look(signed_in, "api-token-made")
    signed_in.get_by_role("link", name="Describe and try the API").click()
    first = signed_in.get_by_text("/api/v1/lists", exact=True).first
    expect(first).to_be_visible(timeout=30_000)  # it draws all operations
    signed_in.get_by_role("button", name="Authorize").click()
    look(signed_in, "api-authorize")
    signed_in.locator(".auth-container input").fill(text)
    signed_in.locator(".auth-container").get_by_role("button", name="Apply credentials").click()
    signed_in.get_by_role("button", name="Close", exact=True).click()
    operation = signed_in.locator("#operations-Lists-list_lists")
    expect(operation.locator(".opblock-summary-description")).to_have_text("List lists")
    operation.locator(".opblock-summary-control").click()
    signed_in.get_by_role("button", name="Try it out").click()
    signed_in.get_by_role("button", name="Execute").click()
    answer = signed_in.locator(".live-responses-table")
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text('"name": "Clients"')
    look(signed_in, "api-tried")
