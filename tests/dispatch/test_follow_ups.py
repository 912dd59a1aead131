"""Follow-ups: they wait for their parent, and go to those of whom the result is certain then."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor import drafts
from campaigns.compose.editor.follow_up_drafts import FollowedRecipients, create_follow_up
from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import ApprovalLimit, Campaign, CampaignState, PriceList, Timing
from campaigns.dispatch import sweep
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.engagement.models import Click
from campaigns.reports.campaigns import calendar
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.team.models import AuditEntry, Role
from campaigns.team.permissions import PERMISSIONS
from tests.api.conftest import client_of
from tests.dispatch import factory
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)
S, D = CampaignState, DeliveryState
PEOPLE = 12
F = FollowedRecipients


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def parent() -> Campaign:
    """Launched and frozen, to twelve people; nothing is sent yet."""
    return factory.launched(PEOPLE)


def finish(parent: Campaign, fates: dict[int, dict[str, Any]] | None = None) -> None:
    """Let the parent be finished now; the rest of its recipients are accepted and unknown."""
    Recipient.objects.filter(campaign=parent).update(send_state=SendState.ACCEPTED)
    for number, columns in (fates or {}).items():
        recipient = Recipient.objects.filter(campaign=parent, msisdn=factory.phone(number))
        recipient.update(**columns)
    Campaign.objects.filter(pk=parent.pk).update(state=S.FINISHED, finished_at=timezone.now())


def follow_up(parent: Campaign, who: str = F.NOT_READ, hours: int = 24, **columns: Any) -> Campaign:
    draft = create_follow_up(parent, None, who, hours)
    Campaign.objects.filter(pk=draft.pk).update(**columns)
    lifecycle.launch(draft.pk, None)
    return Campaign.objects.get(pk=draft.pk)


def sweep_at(clock: time_machine.Traveller, moment: datetime, campaign: Campaign) -> str:
    """The state of `campaign` after a sweep at this moment; it is frozen if it is preparing."""
    clock.move_to(moment)
    sweep.sweep()
    freeze(campaign.pk, timezone.now() + factory.SOON)
    campaign.refresh_from_db()
    return campaign.state


def phones(campaign: Campaign) -> set[int]:
    """The numbers of the contacts that it goes to."""
    found = set(Recipient.objects.filter(campaign=campaign).values_list("msisdn", flat=True))
    return {number for number in range(PEOPLE + 5) if factory.phone(number) in found}


FATES: dict[int, dict[str, Any]] = {
    0: {"delivery_state": D.DELIVERED},
    1: {"delivery_state": D.READ},
    2: {"delivery_state": D.DELIVERED},
    3: {"delivery_state": D.NOT_DELIVERED, "final": True},
    4: {"delivery_state": D.NOT_DELIVERED, "final": False},
    5: {"delivery_state": D.FALLBACK_DELIVERED},
    6: {"delivery_state": D.FALLBACK, "final": True},
    7: {"send_state": SendState.REFUSED},
    8: {"send_state": SendState.UNRESOLVED},
    9: {"delivery_state": D.SENT},
    10: {"send_state": SendState.CANCELLED},
}


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (F.NOT_READ, {0, 2, 5}),
        (F.READ, {1}),
        (F.REACHED, {0, 1, 2, 5}),
        (F.NOT_REACHED, {3, 6}),
        (F.CLICKED, {2}),
        (F.NOT_CLICKED, {0, 1, 5}),
    ],
)
def test_only_certain_results_count(
    clock: time_machine.Traveller, parent: Campaign, who: str, expected: set[int]
) -> None:
    campaign = follow_up(parent, who)
    finish(parent, FATES)
    clicker = Recipient.objects.get(campaign=parent, msisdn=factory.phone(2))
    Click.objects.create(
        id=1, recipient=clicker, campaign=parent, at=timezone.now(), number=0, machine=""
    )
    assert sweep_at(clock, NOON + timedelta(hours=23, minutes=59), campaign) == S.SCHEDULED
    assert campaign.scheduled_at == NOON + timedelta(hours=24)
    assert sweep_at(clock, NOON + timedelta(hours=24), campaign) == S.SENDING
    assert phones(campaign) == expected


def test_it_waits_for_a_parent_that_is_not_finished_or_is_paused(
    clock: time_machine.Traveller, parent: Campaign
) -> None:
    campaign = follow_up(parent, hours=1)
    assert (campaign.state, campaign.scheduled_at) == (S.SCHEDULED, None)
    lifecycle.pause(parent.pk, None)
    assert sweep_at(clock, NOON + timedelta(days=3), campaign) == S.SCHEDULED
    finish(parent, {1: {"delivery_state": D.DELIVERED}})
    assert sweep_at(clock, NOON + timedelta(days=3), campaign) == S.SCHEDULED
    assert sweep_at(clock, NOON + timedelta(days=3, hours=1), campaign) == S.SENDING
    assert phones(campaign) == {1}


def test_results_count_as_they_are_when_it_goes_out(
    clock: time_machine.Traveller, parent: Campaign
) -> None:
    campaign = follow_up(parent)
    finish(parent, {0: {"delivery_state": D.DELIVERED}, 1: {"delivery_state": D.DELIVERED}})
    sweep_at(clock, NOON + timedelta(hours=12), campaign)
    Recipient.objects.filter(msisdn=factory.phone(0)).update(delivery_state=D.READ)
    sweep_at(clock, NOON + timedelta(hours=24), campaign)
    assert phones(campaign) == {1}


def test_at_night_it_waits_for_the_morning_and_is_evaluated_then(
    clock: time_machine.Traveller, parent: Campaign
) -> None:
    """In Ukraine, Romania and Bulgaria it is 9 o'clock at 7:00 UTC, the first of the openings."""
    campaign = follow_up(parent, hours=10, sends_from=time(9), sends_until=time(21))
    finish(parent, {0: {"delivery_state": D.DELIVERED}, 1: {"delivery_state": D.DELIVERED}})
    assert sweep_at(clock, NOON + timedelta(hours=10), campaign) == S.SCHEDULED
    assert campaign.scheduled_at == datetime(2026, 1, 15, 7, 0, tzinfo=UTC)
    Recipient.objects.filter(msisdn=factory.phone(0)).update(delivery_state=D.READ)
    assert sweep_at(clock, datetime(2026, 1, 15, 7, 0, tzinfo=UTC), campaign) == S.SENDING
    assert phones(campaign) == {1}


def test_parent_is_cancelled_and_a_person_decides(
    clock: time_machine.Traveller, parent: Campaign
) -> None:
    sent, dropped = follow_up(parent, F.REACHED, 2), follow_up(parent, F.REACHED, 2)
    finish(parent, {3: {"delivery_state": D.DELIVERED}})
    Campaign.objects.filter(pk=parent.pk).update(state=S.CANCELLED)
    for campaign in (sent, dropped):
        assert sweep_at(clock, NOON + timedelta(minutes=1), campaign) == S.PAUSED
        assert campaign.reason == "parent_cancelled"
    lifecycle.cancel(dropped.pk, None)
    lifecycle.resume(sent.pk, None)
    assert sweep_at(clock, NOON + timedelta(minutes=2), sent) == S.SCHEDULED
    assert sweep_at(clock, NOON + timedelta(hours=2), sent) == S.SENDING
    assert phones(sent) == {3}


def test_nobody_is_left_and_it_says_so(clock: time_machine.Traveller, parent: Campaign) -> None:
    campaign = follow_up(parent, F.READ, 1)
    finish(parent)
    assert sweep_at(clock, NOON + timedelta(hours=1), campaign) == S.PAUSED
    assert campaign.reason == "nobody"


def test_until_then_it_counts_everybody_it_could_go_to(parent: Campaign) -> None:
    waiting = factory.draft(
        factory.contact_list("Later", 5, start=50), timing=Timing.AT,
        scheduled_at=NOON + timedelta(days=1),
    )  # fmt: skip
    lifecycle.launch(waiting.pk, None)
    waiting.refresh_from_db()
    frozen, open_ = follow_up(parent, F.READ), follow_up(waiting, F.READ)
    chain = follow_up(open_, F.CLICKED)
    counts = [Audience.of(campaign).recipients().count() for campaign in (frozen, open_, chain)]
    assert counts == [PEOPLE, 5, 5]
    excluded = factory.contact_list("Out", 2, start=51)
    open_.exclude_lists.add(excluded)
    assert Audience.of(open_).recipients().count() == 3
    draft = create_follow_up(waiting, None, F.READ, 1)
    with pytest.raises(Refused, match=r"^The audience is now 5 recipients, not 1\.$"):
        lifecycle.launch(draft.pk, None, confirmed=1)


@pytest.fixture
def limit() -> None:
    """Each message costs 1 EUR; above 5 EUR a second person approves."""
    rows = [
        {
            "country": code, "country_name": code, "mcc": "", "mnc": "0", "price": "1",
            "currency": "EUR",
        }
        for code, _prefix in factory.COUNTRIES
    ]  # fmt: skip
    PriceList.objects.create(channel="viber", tariff=0, rows=rows, fetched_at=timezone.now())
    ApprovalLimit.objects.create(currency="EUR", amount=Decimal(5))


def test_approval_is_by_the_most_it_can_cost(
    clock: time_machine.Traveller, parent: Campaign, limit: None
) -> None:
    olena, ivan = (make_user(name, Role.APPROVER) for name in ("olena", "ivan"))
    draft = create_follow_up(parent, olena, F.REACHED, 1)
    lifecycle.launch(draft.pk, olena)
    draft.refresh_from_db()
    assert (draft.state, draft.approval_limit) == (S.AWAITING_APPROVAL, {"EUR": "12"})
    finish(parent, {number: {"delivery_state": D.DELIVERED} for number in range(8)})
    lifecycle.approve(draft.pk, ivan, draft.approval_fingerprint)
    draft.refresh_from_db()
    assert (draft.state, draft.approved_people) == (S.SCHEDULED, PEOPLE)
    sweep_at(clock, NOON, draft)
    assert sweep_at(clock, NOON + timedelta(hours=1), draft) == S.SENDING
    assert draft.audience == 8


def test_more_than_was_approved_waits_for_a_second_person(
    clock: time_machine.Traveller, limit: None
) -> None:
    contacts = factory.contact_list("Some", 4)
    parent = factory.draft(contacts)
    lifecycle.launch(parent.pk, make_user())  # what one launches adds up
    parent.refresh_from_db()
    campaign = follow_up(parent, F.REACHED, 1)  # at most 4 EUR: without approval
    others = factory.contact_list("Others", 5, start=6)
    Campaign.objects.get(pk=parent.pk).lists.add(others)
    freeze(parent.pk, timezone.now() + factory.SOON)
    finish(parent)
    Recipient.objects.update(delivery_state=D.DELIVERED)
    sweep_at(clock, NOON, campaign)
    assert sweep_at(clock, NOON + timedelta(hours=1), campaign) == S.PAUSED
    assert (campaign.reason, campaign.audience) == ("approval", 9)


@pytest.mark.parametrize("state", [S.DRAFT, S.AWAITING_APPROVAL, S.CANCELLED])
def test_what_was_not_launched_is_not_followed(state: str) -> None:
    parent = factory.draft(factory.contact_list("Some", 3))
    Campaign.objects.filter(pk=parent.pk).update(state=S.SCHEDULED)
    draft = create_follow_up(Campaign.objects.get(pk=parent.pk), None, F.READ, 1)
    Campaign.objects.filter(pk=parent.pk).update(state=state)
    parent.refresh_from_db()
    with pytest.raises(Refused, match="Only a campaign that was launched can be followed"):
        create_follow_up(parent, None, F.READ, 1)
    with pytest.raises(Refused, match="so nothing can follow it"):
        lifecycle.launch(draft.pk, None)


def test_copy_of_a_follow_up_follows_nothing(parent: Campaign) -> None:
    copy = drafts.duplicate(create_follow_up(parent, None, F.READ, 1), None)
    assert (copy.timing, copy.follows, copy.follow_hours) == (Timing.NOW, None, None)


def test_page_makes_a_draft_that_is_edited_reviewed_and_launched(
    client: Client, parent: Campaign
) -> None:
    olena = make_user()
    client.force_login(olena)
    address = f"/campaigns/{parent.pk}/"
    assert f'href="{address}follow-up"' in client.get(address).content.decode()
    assert client.post(f"{address}follow-up", {"who": "read", "hours": "0"}).status_code == 422
    answer = client.post(f"{address}follow-up", {"who": "not_read", "hours": "24"})
    draft = Campaign.objects.get(follows=parent)
    assert answer.headers["Location"] == f"/campaigns/{draft.pk}/edit"
    assert AuditEntry.objects.filter(action="created").exists()
    form = client.get(answer.headers["Location"]).content.decode()
    assert "24 hours after “Autumn” has finished sending" in form
    assert "Autumn (Delivered), excluding Autumn (Read)" in form
    review = " ".join(client.get(f"/campaigns/{draft.pk}/review").content.decode().split())
    assert f"Send to at most {PEOPLE} recipients" in review
    assert "24 hours after “Autumn” has finished sending" in review
    lifecycle.launch(draft.pk, olena)
    shown = " ".join(client.get(f"/campaigns/{draft.pk}/").content.decode().split())
    assert "Goes out 24 hours after “Autumn” has finished sending" in shown
    assert draft.name in client.get(address).content.decode()
    assert "24 hours after “Autumn”" in client.get("/").content.decode()
    assert "24 hours after “Autumn”" in client.get("/campaigns/").content.decode()


def test_composer_keeps_what_it_follows(client: Client, parent: Campaign) -> None:
    client.force_login(make_user())
    draft = create_follow_up(parent, None, F.NOT_READ, 24)
    posted = {
        "name": "Reminder", "sender": "Shop", "text": "Hello again", "timing": "after",
        "follow_hours": "48", "campaigns": f"{parent.pk}:delivered",
        "exclude_campaigns": f"{parent.pk}:read", "promotional": "True", "validity": "3600",
    }  # fmt: skip
    assert client.post(f"/campaigns/{draft.pk}/edit", posted).status_code == 302
    draft.refresh_from_db()
    assert (draft.timing, draft.follows, draft.follow_hours) == ("after", parent, 48)
    refused = client.post("/campaigns/new", posted)
    assert refused.status_code == 422


def test_calendar_shows_when_it_is_expected(parent: Campaign) -> None:
    campaign = follow_up(parent, hours=48)
    view = calendar.load_calendar(real_campaigns(), [], calendar.MONTH, NOON.date())
    [event] = [
        event
        for day in view.days
        for event in day.events
        if event.url == campaign.get_absolute_url()
    ]
    assert (event.at, event.is_earliest) == (NOON + timedelta(hours=48), True)


def test_api_makes_a_follow_up(parent: Campaign) -> None:
    api = client_of(make_user(), PERMISSIONS[Role.MARKETER])
    answer = api.post(f"campaigns/{parent.pk}/follow-up", {"who": "not_reached", "hours": 3})
    made = answer.json()
    assert (answer.status_code, made["timing"], made["follows"], made["follow_hours"]) == (
        201, "after", parent.pk, 3,
    )  # fmt: skip
    assert made["campaigns"] == [{"campaign": parent.pk, "outcome": "not_delivered"}]
    changed = api.send("PATCH", f"campaigns/{made['id']}", {"follow_hours": 5})
    assert changed.json()["follow_hours"] == 5
    assert (
        api.post(f"campaigns/{made['id']}/follow-up", {"who": "read", "hours": 3}).status_code
        == 409
    )
