"""Triggers and their events by the API."""

import pytest

from campaigns.dispatch.freeze import events
from campaigns.models import Campaign, Recipient, Role, Trigger
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
LIMITS = {"people_max": 100, "person_max": 2, "wait_max": 12}
PAID = {
    "event": "order.paid", "id": "1042", "phone": "097 123-45-67", "values": {"order": "1042"}
}  # fmt: skip


@pytest.fixture
def draft() -> Campaign:
    return factory.draft(text="Order {order}")


def test_a_trigger_is_made_switched_on_and_ended(api: ApiClient, draft: Campaign) -> None:
    answer = api.post("triggers", {"event": "order.paid", "draft_id": draft.pk} | LIMITS)
    made = answer.json()
    assert answer.status_code == 201
    assert made == LIMITS | {
        "id": made["id"], "event": "order.paid", "state": "off", "reason": "", "draft_id": draft.pk,
    }  # fmt: skip
    address = f"triggers/{made['id']}"
    assert api.get("triggers").json()["items"] == [made]
    assert api.post(f"{address}/on", None).json()["state"] == "on"
    refused = api.post(f"campaigns/{draft.pk}/launch", {"recipients": 0, "audience": "0:0"})
    assert refused.status_code == 409
    changed = api.put(f"{address}/limits", LIMITS | {"people_max": 7})
    assert changed.json()["people_max"] == 7
    assert api.post(f"{address}/off", None).json()["state"] == "off"
    assert api.post(f"{address}/off", None).json()["code"] == "refused"
    ended = api.post(f"{address}/end", None).json()
    assert (ended["state"], ended["draft_id"]) == ("ended", None)


def test_an_event_is_sent_once_whatever_is_repeated(
    api_of: MakeClient, api: ApiClient, draft: Campaign
) -> None:
    made = api.post("triggers", {"event": "order.paid", "draft_id": draft.pk}).json()
    api.post(f"triggers/{made['id']}/on", None)
    shop = api_of(Role.MARKETER, {Permission.SEND_EVENTS})
    first = shop.post("events", PAID)
    event = first.json()
    assert (first.status_code, event["state"], event["campaign_id"]) == (201, "waiting", None)
    assert event["phone"] == "3809•••67"  # the token may not see phones
    assert events.take(made["id"]) == 1
    again = shop.post("events", PAID)
    assert (again.status_code, again.json()["state"]) == (200, "taken")
    assert events.take(made["id"]) == 0
    assert Recipient.objects.get().fields == {"order": "1042"}
    run = Campaign.objects.get(trigger=made["id"])
    assert again.json()["campaign_id"] == run.pk

    other = shop.post("events", PAID | {"phone": "097 123-45-68"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert shop.get(f"triggers/{made['id']}/events").status_code == 403
    listed = api.get(f"triggers/{made['id']}/events?state=taken&id=1042").json()["items"]
    assert [row["phone"] for row in listed] == ["+380971234567"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": "12345"}, "phone"),
        ({"event": "order.lost"}, "event"),
        ({"values": {}}, "values.order"),
        ({"values": {"order": "x" * 1_000}}, "values"),
    ],
)
def test_what_can_not_be_sent_is_said(
    api: ApiClient, draft: Campaign, changes: dict[str, object], field: str
) -> None:
    api.post("triggers", {"event": "order.paid", "draft_id": draft.pk})
    answer = api.post("events", PAID | changes)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


def test_an_event_has_one_trigger(api: ApiClient, draft: Campaign) -> None:
    assert api.post("triggers", {"event": "a", "draft_id": draft.pk}).status_code == 201
    other = factory.draft(text="Thanks")
    assert api.post("triggers", {"event": "a", "draft_id": other.pk}).status_code == 409
    assert api.post("triggers", {"event": "b", "draft_id": draft.pk}).status_code == 409
    assert Trigger.objects.get().event == "a"
