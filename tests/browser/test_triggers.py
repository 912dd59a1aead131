"""A draft becomes the message of a trigger, and events send it."""

import re

import pytest
from playwright.sync_api import Page, expect

from campaigns.compose.models import Trigger
from campaigns.compose.triggers.arrivals import Arrival, receive
from campaigns.dispatch.freeze import events
from tests.browser.conftest import Console, Look
from tests.dispatch import factory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_triggers(signed_in: Page, look: Look, console: Console) -> None:
    console.allow("422")  # a name that is none
    signed_in.goto("/campaigns/triggers/")
    look(signed_in, "triggers-empty")
    draft = factory.draft(text="Hi {name|friend}, your order {order} is paid.")
    signed_in.goto("/campaigns/")
    signed_in.get_by_role("button", name=re.compile("Actions")).first.click()
    signed_in.get_by_role("link", name="Send by events").click()
    signed_in.get_by_role("textbox", name="Event").fill("Order paid")
    signed_in.get_by_role("button", name="Set up trigger").click()
    expect(signed_in.get_by_text("Use small letters, digits")).to_be_visible()
    look(signed_in, "trigger-new")
    signed_in.get_by_role("textbox", name="Event").fill("order.paid")
    signed_in.get_by_role("button", name="Set up trigger").click()
    expect(signed_in.get_by_text("The trigger is set up.")).to_be_visible()
    look(signed_in, "trigger-off")
    signed_in.get_by_role("button", name="Switch on").click()
    expect(signed_in.get_by_text("The trigger is on")).to_be_visible()
    trigger = Trigger.objects.get(draft=draft)
    for number, person in enumerate((1, 2, 2, 2, 2)):
        phone = f"+38097123456{person}"
        receive(Arrival("order.paid", f"order-{number}", phone, {"order": f"{number}"}))
    events.take(trigger.pk)
    receive(Arrival("order.paid", "order-5", "+380971234563", {"order": "5"}))
    signed_in.reload()
    expect(signed_in.get_by_text("The limit of messages to one person")).to_be_visible()
    look(signed_in, "trigger-on")
    signed_in.get_by_role("link", name="Messages and their cost, by day").click()
    expect(signed_in.get_by_role("link", name=re.compile("^Autumn, .* \\(3\\)"))).to_be_visible()
    look(signed_in, "trigger-runs")
    signed_in.goto("/campaigns/triggers/")
    look(signed_in, "triggers")
