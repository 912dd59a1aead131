"""Settings -> Webhooks."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.events import webhooks
from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.shared.changes.models import WantedKind
from campaigns.team.models import Role
from tests.compose.factories import person
from tests.events.receiver import Receiver, deliver
from tests.markup import squeezed

pytestmark = pytest.mark.django_db
PAGE = "/settings/webhooks/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(person(Role.ADMINISTRATOR, "boss"))
    return client


def text_of(client: Client, address: str) -> str:
    return unescape(squeezed(client.get(address).content.decode()))


def test_webhook_is_added_and_its_secret_shown_once(boss: Client, receiver: Receiver) -> None:
    assert PAGE in text_of(boss, "/settings/")
    assert "No webhooks yet." in text_of(boss, PAGE)
    fields = {"address": receiver.address, "kinds": ["campaign.paused"], "description": "CRM"}
    answer = boss.post(PAGE, fields)
    webhook = Webhook.objects.get()
    assert answer.headers["Location"] == f"{PAGE}{webhook.pk}/"
    assert list(WantedKind.objects.values_list("kind", flat=True)) == ["campaign.paused"]
    assert "CRM" in text_of(boss, PAGE)
    assert "whsec_" not in text_of(boss, f"{PAGE}{webhook.pk}/")
    shown = boss.post(f"{PAGE}{webhook.pk}/secret")
    assert "whsec_" in shown.content.decode()
    assert "no-store" in shown.headers["Cache-Control"]
    again = boss.post(f"{PAGE}{webhook.pk}/secret", follow=True).content.decode()
    assert "whsec_" not in again
    assert "The secret was shown already." in again


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"address": "", "kinds": "message.read"}, "This field is required."),
        ({"address": "https://example.com/"}, "This field is required."),
        ({"address": "https://example.com/", "kinds": "message.eaten"}, "Select a valid choice."),
        ({"address": "nonsense", "kinds": "message.read"}, "Enter an address that begins with"),
        ({"address": "https://a.b/" + "x" * 2000, "kinds": "message.read"}, "at most 2000"),
    ],
)
def test_what_is_refused(boss: Client, fields: dict[str, str], text: str) -> None:
    answer = boss.post(PAGE, fields)
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert Webhook.objects.count() == 0


def test_log_of_deliveries_and_resending(
    boss: Client, webhook: Webhook, receiver: Receiver
) -> None:
    receiver.status, receiver.answer = 500, b"<b>broken</b>"
    assert "being sent" in text_of_post(boss, f"{PAGE}{webhook.pk}/test")
    deliver()
    page = text_of(boss, f"{PAGE}{webhook.pk}/")
    assert "Test event" in page
    assert "HTTP 500" in page
    assert "1 try · next try" in page
    assert "<b>broken</b>" in page  # unescaped here, and escaped in the page
    assert "<b>broken" not in boss.get(f"{PAGE}{webhook.pk}/").content.decode()
    receiver.status = 200
    delivery = WebhookDelivery.objects.get()
    text_of_post(boss, f"{PAGE}deliveries/{delivery.pk}/resend")
    deliver()
    delivery.refresh_from_db()
    assert (delivery.result, delivery.tries) == (DeliveryResult.DELIVERED, 1)
    assert len(set(receiver.ids)) == 1


def text_of_post(client: Client, address: str, **fields: str) -> str:
    return unescape(squeezed(client.post(address, fields, follow=True).content.decode()))


def test_page_says_that_it_is_paused_or_failing(boss: Client, webhook: Webhook) -> None:
    now = timezone.now()
    Webhook.objects.update(failing_since=now, old_secret_until=now + timedelta(hours=1))
    assert "No request succeeded since" in text_of(boss, f"{PAGE}{webhook.pk}/")
    assert "The old secret signs too until" in text_of(boss, f"{PAGE}{webhook.pk}/")
    Webhook.objects.update(paused_at=now, pause_reason="No request succeeded for three days.")
    assert "Events are kept. Switch the webhook on" in text_of(boss, f"{PAGE}{webhook.pk}/")
    assert "The webhook is on." in text_of_post(boss, f"{PAGE}{webhook.pk}/switch", on="1")
    assert "The webhook is off." in text_of_post(boss, f"{PAGE}{webhook.pk}/switch", on="0")
    refused = text_of_post(boss, f"{PAGE}{webhook.pk}/test")
    assert "Switch the webhook on first." in refused
    assert "was replaced" in text_of_post(boss, f"{PAGE}{webhook.pk}/rotate", hours="24")
    assert "Choose how long" in text_of_post(boss, f"{PAGE}{webhook.pk}/rotate", hours="5")
    assert "was deleted" in text_of_post(boss, f"{PAGE}{webhook.pk}/delete")
    assert not WantedKind.objects.exists()


def test_webhooks_of_a_brand_are_limited(webhook: Webhook, receiver: Receiver) -> None:
    for _number in range(webhooks.WEBHOOKS_MAX - 1):
        webhooks.create(None, receiver.chosen())
    with pytest.raises(webhooks.Refused, match="at most 20"):
        webhooks.create(None, receiver.chosen())
