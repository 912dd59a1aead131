"""An administrator finds an entry by the links in the table, and looks at the page."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns.models import AuditEntry, User
from tests.browser.conftest import Look

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_search_of_the_audit_trail(signed_in: Page, look: Look) -> None:
    boss = User.objects.get()
    common = {
        "actor": boss, "actor_name": boss.username, "kind": "user", "role": boss.role,
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7348", "session": "0123456789abcdef",
    }  # fmt: skip
    now = timezone.now()
    for number in range(60):
        AuditEntry.objects.create(
            at=now - timedelta(hours=number), subject=f"campaign:{number}", action="edited",
            detail="Autumn sale for customers in Kyiv", **common,
        )  # fmt: skip
    AuditEntry.objects.create(
        subject="page:member-list", action="refused", detail="POST", result="refused",
        reason="no permission", **common,
    )  # fmt: skip
    AuditEntry.objects.create(
        subject="command:campaign", action="ran", kind="command", result="refused",
        actor_name="deploy (sudo by ihor), manage.py campaign", detail="verb, id 12",
        reason="The campaign can't be paused: it is “Draft”.",
    )  # fmt: skip
    signed_in.goto("/settings/")
    signed_in.get_by_role("main").get_by_role("link", name="Audit trail").click()
    expect(signed_in.get_by_role("row")).to_have_count(51)
    look(signed_in, "audit-trail")
    signed_in.get_by_role("link", name="Next").click()
    expect(signed_in.get_by_role("link", name="Previous")).to_be_visible()
    signed_in.goto("/settings/audit/")
    signed_in.get_by_role("link", name="refused", exact=True).click()
    expect(signed_in.get_by_role("row")).to_have_count(2)
    expect(signed_in.get_by_label("Action")).to_have_value("refused")
    signed_in.get_by_label("Address").fill("nowhere")
    signed_in.get_by_role("button", name="Search").click()
    expect(signed_in.get_by_text("Enter a valid IPv4 or IPv6 address.")).to_be_visible()
    look(signed_in, "audit-trail-nothing")
