"""The pages of frequency caps, the review and the approval of a campaign that one limits."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.compose.audience.frequency_cap import Cap
from campaigns.compose.audience.selection import Audience
from campaigns.compose.launch import approval, lifecycle
from campaigns.compose.message import audience_counts
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import ApprovalLimit, AudienceCount, Campaign, FrequencyCap
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.models import AuditEntry, Role
from tests.dispatch.factory import SOON, contact_list, draft, launched_to
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_user("boss", Role.ADMINISTRATOR))
    return client


@pytest.fixture
def limited() -> Campaign:
    """A draft to ten people, four of whom have reached the cap of the brand."""
    FrequencyCap.objects.create(messages=1, days=7)
    people = contact_list("Ten", 10)
    launched_to(contact_list("Four", 4))
    return draft(people)


def content(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def test_administrators_set_change_and_remove_the_cap(boss: Client) -> None:
    assert "No cap yet" in content(boss, "/settings/frequency-cap/")
    for messages, days in ((3, 7), (1, 1)):
        values = {"messages": messages, "days": days}
        assert boss.post("/settings/frequency-cap/", values).status_code == 302
        assert list(FrequencyCap.objects.values_list("messages", "days")) == [(messages, days)]
    page = content(boss, "/settings/frequency-cap/")
    assert "1 message in 1 day" in page
    for wrong in ({"messages": 0, "days": 7}, {"messages": 3, "days": 366}, {"messages": "x"}):
        answer = boss.post("/settings/frequency-cap/", wrong)
        assert answer.status_code == 422
        assert "1 message in 1 day" in " ".join(answer.content.decode().split())
    assert boss.post("/settings/frequency-cap/remove").status_code == 302
    assert not FrequencyCap.objects.exists()
    details = AuditEntry.objects.filter(subject__startswith="frequencycap:").order_by("pk")
    assert list(details.values_list("action", "detail")) == [
        ("set", "3 / 7"), ("set", "1 / 1"), ("removed", "1 / 1"),
    ]  # fmt: skip


def test_others_see_the_cap_and_cannot_change_it(client: Client, limited: Campaign) -> None:
    client.force_login(make_user("olena", Role.MARKETER))
    assert "1 message in 7 days" in content(client, "/settings/frequency-cap/")
    values = {"messages": 5, "days": 1}
    for address, data in (
        ("/settings/frequency-cap/", values),
        ("/settings/frequency-cap/remove", {}),
        (f"/campaigns/{limited.pk}/cap", {"cap": "none"}),
    ):
        assert client.post(address, data).status_code == 403
    assert FrequencyCap.objects.get().messages == 1
    review = content(client, f"/campaigns/{limited.pk}/review")
    assert f"/campaigns/{limited.pk}/cap" not in review


def test_the_review_counts_whom_the_cap_leaves_out(boss: Client, limited: Campaign) -> None:
    review = content(boss, f"/campaigns/{limited.pk}/review")
    assert 'Reached the limit of 1 message in 7 days</th> <td class="num">−4</td>' in review
    assert f'1 message in 7 days · <a href="/campaigns/{limited.pk}/cap">Change</a>' in review
    lifecycle.launch(limited.pk, None, 6)
    freeze(limited.pk, timezone.now() + SOON)
    page = content(boss, f"/campaigns/{limited.pk}/")
    assert "<dt>Reached the frequency cap</dt> <dd>−4</dd>" in page


@pytest.mark.parametrize(
    ("data", "columns", "recipients", "shown"),
    [
        ({"cap": "none"}, (0, None), 10, "Not limited"),
        ({"cap": "own", "messages": 2, "days": 3}, (2, 3), 10,
         "2 messages in 3 days, only for this campaign"),
        ({"cap": "brand", "messages": 2, "days": 3}, (None, None), 6, "1 message in 7 days"),
    ],
)  # fmt: skip
def test_a_draft_gets_a_cap_of_its_own(
    boss: Client, limited: Campaign, data: dict[str, Any], columns: Any, recipients: int, shown: str
) -> None:
    address = f"/campaigns/{limited.pk}/cap"
    assert boss.post(address, data).status_code == 302
    saved = Campaign.objects.get(pk=limited.pk)
    assert (saved.cap_messages, saved.cap_days) == columns
    assert Audience.of(saved).funnel().recipients == recipients
    assert shown in content(boss, f"/campaigns/{limited.pk}/review")
    boss.post(f"/campaigns/{limited.pk}/duplicate")
    assert Campaign.objects.latest("pk").cap_messages is None


def test_an_own_cap_needs_its_numbers(boss: Client, limited: Campaign) -> None:
    address = f"/campaigns/{limited.pk}/cap"
    for data in ({"cap": "own"}, {"cap": "own", "messages": 0, "days": 3}, {"cap": ""}):
        assert boss.post(address, data).status_code == 422
    assert Campaign.objects.get(pk=limited.pk).cap_messages is None


def test_only_a_promotional_draft_gets_one(boss: Client, limited: Campaign) -> None:
    address = f"/campaigns/{limited.pk}/cap"
    for columns in ({"promotional": False}, {"promotional": True, "state": "sending"}):
        Campaign.objects.filter(pk=limited.pk).update(**columns)
        assert boss.post(address, {"cap": "none"}).status_code == 302
        assert Campaign.objects.get(pk=limited.pk).cap_messages is None


def test_approval_is_of_everybody_before_the_cap(limited: Campaign) -> None:
    """Others who reach it meanwhile do not make it void; an own cap does."""
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal(0))
    before = approval.check_approval(limited)
    assert (before.needed, before.recipients) == (True, 10)
    ApprovalLimit.objects.all().delete()  # the others go out without approval
    launched_to(contact_list("Others", 2, start=5))
    assert Audience.of(limited).funnel().recipients == 4
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal(0))
    assert approval.check_approval(limited).fingerprint == before.fingerprint
    limited.cap_messages = 0
    assert approval.check_approval(limited).fingerprint != before.fingerprint


def test_a_large_audience_is_counted_with_its_cap_by_a_worker(
    limited: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_counts, "COUNTED_AT_ONCE", 5)
    limited.timing, limited.scheduled_at = "at", timezone.now() + timedelta(hours=1)
    limited.save()
    audience, template = Audience.of(limited), compile_message(limited)
    assert audience.cap == Cap(1, 7, limited.scheduled_at)
    assert audience_counts.measure_soon(audience, template) is None
    audience_counts.count_requested(AudienceCount.objects.get().pk)
    measured = audience_counts.measure_soon(audience, template)
    assert measured
    assert (measured.funnel.capped, measured.recipients) == (4, 6)
    launched_to(contact_list("Others", 2, start=5))
    AudienceCount.objects.update(counted_at=timezone.now() - timedelta(minutes=2))
    assert audience_counts.measure_soon(audience, template) is None  # it has moved on


def test_the_composer_counts_with_the_cap_too(boss: Client, limited: Campaign) -> None:
    typed = {"draft": limited.pk, "lists": [limited.lists.get().pk], "timing": "now"}
    limit = b"Reached the limit of 1 message in 7 days"
    for promotional in (True, False):
        figures = boss.post("/campaigns/figures", {**typed, "promotional": promotional})
        assert (limit in figures.content) == promotional
