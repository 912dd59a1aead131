"""The pages of webhooks."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.team.brand_keys import encryption

Look = Callable[[Page, str], None]
ADDRESS = "https://hooks.example.com/viberdash/events/of-a-rather-long-path-0123456789abcdef"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]


def fill(webhook: Webhook) -> None:
    now = timezone.now()
    for events, result, status, answer in (
        (500, DeliveryResult.DELIVERED, 204, ""),
        (500, DeliveryResult.WAITING, 503, "<html><body><h1>503 Service Unavailable</h1>" * 3),
        (1, DeliveryResult.FAILED, None, "The connection to hooks.example.com failed."),
    ):
        WebhookDelivery.objects.create(
            webhook=webhook, events=events, result=result, http_status=status, answer=answer,
            milliseconds=1234, tries=3, created_at=now, next_try_at=now + timedelta(hours=2),
        )  # fmt: skip


def test_webhooks(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/webhooks/")
    look(signed_in, "webhooks-empty")
    signed_in.get_by_label("Address").fill(ADDRESS)
    signed_in.get_by_label("Description").fill("CRM")
    signed_in.get_by_label("Delivered", exact=True).check()
    signed_in.get_by_role("button", name="Add webhook").click()
    expect(signed_in.get_by_text("The webhook was added.")).to_be_visible()
    signed_in.get_by_role("button", name="Show secret").click()
    webhook = Webhook.objects.get()
    secret = encryption.decrypt(f"webhook:{webhook.pk}", webhook.secret)
    expect(signed_in.get_by_role("textbox", name="Secret")).to_have_value(secret)
    look(signed_in, "webhook-secret")
    fill(webhook)
    signed_in.goto(f"/settings/webhooks/{webhook.pk}/")
    look(signed_in, "webhook")
    webhook.paused_at, webhook.pause_reason = timezone.now(), "No request succeeded for three days."
    webhook.save()
    signed_in.reload()
    look(signed_in, "webhook-paused")
    signed_in.goto("/settings/webhooks/")
    look(signed_in, "webhooks")
