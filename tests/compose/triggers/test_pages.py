"""The pages of triggers, and what else a trigger means for its draft and its runs."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.compose.editor import drafts
from campaigns.compose.launch import approval, lifecycle
from campaigns.compose.launch.lifecycle import Refused
from campaigns.compose.models import (
    ApprovalLimit,
    Campaign,
    Timing,
    Trigger,
    TriggerEvent,
    TriggerState,
)
from campaigns.compose.triggers import counts, moves
from campaigns.compose.triggers.arrivals import Arrival, receive
from campaigns.compose.triggers.counts import EventCounts, count_events
from campaigns.compose.triggers.moves import Limits
from campaigns.dispatch.freeze import events
from campaigns.team.models import AuditEntry, Role
from tests.dispatch import factory
from tests.reports.factories import make_user

pytestmark = pytest.mark.django_db
LIMITS = Limits(1_000, 3, 24)


@pytest.fixture
def draft() -> Campaign:
    return factory.draft(text="Order {order} for {name|you}")


@pytest.fixture
def trigger(draft: Campaign) -> Trigger:
    return moves.set_up(draft.pk, "order.paid", LIMITS, None)


@pytest.fixture
def pages(client: Client) -> Client:
    client.force_login(make_user("olena", Role.MARKETER))
    return client


def state_of(trigger: Trigger) -> str:
    trigger.refresh_from_db()
    return trigger.state


def test_a_draft_is_set_up_switched_on_and_ended_in_pages(pages: Client, draft: Campaign) -> None:
    form = {"event": "order.paid", "people_max": "50", "person_max": "1", "wait_max": "2"}
    answer = pages.post(f"/campaigns/{draft.pk}/trigger", form, follow=True)
    [trigger] = Trigger.objects.all()
    address = f"/campaigns/triggers/{trigger.pk}/"
    assert answer.redirect_chain == [(address, 302)]
    text = answer.content.decode()
    assert "Required values: order." in text
    assert '"values": {"name": "…", "order": "…"}' in text
    pages.post(f"{address}on", {"version": draft.updated_at.isoformat()})
    assert state_of(trigger) == TriggerState.ON
    receive(Arrival("order.paid", "1042", "+380971234567", {"order": "1042"}))
    assert "+380\u00a097\u00a0123\u00a04567" in pages.get(address).content.decode()
    pages.post(f"{address}off")
    pages.post(f"{address}skip")
    pages.post(f"{address}end")
    assert state_of(trigger) == TriggerState.ENDED
    entries = AuditEntry.objects.filter(subject=f"trigger:{trigger.pk}").order_by("pk")
    assert list(entries.values_list("action", flat=True)) == [
        "created", "switched on", "switched off", "skipped", "ended",
    ]  # fmt: skip
    assert pages.get("/campaigns/triggers/").status_code == 200


def test_a_busy_trigger_counts_its_newest_events(
    trigger: Trigger, pages: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [*["waiting"] * 3, *["taken"] * 2, *["skipped"] * 4]
    TriggerEvent.objects.bulk_create(
        TriggerEvent(
            trigger=trigger, event="order.paid", key=str(number), msisdn="380971234567",
            state=state, at=timezone.now(),
        )
        for number, state in enumerate(states)
    )  # fmt: skip
    assert count_events(trigger) == EventCounts(3, 2, 4, is_bounded=False)
    monkeypatch.setattr(counts, "NEWEST", 5)
    assert count_events(trigger) == EventCounts(3, 1, 4, is_bounded=True)
    with CaptureQueriesContext(connection) as queries:
        text = pages.get(f"/campaigns/triggers/{trigger.pk}/").content.decode()
    assert "counted among the newest" in text
    of_events = [query["sql"] for query in queries if "campaigns_triggerevent" in query["sql"]]
    assert len(of_events) == 3  # the page, those that wait, the newest


@pytest.mark.parametrize("event", ["", "Order paid", "замовлення", "x" * 61])
def test_names_of_events_are_plain(pages: Client, draft: Campaign, event: str) -> None:
    form = {"event": event, "people_max": "0", "person_max": "1", "wait_max": "2"}
    answer = pages.post(f"/campaigns/{draft.pk}/trigger", form)
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {"event", "people_max"}
    assert not Trigger.objects.exists()


def test_the_draft_is_neither_launched_nor_changed_while_it_is_sent(
    trigger: Trigger, draft: Campaign
) -> None:
    draft.lists.set([factory.contact_list("People", 2)])
    with pytest.raises(Refused, match=r"This is the message of the trigger “order\.paid”"):
        lifecycle.launch(draft.pk, None)
    drafts.lock_draft(draft.pk)  # it may be edited
    moves.switch_on(trigger.pk, None)
    with pytest.raises(Refused, match="Switch it off before you change it"):
        drafts.lock_draft(draft.pk)
    moves.switch_off(trigger.pk, None)
    with pytest.raises(Refused, match="End the trigger first"):
        drafts.delete(draft.pk, None)
    moves.end(trigger.pk, None)
    drafts.delete(draft.pk, None)


def test_what_can_not_be_sent_is_not_switched_on(trigger: Trigger, draft: Campaign) -> None:
    Campaign.objects.filter(pk=draft.pk).update(timing=Timing.AT, text="")
    with pytest.raises(Refused, match="choose “Now”"):
        moves.switch_on(trigger.pk, None)
    other = {"text": "Hey", "image": "same"}
    Campaign.objects.filter(pk=draft.pk).update(timing=Timing.NOW, text="Hi", variants=[other])
    with pytest.raises(Refused, match="remove the variants"):
        moves.switch_on(trigger.pk, None)
    Campaign.objects.filter(pk=draft.pk).update(variants=[])
    with pytest.raises(Refused, match="changed a moment ago"):
        moves.switch_on(trigger.pk, None, version="2020-01-01")
    assert state_of(trigger) == TriggerState.OFF


@pytest.mark.parametrize(
    ("budget", "needs_approver"), [(None, True), (Decimal(20), True), (Decimal(5), False)]
)
def test_above_the_limit_an_approver_switches_it_on(
    trigger: Trigger, draft: Campaign, budget: Decimal | None, needs_approver: bool
) -> None:
    author, other = make_user("author", Role.APPROVER), make_user("other", Role.APPROVER)
    ApprovalLimit.objects.create(currency="EUR", amount=10)
    Campaign.objects.filter(pk=draft.pk).update(
        budget=budget, budget_currency="EUR", created_by=author
    )
    if needs_approver:
        with pytest.raises(Refused, match="An approver has to switch it on"):
            moves.switch_on(trigger.pk, author)
        moves.switch_on(trigger.pk, other)
    else:
        moves.switch_on(trigger.pk, author)
    assert state_of(trigger) == TriggerState.ON


def test_a_run_counts_as_what_its_starter_launched_without_approval(
    trigger: Trigger, draft: Campaign
) -> None:
    author = make_user("author", Role.MARKETER)
    ApprovalLimit.objects.create(currency="EUR", amount=10)
    Campaign.objects.filter(pk=draft.pk).update(budget=Decimal(6), budget_currency="EUR")
    moves.switch_on(trigger.pk, author)
    receive(Arrival("order.paid", "1", "+380971234567", {"order": "1"}))
    events.take(trigger.pk)
    run = Campaign.objects.get(trigger=trigger)
    assert (run.budget, run.launched_by) == (Decimal(6), author)
    draft.refresh_from_db()
    assert approval.budget_needs_approval(draft, author)  # 6 and 6 are more than 10


def test_runs_are_listed_with_their_trigger_alone(pages: Client, trigger: Trigger) -> None:
    moves.switch_on(trigger.pk, None)
    receive(Arrival("order.paid", "1", "+380971234567", {"order": "1"}))
    events.take(trigger.pk)
    run = Campaign.objects.get(trigger=trigger)
    assert run.name not in pages.get("/campaigns/").content.decode()
    listed = pages.get(f"/campaigns/?trigger={trigger.pk}").content.decode()
    assert run.name in listed
    assert "order.paid" in listed
    assert "cannot be read" in pages.get("/campaigns/?trigger=77").content.decode()
