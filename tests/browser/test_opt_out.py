"""The page on which a recipient opts out, as their phone shows it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.contacts.models import StopListEntry
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import OptOut
from tests.engagement import visits

Look = Callable[[Page, str], None]


@pytest.fixture
def link(page: Page, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    """The link of a recipient; their browser gets there what the web server would answer."""
    base = f"https://{visits.HOST}"
    settings.LINK_BASE_URL, settings.LINK_HOST = base, visits.HOST
    visits.start_afresh(monkeypatch)

    def answer(route: Route) -> None:
        request = route.request
        got = visits.open_path(
            request.url.removeprefix(base), method=request.method, form=request.post_data or ""
        )
        route.fulfill(status=got.status, headers=got.headers, body=got.body)

    page.route(f"{base}/*", answer)
    visits.sent(1, text="Sale {unsubscribe}")
    return f"{base}/{visits.code(Recipient.objects.get(), PageTag.OPT_OUT.number)}"


def test_recipient_opts_out_and_back(page: Page, link: str, look: Look) -> None:
    page.goto(link)
    expect(page.get_by_role("heading", name="Unsubscribe")).to_be_visible()
    page.get_by_label("Why?").select_option("Too many messages")
    look(page, "opt-out")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    assert OptOut.objects.get().reason == "too_many"
    assert StopListEntry.objects.count() == 1
    look(page, "opted-out")
    page.get_by_role("button", name="Subscribe again").click()
    expect(page.get_by_role("heading", name="Unsubscribe")).to_be_visible()
    assert StopListEntry.objects.count() == 0
