"""What a user launches on a day without approval adds up, tests too; and tests have limits."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from campaigns.compose.editor.drafts import duplicate
from campaigns.compose.editor.test_send import send_test
from campaigns.compose.launch import approval, lifecycle
from campaigns.compose.models import (
    ApprovalLimit,
    Campaign,
    CampaignState,
    PriceList,
    UnapprovedCost,
)
from campaigns.contacts.models import Contact
from campaigns.ledger.models import Purpose
from campaigns.team.models import AuditEntry, Role, User
from tests.compose.factories import contact_list, draft, person, ukrainians
from tests.markup import squeezed

S = CampaignState
pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
OWN, OTHER = "+380 67 123 45 67", "+380 67 765 43 21"


@pytest.fixture(autouse=True)
def prices() -> None:
    """A Viber message in Ukraine costs 0.01 EUR."""
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "0"}
    rows = [row | {"price": "0.01", "currency": "EUR"}]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())


@pytest.fixture
def olena() -> User:
    return person(Role.APPROVER, "olena")


@pytest.fixture
def ivan() -> User:
    return person(Role.APPROVER, "ivan")


def limit(amount: str) -> ApprovalLimit:
    return ApprovalLimit.objects.create(currency="EUR", amount=Decimal(amount))


def campaign_of(people: int, name: str = "A", **fields: Any) -> Campaign:
    return draft(contact_list(name, ukrainians(people)), **fields)


def launched(campaign: Campaign, actor: User | None) -> str:
    lifecycle.launch(campaign.pk, actor)
    return Campaign.objects.get(pk=campaign.pk).state


def test_small_campaigns_add_up_to_the_limit(olena: User) -> None:
    limit("0.10")
    assert launched(campaign_of(6, "A"), olena) == S.PREPARING  # 0.06
    assert launched(campaign_of(4, "B"), olena) == S.PREPARING  # 0.10
    assert launched(campaign_of(1, "C"), olena) == S.AWAITING_APPROVAL  # 0.11
    counted = [(row.user_id, row.currency, row.amount) for row in UnapprovedCost.objects.all()]
    assert counted == [
        (olena.pk, "EUR", Decimal("0.06")),
        (olena.pk, "EUR", Decimal("0.04")),
    ]


def test_each_user_and_each_day_count_alone(olena: User, ivan: User) -> None:
    limit("0.10")
    with time_machine.travel(NOON, tick=False):
        assert launched(campaign_of(10, "A"), olena) == S.PREPARING
        assert launched(campaign_of(10, "B"), ivan) == S.PREPARING
        assert launched(campaign_of(10, "C"), None) == S.PREPARING
        assert launched(campaign_of(1, "D"), None) == S.AWAITING_APPROVAL
    with time_machine.travel(NOON.replace(month=12, day=1), tick=False):
        assert launched(campaign_of(10, "E"), olena) == S.PREPARING
        assert launched(campaign_of(1, "F"), olena) == S.AWAITING_APPROVAL


def test_what_was_approved_does_not_count(olena: User, ivan: User) -> None:
    limit("0.10")
    large = campaign_of(11, "A")
    assert launched(large, olena) == S.AWAITING_APPROVAL
    large.refresh_from_db()
    lifecycle.approve(large.pk, ivan, large.approval_fingerprint)
    assert launched(campaign_of(10, "B"), olena) == S.PREPARING


def test_review_says_that_approval_is_needed(client: Client, olena: User) -> None:
    limit("0.10")
    launched(campaign_of(10, "A"), olena)
    client.force_login(olena)
    page = squeezed(client.get(f"/campaigns/{campaign_of(1, 'B').pk}/review").content.decode())
    assert "With what you launched today without approval" in page
    assert "Request approval" in page


def test_growth_after_the_launch_counts(olena: User) -> None:
    limit("0.10")
    first, second = campaign_of(2, "A"), campaign_of(2, "B")
    for campaign in (first, second):
        assert launched(campaign, olena) == S.PREPARING
    for number in range(5):
        Contact.objects.create(list=first.lists.get(), msisdn=f"38067999990{number}", country="UA")
        Contact.objects.create(list=second.lists.get(), msisdn=f"38067999991{number}", country="UA")
    assert lifecycle.complete_freeze(first.pk, 7)  # 0.07 and 0.02
    assert UnapprovedCost.objects.get(campaign=first).amount == Decimal("0.07")
    assert not lifecycle.complete_freeze(second.pk, 7)  # 0.07 and 0.07
    second.refresh_from_db()
    assert (second.state, second.reason) == (S.PAUSED, "approval")


def test_tests_count_and_ask_for_approval(client: Client, olena: User, ivan: User) -> None:
    limit("0.02")
    campaign = campaign_of(2)
    assert send_test(campaign, [OWN], olena).pk
    assert send_test(campaign, [OWN], olena).pk
    client.force_login(olena)
    answer = client.post(
        f"/campaigns/{campaign.pk}/test", {"phones": OTHER, "recipient": "first"}, follow=True
    )
    assert "It is sent once a second person approves it." in answer.content.decode()
    waiting = Campaign.objects.get(state=S.AWAITING_APPROVAL)
    assert (waiting.purpose, len(waiting.test_contacts or [])) == (Purpose.TEST, 1)
    assert approval.awaiting_approval_by(ivan) == [waiting]
    send_test(campaign, [OWN], ivan)  # has a list of its own
    client.force_login(ivan)
    page = client.get(f"/campaigns/{waiting.pk}/review")
    assert page.status_code == 200
    lifecycle.approve(waiting.pk, ivan, waiting.approval_fingerprint)
    waiting.refresh_from_db()
    assert (waiting.state, waiting.launched_by, waiting.approved_by) == (S.PREPARING, olena, ivan)


def test_a_test_that_is_not_approved_is_cancelled(client: Client, olena: User, ivan: User) -> None:
    limit("0.001")
    test = send_test(campaign_of(2), [OWN], olena)
    client.force_login(ivan)
    answer = client.post(
        f"/campaigns/{test.pk}/return", {"note": "Shorter"}, follow=True
    ).content.decode()
    assert "“Test: Spring” is cancelled." in answer
    test.refresh_from_db()
    assert (test.state, test.approval_note) == (S.CANCELLED, "Shorter")


def test_a_test_goes_to_ten_phones_at_most(olena: User) -> None:
    test = campaign_of(11, purpose=Purpose.TEST)
    with pytest.raises(lifecycle.Refused, match=r"^A test goes to at most 10 phones\.$"):
        lifecycle.launch(test.pk, olena)
    Contact.objects.filter(msisdn="380970000000").delete()
    assert launched(test, olena) == S.PREPARING
    test.refresh_from_db()
    assert len(test.test_contacts or []) == 10


def test_test_messages_of_a_day_are_limited(settings: Settings, olena: User, ivan: User) -> None:
    settings.TEST_MESSAGES_PER_DAY = 3
    campaign = campaign_of(2)
    with time_machine.travel(NOON, tick=False):
        send_test(campaign, [OWN, OTHER], olena)
        with pytest.raises(
            lifecycle.Refused,
            match=r"^You can send 3 test messages a day, and sent 2 today\. Try again tomorrow, or",
        ):
            send_test(campaign, [OWN, OTHER], olena)
        assert Campaign.objects.filter(purpose=Purpose.TEST).count() == 1
        send_test(campaign, [OWN], olena)
        send_test(campaign, [OWN, OTHER], ivan)
        with pytest.raises(lifecycle.Refused, match="and sent 3 today"):
            send_test(campaign, [OWN], olena)
    with time_machine.travel(NOON.replace(month=12, day=1), tick=False):
        send_test(campaign, [OWN, OTHER], olena)


def test_tests_that_wait_for_approval_count_for_the_day(
    settings: Settings, olena: User, ivan: User
) -> None:
    settings.TEST_MESSAGES_PER_DAY = 2
    limit("0.001")
    campaign = campaign_of(2)
    test = send_test(campaign, [OWN, OTHER], olena)
    with pytest.raises(lifecycle.Refused, match="and sent 2 today"):
        send_test(campaign, [OWN], olena)
    test.refresh_from_db()
    lifecycle.approve(test.pk, ivan, test.approval_fingerprint)  # itself does not count twice
    test.refresh_from_db()
    assert test.state == S.PREPARING


@pytest.mark.parametrize("role", ["approval_asked_by", "launched_by", "created_by", "edited_by"])
def test_nobody_approves_what_they_had_a_part_in(olena: User, ivan: User, role: str) -> None:
    limit("0.001")
    campaign = campaign_of(2)
    assert launched(campaign, olena) == S.AWAITING_APPROVAL
    Campaign.objects.update(**{role: ivan})
    campaign.refresh_from_db()
    assert approval.awaiting_approval_by(ivan) == []
    with pytest.raises(
        lifecycle.Refused,
        match="you can't approve a campaign that you launched, created or edited last",
    ):
        lifecycle.approve(campaign.pk, ivan, campaign.approval_fingerprint)
    assert Campaign.objects.get().state == S.AWAITING_APPROVAL


@pytest.mark.parametrize("way", ["save", "autosave"])
def test_who_saved_the_draft_last_is_kept(
    client: Client, olena: User, ivan: User, way: str
) -> None:
    campaign = campaign_of(2, created_by=olena)
    typed = {"name": "Spring", "sender": "Shop", "text": f"By {way}", "lists": []}
    address = "edit" if way == "save" else "autosave"
    client.force_login(ivan)
    version = campaign.updated_at.isoformat()
    client.post(f"/campaigns/{campaign.pk}/{address}", typed | {"version": version})
    campaign.refresh_from_db()
    assert (campaign.text, campaign.edited_by, campaign.created_by) == (f"By {way}", ivan, olena)
    copy = duplicate(campaign, olena)
    assert (copy.created_by, copy.edited_by) == (olena, None)


def test_editor_of_the_draft_cannot_approve_it_in_the_admin(
    client: Client, olena: User, ivan: User
) -> None:
    limit("0.001")
    campaign = campaign_of(2, edited_by=ivan)
    launched(campaign, olena)
    Campaign.objects.update(state=S.PAUSED, reason="approval", launched_by=olena)
    User.objects.filter(pk=ivan.pk).update(role=Role.ADMINISTRATOR, is_staff=True)
    client.force_login(ivan)
    chosen = {"action": "resume", "_selected_action": [campaign.pk]}
    client.post("/admin/campaigns/campaign/", chosen)
    assert Campaign.objects.get().state == S.PAUSED
    assert not AuditEntry.objects.filter(action="approved").exists()


@pytest.mark.django_db(transaction=True)
def test_two_launches_at_once_know_of_each_other(olena: User) -> None:
    """The second waits for the limits until the first has ended, and reads what that counted."""
    limit("0.10")
    first, second = campaign_of(6, "A"), campaign_of(6, "B")
    check = approval.check_approval(second, launcher=olena)
    assert not check.needed
    launched(first, olena)
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        assert approval.check_again(check, second, olena).needed
    locks = [query["sql"] for query in queries if "FOR UPDATE" in query["sql"]]
    assert len(locks) == (1 if connection.vendor == "postgresql" else 0)
