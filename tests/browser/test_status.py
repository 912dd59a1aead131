"""The page of the installation's state follows what happens, without being loaded again."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.dispatch.models import Heartbeat
from campaigns.team.models import MailState, OutgoingMail
from tests.browser.conftest import Look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_status_of_the_installation_follows_it(signed_in: Page, look: Look) -> None:
    signed_in.goto("/settings/")
    signed_in.get_by_role("main").get_by_role("link", name="Status").click()
    queue = signed_in.get_by_role("row", name="Queue Failed")
    expect(queue).to_contain_text("No worker has done anything for a day.")
    look(signed_in, "status-nothing-runs")
    now = timezone.now()
    for name, minutes in (("queue@worker-1", 0), ("queue@worker-2.example.com", 40), ("sweep", 0)):
        Heartbeat.objects.create(name=name, at=now - timedelta(minutes=minutes))
    OutgoingMail.objects.create(state=MailState.FAILED, next_try_at=now)
    signed_in.evaluate("htmx.trigger('#now-every-10', 'every')")
    expect(signed_in.get_by_role("row", name="Queue of worker-1 OK")).to_be_visible()
    expect(signed_in.get_by_role("row", name="worker-2.example.com Failed")).to_be_visible()
    expect(signed_in.get_by_role("row", name="E-mails Warning")).to_be_visible()
    look(signed_in, "status")
