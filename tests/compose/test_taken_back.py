"""A launched campaign that waits for its time is taken back to a draft, or gets another time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from campaigns.compose.editor import drafts
from campaigns.compose.editor.follow_up_drafts import FollowedRecipients, create_follow_up
from campaigns.compose.launch import lifecycle, running_changes
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import (
    ApprovalLimit,
    Campaign,
    CampaignState,
    PriceList,
    Timing,
    UnapprovedCost,
)
from campaigns.contacts.models import Contact, ContactList
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import Recipient, Snapshot
from campaigns.ledger.models import Purpose
from campaigns.team.models import AuditEntry, Role, User
from tests.compose.factories import contact_list, draft, person, ukrainians

S = CampaignState
NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def olena() -> User:
    return person(Role.MARKETER, "olena")


def scheduled(actor: User | None = None, **columns: Any) -> Campaign:
    """To ten contacts in an hour, launched."""
    values: dict[str, Any] = {
        "timing": Timing.AT,
        "scheduled_at": NOON + timedelta(hours=1),
        **columns,
    }
    campaign = draft(contact_list("A", ukrainians(10)), **values)
    lifecycle.launch(campaign.pk, actor)
    campaign.refresh_from_db()
    return campaign


def priced(limit: str) -> None:
    """A message costs 0.023 EUR; above `limit` a campaign needs approval."""
    row = {"country": "UA", "country_name": "Ukraine", "mcc": "", "mnc": "0", "price": "0.023"}
    rows = [{**row, "currency": "EUR"}]
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal(limit))


def test_a_scheduled_campaign_is_a_draft_again_and_is_launched_anew(
    olena: User, clock: time_machine.Traveller
) -> None:
    priced("1")
    campaign = scheduled(olena)
    assert UnapprovedCost.objects.get().amount == Decimal("0.23")
    clock.shift(timedelta(minutes=1))
    lifecycle.return_to_draft(campaign.pk, olena)
    before = campaign.updated_at
    campaign.refresh_from_db()
    assert (campaign.state, campaign.launched_at, campaign.launched_by) == (S.DRAFT, None, None)
    assert (campaign.account, campaign.approved_people) == (None, None)
    assert not UnapprovedCost.objects.exists()
    assert AuditEntry.objects.filter(action="returned", actor=olena).count() == 1
    with pytest.raises(Refused, match="changed a moment ago"):
        lifecycle.launch(campaign.pk, olena, version=before)
    assert lifecycle.start_due(NOON + timedelta(hours=2)) == 0
    lifecycle.launch(campaign.pk, olena)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.launched_by) == (S.SCHEDULED, olena)


def test_a_campaign_paused_before_its_time_is_taken_back_and_one_begun_is_not(
    olena: User, clock: time_machine.Traveller
) -> None:
    campaign = scheduled()
    lifecycle.pause(campaign.pk, olena)
    lifecycle.return_to_draft(campaign.pk, olena)
    lifecycle.launch(campaign.pk, olena)
    clock.move_to(NOON + timedelta(hours=1))
    assert lifecycle.start_due(timezone.now()) == 1
    with pytest.raises(Refused, match="Preparing"):
        lifecycle.return_to_draft(campaign.pk, olena)
    steps = iter([True, False])
    freeze(campaign.pk, timezone.now() + timedelta(hours=1), lambda: next(steps))
    lifecycle.pause(campaign.pk, olena)
    with pytest.raises(Refused, match="Paused"):  # its ten recipients are made
        lifecycle.return_to_draft(campaign.pk, olena)
    assert Recipient.objects.filter(campaign=campaign).count() == 10


def test_a_worker_that_comes_too_late_leaves_nothing_of_a_draft(olena: User) -> None:
    campaign = scheduled()
    lifecycle.return_to_draft(campaign.pk, olena)
    assert freeze(campaign.pk, timezone.now() + timedelta(hours=1))
    assert not Snapshot.objects.exists()
    assert not Recipient.objects.exists()


@pytest.mark.parametrize(
    ("purpose", "timing"), [(Purpose.TEST, Timing.NOW), (Purpose.CAMPAIGN, Timing.GATEWAY)]
)
def test_tests_and_what_the_gateway_schedules_are_not_taken_back(
    purpose: Purpose, timing: Timing, olena: User
) -> None:
    campaign = scheduled(purpose=purpose, timing=timing)
    with pytest.raises(Refused, match="Preparing"):
        lifecycle.return_to_draft(campaign.pk, olena)
    with pytest.raises(Refused, match="Preparing"):
        running_changes.reschedule(campaign.pk, olena, NOON + timedelta(hours=3))


def test_an_approval_is_void_with_it_and_forbids_another_time(olena: User) -> None:
    priced("0.1")
    campaign = scheduled(olena)
    approver = person(Role.APPROVER, "ivan")
    lifecycle.approve(campaign.pk, approver, campaign.approval_fingerprint)
    with pytest.raises(Refused, match="It was approved for this time"):
        running_changes.reschedule(campaign.pk, olena, NOON + timedelta(hours=3))
    lifecycle.return_to_draft(campaign.pk, olena)
    campaign.refresh_from_db()
    assert (campaign.approved_by, campaign.approval_fingerprint) == (None, "")
    lifecycle.launch(campaign.pk, olena)
    campaign.refresh_from_db()
    assert campaign.state == S.AWAITING_APPROVAL


def test_a_follow_up_waits_on_while_its_parent_is_a_draft(olena: User) -> None:
    parent = scheduled()
    follow_up = create_follow_up(parent, olena, FollowedRecipients.NOT_READ, 24)
    lifecycle.launch(follow_up.pk, olena)
    running_changes.reschedule(follow_up.pk, olena, hours=48)
    lifecycle.return_to_draft(parent.pk, olena)
    assert lifecycle.start_due(NOON + timedelta(days=3)) == 0
    with pytest.raises(Refused, match="follows this campaign"):
        drafts.delete(parent.pk, olena)
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.follow_hours) == (S.SCHEDULED, 48)
    lifecycle.return_to_draft(follow_up.pk, olena)
    with pytest.raises(Refused, match="“Draft”, so nothing can follow it"):
        lifecycle.launch(follow_up.pk, olena)
    drafts.delete(follow_up.pk, olena)
    drafts.delete(parent.pk, olena)


def test_a_cancelled_follow_up_does_not_keep_its_parent(olena: User) -> None:
    parent = scheduled()
    follow_up = create_follow_up(parent, olena, FollowedRecipients.NOT_READ, 24)
    lifecycle.launch(follow_up.pk, olena)
    lifecycle.cancel(follow_up.pk, olena)
    lifecycle.return_to_draft(parent.pk, olena)
    drafts.delete(parent.pk, olena)
    assert Campaign.objects.get().follows is None


def test_a_campaign_gets_another_time_and_starts_then(olena: User) -> None:
    campaign = scheduled()
    later = NOON + timedelta(hours=5)
    running_changes.reschedule(campaign.pk, olena, later, "Europe/Kyiv")
    campaign.refresh_from_db()
    assert (campaign.scheduled_at, campaign.time_zone) == (later, "Europe/Kyiv")
    assert AuditEntry.objects.get(action="rescheduled").detail == "2026-01-14T17:00+00:00"
    assert lifecycle.start_due(NOON + timedelta(hours=1, minutes=1)) == 0
    assert lifecycle.start_due(later) == 1


@pytest.mark.parametrize(
    ("moment", "refusal"),
    [
        (NOON - timedelta(hours=1), "Choose a time in the future"),
        (NOON + timedelta(days=400), "within the next year"),
        (None, "Choose a date and time"),
    ],
)
def test_a_time_that_a_launch_refuses_is_refused(
    moment: datetime | None, refusal: str, olena: User
) -> None:
    campaign = scheduled()
    with pytest.raises(Refused, match=refusal):
        running_changes.reschedule(campaign.pk, olena, moment)
    campaign.refresh_from_db()
    assert campaign.scheduled_at == NOON + timedelta(hours=1)


def test_one_whose_time_has_come_is_not_rescheduled(
    olena: User, clock: time_machine.Traveller
) -> None:
    campaign = scheduled()
    clock.move_to(NOON + timedelta(hours=1))
    with pytest.raises(Refused, match="can't be rescheduled: it is “Scheduled”"):
        running_changes.reschedule(campaign.pk, olena, NOON + timedelta(hours=5))


def test_one_that_missed_its_time_waits_for_another(
    olena: User, clock: time_machine.Traveller
) -> None:
    campaign = scheduled()
    clock.move_to(NOON + timedelta(days=1))
    lifecycle.start_due(timezone.now())
    campaign.refresh_from_db()
    assert campaign.reason == "missed"
    later = NOON + timedelta(days=2)
    running_changes.reschedule(campaign.pk, olena, later)
    campaign.refresh_from_db()
    assert (campaign.state, campaign.reason, campaign.scheduled_at) == (S.SCHEDULED, "", later)


def test_a_local_time_moves_with_its_audience(olena: User) -> None:
    campaign = scheduled(
        timing=Timing.LOCAL, local_at="2026-01-15T10:00", scheduled_at=NOON + timedelta(hours=20)
    )
    ContactList.objects.update(countries={"UA": 10})
    running_changes.reschedule(campaign.pk, olena, datetime.fromisoformat("2026-01-16T10:00"))
    campaign.refresh_from_db()
    assert campaign.local_at == "2026-01-16T10:00"
    assert campaign.scheduled_at == datetime(2026, 1, 16, 8, 0, tzinfo=UTC)


def test_a_grown_audience_needs_its_approval_first(olena: User) -> None:
    priced("0.24")
    campaign = scheduled(olena)
    added = campaign.lists.get()
    Contact.objects.create(list=added, msisdn="380979999999", country="UA")
    Contact.objects.create(list=added, msisdn="380979999998", country="UA")
    added.contact_count = 12
    added.save()
    with pytest.raises(Refused, match="needs an approval by now"):
        running_changes.reschedule(campaign.pk, olena, NOON + timedelta(hours=5))


def test_pages_reschedule_and_return_to_draft(client: Client, olena: User) -> None:
    campaign = scheduled()
    client.force_login(olena)
    page = client.get(f"/campaigns/{campaign.pk}/").content.decode()
    assert "Return to draft" in page
    address = f"/campaigns/{campaign.pk}/time"
    assert address in page
    menu = client.get(f"/campaigns/{campaign.pk}/menu").content.decode()
    assert (address in menu, "Return to draft" in menu) == (True, True)
    shown = client.get(address).content.decode()
    assert 'value="2026-01-14T13:00"' in shown
    late = client.post(address, {"scheduled_at": "2026-01-14T08:00", "time_zone": "UTC"})
    assert late.status_code == 422
    assert 'value="2026-01-14T08:00"' in late.content.decode()
    values = {"scheduled_at": "2026-01-14T18:00", "time_zone": "Europe/Kyiv"}
    assert client.post(address, values).status_code == 302
    campaign.refresh_from_db()
    assert campaign.scheduled_at == datetime(2026, 1, 14, 16, 0, tzinfo=UTC)
    answer = client.post(f"/campaigns/{campaign.pk}/return")
    assert answer["Location"] == f"/campaigns/{campaign.pk}/edit"
    assert client.get(address)["Location"] == f"/campaigns/{campaign.pk}/"


def test_the_command_makes_it_a_draft_again(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = scheduled()
    call_command("campaign", "draft", str(campaign.pk), "--json")
    assert '"state": "draft"' in capsys.readouterr().out
