"""Short links in what is sent: each recipient's own, and the same whenever it is sent."""

import json
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.launch import lifecycle
from campaigns.compose.message.tracking.codes import link_codes
from campaigns.compose.models import Campaign
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Batch, Recipient
from campaigns.dispatch.send.sender import BatchSender
from campaigns.ledger.models import Purpose
from campaigns.results.money.rebuilding import differences
from tests.dispatch import asking, factory
from tests.dispatch.test_sender import later, send
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
BASE = "https://go.example.com/"
SHOP = "https://shop.example.com/"
TEXTS = {
    "text": f"Hi {{city|there}}: {SHOP}a?c={{city|x}} or {SHOP}b",
    "button_caption": "Open", "button_url": f"{SHOP}?utm_source=viber&c={{city|x}}",
    "sms_sender": "Shop", "sms_text": f"{SHOP}a?c={{city|x}}",
}  # fmt: skip


@pytest.fixture(autouse=True)
def base(settings: Settings, sandbox: RunningSandbox) -> None:
    settings.LINK_BASE_URL = BASE.rstrip("/")
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY


def launched(people: int, **changes: Any) -> Campaign:
    contacts = factory.contact_list(f"List {Campaign.objects.count()}", people, city="Київ")
    return factory.launched_to(contacts, **{**TEXTS, **changes})


def sent(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """The messages of all create calls, in the order of the requests."""
    calls = [call for call in sandbox.requests() if call["path"].endswith("/viber/create")]
    bodies = [call["body"] for call in calls]
    requests = [json.loads(body) if isinstance(body, str) else body for body in bodies]
    return [message for request in requests for message in request["messages"]]


def test_each_recipient_gets_links_of_their_own(sandbox: RunningSandbox) -> None:
    launched(120)
    assert not send(sandbox)
    codes = link_codes()
    messages = sent(sandbox)
    assert len(messages) == 120
    for message in messages:
        [to] = message["to"]
        button, first, second, sms = (
            BASE + codes.code(to["reference"], number) for number in range(4)
        )
        viber = message["options"]["viber"]
        assert message["text"] == f"Hi Київ: {first} or {second}"
        assert (viber["action"], viber["alt_route"]["text"]) == (button, sms)
    assert Batch.objects.count() == 3  # of up to 50, as without links
    assert differences() == []


def test_a_second_try_sends_the_same_bytes(sandbox: RunningSandbox, settings: Settings) -> None:
    """Whatever changed meanwhile: the settings, the secret key, the fields of the contacts."""
    launched(30)
    sandbox.faults(http500=100)
    send(sandbox)
    first = {message["to"][0]["reference"]: message for message in sent(sandbox)}
    assert len(first) == 30
    sandbox.faults()
    settings.LINK_BASE_URL, settings.SECRET_KEY = "https://other.example.com", "x" * 50
    later(factory.SOON * 12)
    asking.resolve(sandbox.client(), 4)
    send(sandbox)
    again = sent(sandbox)[-30:]
    assert {message["to"][0]["reference"]: message for message in again} == first
    assert sandbox.bill()["messages"] == 30


def test_a_rebuilt_recipient_has_the_same_codes(sandbox: RunningSandbox) -> None:
    """As after a restored backup: references and codes come from campaign and phone alone."""
    campaign = launched(3)
    before = dict(Recipient.objects.values_list("msisdn", "reference"))
    Recipient.objects.all().delete()
    Batch.objects.all().delete()
    Campaign.objects.filter(pk=campaign.pk).update(state="preparing")
    campaign.snapshot.delete()
    freeze(campaign.pk, timezone.now() + factory.SOON)
    assert dict(Recipient.objects.values_list("msisdn", "reference")) == before


def test_without_a_base_or_switched_off_equal_texts_share_a_message(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    launched(6, track_links=False)
    settings.LINK_BASE_URL = ""
    campaign = launched(6)
    assert (campaign.link_base, campaign.tracked_links) == ("", [])
    send(sandbox)
    assert len(sent(sandbox)) == 6  # two campaigns in three countries
    assert {message["options"]["viber"]["action"] for message in sent(sandbox)} == {
        f"{SHOP}?utm_source=viber&c=%D0%9A%D0%B8%D1%97%D0%B2"
    }


def test_what_is_tracked_is_fixed_by_the_launch(settings: Settings) -> None:
    campaign = launched(3)
    assert campaign.link_base == BASE
    assert [(field, getattr(campaign, field)[start:end]) for field, start, end in
            campaign.tracked_links or ()] == [
        ("button_url", TEXTS["button_url"]), ("text", f"{SHOP}a?c={{city|x}}"),
        ("text", f"{SHOP}b"), ("sms_text", TEXTS["sms_text"]),
    ]  # fmt: skip


def test_rehearsal_sends_its_links_nowhere(sandbox: RunningSandbox) -> None:
    campaign = factory.draft(
        factory.contact_list("L", 3, city="Київ"), **TEXTS, purpose=Purpose.REHEARSAL
    )
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + factory.SOON)
    BatchSender(None, 1, timezone.now() + factory.SOON).run()
    assert sandbox.bill()["messages"] == 0
    assert set(Recipient.objects.values_list("send_state", flat=True)) == {"accepted"}
