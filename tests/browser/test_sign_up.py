"""Somebody signs up to a list on their phone, confirms by the message, and later chooses lists."""

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.utils import timezone
from PIL import Image
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from campaigns.compose.message.tracking.tracked_links import PageTag
from campaigns.contacts.models import Contact, Person
from campaigns.dispatch.freeze import events
from campaigns.dispatch.models import Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.engagement.sign_up.models import SignUpDay, SignUpPage
from campaigns.shared.brands.scope import MAIN
from tests.browser.conftest import Console, Look
from tests.engagement import signing_up, visits
from tests.sandbox_fixture import RunningSandbox

BASE = f"https://{visits.HOST}"


@pytest.fixture(autouse=True)
def links(
    page: Page,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sandbox: RunningSandbox,
) -> None:
    """What is opened at the host of links gets what the web server would answer."""
    settings.LINK_BASE_URL, settings.LINK_HOST = BASE, visits.HOST
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, sandbox.key
    settings.MEDIA_ROOT, settings.SIGN_UP_WORK_BITS = str(tmp_path), 12
    visits.start_afresh(monkeypatch)

    def answer(route: Route) -> None:
        request = route.request
        path, form = request.url.removeprefix(BASE), request.post_data or ""
        got = visits.open_path(path, method=request.method, form=form)
        route.fulfill(status=got.status, headers=got.headers, body=got.body)

    page.route(f"{BASE}/**", answer)


def set_up(page: Page, look: Look) -> SignUpPage:
    """Set a logo, offer a list and open its sign-up page, as a user does."""
    buffer = BytesIO()
    Image.new("RGB", (320, 96), "#5b4bc4").save(buffer, "PNG")
    page.goto(f"/settings/brands/{MAIN}/logo")
    page.get_by_label("Image file").set_input_files(
        {"name": "logo.png", "mimeType": "image/png", "buffer": buffer.getvalue()}
    )
    page.get_by_role("button", name="Set logo").click()
    expect(page.get_by_role("button", name="Remove logo")).to_be_visible()
    look(page, "brand-logo")
    contacts, _trigger = signing_up.news(), signing_up.trigger()
    page.goto(f"/contacts/{contacts.pk}/public")
    page.get_by_label("Description").fill("New things, once a week")
    look(page, "list-public")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("offered to recipients as “Shop News”")).to_be_visible()
    page.goto(f"/contacts/{contacts.pk}/sign-up")
    page.get_by_label("People can sign up themselves").check()
    page.get_by_label("What they agree to").fill(signing_up.WORDING)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Choose the trigger whose message asks")).to_be_visible()
    page.get_by_label("Trigger of the message").select_option("sign-up")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("1,000 messages, 15.00")).to_be_visible()
    SignUpDay.objects.create(
        list=contacts, day=timezone.localdate() - timedelta(days=1), asked=12, confirmed=9
    )
    page.reload()
    look(page, "list-sign-up")
    return SignUpPage.objects.get()


def test_sign_up_and_choose_lists(
    signed_in: Page, look: Look, console: Console, sandbox: RunningSandbox
) -> None:
    console.allow("422")  # a phone that is none
    page, public = set_up(signed_in, look), signed_in
    public.goto(f"{BASE}/s/{page.code}")
    expect(public.get_by_role("heading", name="Shop News")).to_be_visible()
    look(public, "sign-up")
    public.get_by_label("Your mobile number").fill("12")
    public.get_by_role("checkbox").check()
    public.get_by_role("button", name="Sign up").click()
    expect(public.get_by_text("Enter a mobile number")).to_be_visible()
    look(public, "sign-up-error")
    public.get_by_label("Your mobile number").fill("097 123 45 67")
    public.get_by_role("button", name="Sign up").click()
    expect(public.get_by_role("heading", name="Look at your phone")).to_be_visible()
    look(public, "sign-up-sent")
    assert page.trigger is not None
    events.take(page.trigger.pk)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    [message] = sandbox.messages()
    public.goto(message["text"].removeprefix("Confirm: "))
    look(public, "confirm")
    assert Contact.objects.count() == 0
    public.get_by_role("button", name="Confirm").click()
    expect(public.get_by_role("heading", name="You are signed up")).to_be_visible()
    look(public, "confirmed")
    assert Contact.objects.get().list == page.list
    assert Person.objects.get().consent == "given"
    choose_lists(public, look)


def choose_lists(public: Page, look: Look) -> None:
    signing_up.news("Sales")
    campaign = visits.sent(1, text="Sale {preferences}")
    recipient = Recipient.objects.get(campaign=campaign)
    public.goto(f"{BASE}/{visits.code(recipient, PageTag.PREFERENCES.number)}")
    expect(public.get_by_role("checkbox", name=re.compile("Shop News"))).not_to_be_checked()
    public.get_by_role("checkbox", name=re.compile("Shop Sales")).check()
    public.get_by_role("button", name="Save").click()
    expect(public.get_by_text("Your choice is saved.")).to_be_visible()
    look(public, "preferences")
    [contact] = Contact.objects.filter(msisdn=recipient.msisdn, list__name="Sales")
    assert contact.list.contact_count == 1
    public.get_by_role("button", name="Stop all messages").click()
    expect(public.get_by_role("heading", name="You are unsubscribed")).to_be_visible()
    look(public, "preferences-stopped")
