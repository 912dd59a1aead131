"""Segments: conditions as typed JSON, checked by the form of the page."""

from typing import Any

import pytest

from campaigns.api.resources.segments import SCHEMAS
from campaigns.compose.models import Condition, ConditionKind, Segment
from campaigns.compose.pages import segment_forms
from campaigns.contacts.lists import contact_lists
from campaigns.contacts.people import person
from campaigns.models import Campaign, CampaignState, ContactList, Import, ImportState, Sender
from campaigns.shared.brands.scope import acting_for
from campaigns.team.models import Brand
from tests.api.client import ApiClient
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db
KYIV = {"kind": "field", "field": "city", "operator": "is", "value": "Kyiv"}


@pytest.fixture
def clients(api: ApiClient) -> ContactList:
    fields = [{"name": "city"}, {"name": "born", "type": "date"}]
    made = api.post("lists", {"name": "Clients", "fields": fields}).json()
    rows = [("0971110001", "Kyiv"), ("0971110002", "Lviv"), ("+48601110003", "Kyiv")]
    contacts = [{"phone": phone, "fields": {"city": city}} for phone, city in rows]
    api.post(f"lists/{made['id']}/contacts/bulk", {"contacts": contacts})
    return ContactList.objects.get(pk=made["id"])


def test_a_segment_from_its_beginning_to_its_end(api: ApiClient, clients: ContactList) -> None:
    conditions: list[dict[str, Any]] = [KYIV, {"kind": "country", "countries": ["UA"]}]
    made = api.post("segments", {"name": "In Kyiv", "conditions": conditions})
    assert made.status_code == 201
    segment = made.json()
    address = f"segments/{segment['id']}"
    assert segment["conditions"] == [KYIV, {**conditions[1], "negated": False}]
    assert api.get(f"{address}/count").json() == {"contacts": 1, "incomparable": 0}
    assert api.get(address).json()["contacts"] == 1
    tag = api.get(address).headers["ETag"]
    changed = api.patch(address, {"match": "any"}, If_Match=tag)
    assert changed.json()["conditions"] == segment["conditions"]
    assert api.get(f"{address}/count").json()["contacts"] == 3
    late = api.patch(address, {"name": "Late"}, If_Match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    copy = api.post(f"{address}/duplicate", None).json()
    assert copy["conditions"] == segment["conditions"]
    taken = api.patch(f"segments/{copy['id']}", {"name": "In Kyiv"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    names = [row["name"] for row in api.get("segments?q=KYIV").json()["items"]]
    assert names == ["In Kyiv", copy["name"]]
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_each_kind_of_condition_can_be_sent_and_read(api: ApiClient, clients: ContactList) -> None:
    values = {"consent": "given", "consent_source": "x", "wanted_topics": "sales"}
    unknown = person.values_of(person.find("380971110001"))
    person.change("380971110001", values, unknown, None)
    imported = Import.objects.create(list=clients, state=ImportState.FINISHED, file_name="a.csv")
    sent = make_campaign("Autumn", CampaignState.FINISHED)
    Campaign.objects.filter(pk=sent.pk).update(frozen_at=sent.created_at)
    sender = Sender.objects.get()
    conditions: list[dict[str, Any]] = [
        {"kind": "field", "field": "born", "operator": "last", "value": "30"},
        {"kind": "country", "negated": True, "countries": ["PL"]},
        {"kind": "list", "negated": False, "list_id": clients.pk},
        {"kind": "import", "negated": True, "import_id": imported.pk},
        {
            "kind": "messages", "negated": True, "outcome": "read", "campaign_id": sent.pk,
            "sender_id": sender.pk, "days": 30,
        },
        {"kind": "consent", "negated": False, "value": "given"},
        {"kind": "language", "negated": True, "value": ""},
        {"kind": "topic", "negated": False, "value": "sales"},
    ]  # fmt: skip
    assert {each["kind"] for each in conditions} == set(ConditionKind.values) == set(SCHEMAS)
    made = api.post("segments", {"name": "All kinds", "conditions": conditions})
    assert made.status_code == 201, made.content
    assert made.json()["conditions"] == conditions
    # stored as the page stores it
    rows = Condition.objects.order_by("place").values_list("kind", "negated", "value", "outcome")
    assert list(rows)[4:7] == [
        ("messages", True, "", "read"),
        ("consent", False, "given", ""),
        ("language", True, "", ""),
    ]
    assert api.post("segments/count", {"conditions": conditions}).status_code == 200


def test_an_old_import_stays_in_a_segment_that_is_changed(
    api: ApiClient, clients: ContactList, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported = Import.objects.create(list=clients, state=ImportState.FINISHED, file_name="a.csv")
    conditions = [{"kind": "import", "import_id": imported.pk, "negated": False}]
    made = api.post("segments", {"name": "A", "conditions": conditions}).json()
    monkeypatch.setattr(segment_forms, "CHOICES_MAX", 0)  # it is no longer among the newest
    refused = api.post("segments", {"name": "B", "conditions": conditions})
    assert refused.json()["errors"][0]["field"] == "conditions.0.import_id"
    changed = api.patch(f"segments/{made['id']}", {"name": "C"})
    assert (changed.status_code, changed.json()["conditions"]) == (200, conditions)


@pytest.mark.parametrize(
    ("condition", "field"),
    [
        (KYIV | {"field": "town"}, "conditions.0.field"),
        (KYIV | {"operator": "like"}, "conditions.0.operator"),
        (KYIV | {"operator": "more", "value": "many"}, "conditions.0.value"),
        (KYIV | {"value": ""}, "conditions.0.value"),
        (KYIV | {"field": "born", "value": "soon"}, "conditions.0.value"),
        ({"kind": "country", "countries": ["GR"]}, "conditions.0.countries"),
        ({"kind": "list", "list_id": 10**9}, "conditions.0.list_id"),
        ({"kind": "messages", "outcome": "read", "days": 0}, "conditions.0.days"),
        ({"kind": "language", "value": "klingon"}, "conditions.0.value"),
        ({"kind": "topic", "value": "nothing"}, "conditions.0.value"),
        ({"kind": "age"}, "conditions.0"),
    ],
)  # fmt: skip
def test_bad_conditions_are_named(
    api: ApiClient, clients: ContactList, condition: dict[str, Any], field: str
) -> None:
    for path in ("segments", "segments/count"):
        body = {"conditions": [condition]} | ({"name": "A"} if path == "segments" else {})
        answer = api.post(path, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Segment.objects.exists()


def test_a_list_of_another_brand_is_unknown(api: ApiClient, clients: ContactList) -> None:
    with acting_for(Brand.objects.create(name="Other", slug="other").pk):
        theirs = contact_lists.create("Theirs", None)
    answer = api.post(
        "segments", {"name": "A", "conditions": [{"kind": "list", "list_id": theirs.pk}]}
    )
    assert answer.json()["errors"][0]["field"] == "conditions.0.list_id"
