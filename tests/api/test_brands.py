"""Brands: those of the owner of a token, which acts in its own alone."""

import pytest
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.compose.models import FrequencyCap
from campaigns.dispatch.freeze.recipients import freeze
from campaigns.models import AuditEntry, ContactList, Role
from campaigns.shared.brands.scope import MAIN, acting_for
from campaigns.team.models import Brand, Membership
from campaigns.team.permissions import PERMISSIONS
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient, client_of
from tests.dispatch.factory import SOON, contact_list, draft, launched_to

pytestmark = pytest.mark.django_db


def test_brands_of_the_owner(api: ApiClient, api_of: MakeClient) -> None:
    toys, books = (Brand.objects.create(name=name, slug=name.lower()) for name in ("Toys", "Books"))
    Membership.objects.create(user=api.token.owner, brand=toys, role=Role.VIEWER)
    rows = api.get("brands").json()["items"]
    assert [(row["id"], row["slug"]) for row in rows] == [(MAIN, "main"), (toys.pk, "toys")]
    assert api.get(f"brands/{toys.pk}").json()["name"] == "Toys"
    assert api.get(f"brands/{books.pk}").status_code == 404
    assert len(api_of(Role.ADMINISTRATOR).get("brands").json()["items"]) == 3
    assert api.get("brands?limit=1").json()["next_cursor"] == str(MAIN)


def test_a_brand_is_made_and_renamed(api_of: MakeClient) -> None:
    boss = api_of(Role.ADMINISTRATOR)
    answer = boss.post("brands", {"name": " Toys "}, Idempotency_Key="1")
    made = answer.json()
    assert (answer.status_code, made["name"], made["slug"]) == (201, "Toys", "toys")
    assert boss.post("brands", {"name": " Toys "}, Idempotency_Key="1").json() == made
    taken = boss.post("brands", {"name": "TOYS"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    address = f"brands/{made['id']}"
    renamed = boss.patch(address, {"name": "Games"}, If_Match=answer.headers["ETag"])
    assert renamed.json() == made | {"name": "Games"}
    late = boss.patch(address, {"name": "Late"}, If_Match=answer.headers["ETag"])
    assert late.status_code == 412
    assert boss.patch(address, {"name": "main"}).json()["code"] == "name_taken"
    assert boss.post("brands", {"name": "x" * 61}).status_code == 422
    entries = AuditEntry.objects.filter(subject=f"brand:{made['id']}").order_by("id")
    assert [(entry.action, entry.detail) for entry in entries] == [
        ("created", "Toys"),
        ("renamed", "Toys to Games"),
    ]


def test_a_token_stays_in_its_brand(api_of: MakeClient) -> None:
    boss = api_of(Role.ADMINISTRATOR)
    made = boss.post("brands", {"name": "Toys"}).json()
    boss.post("lists", {"name": "Of main"})
    with acting_for(made["id"]):
        other = client_of(boss.token.owner, PERMISSIONS[Role.ADMINISTRATOR])
        ContactList.objects.create(name="Of toys")
    assert other.get("me").json()["brand"]["id"] == made["id"]
    assert [row["name"] for row in other.get("lists").json()["items"]] == ["Of toys"]
    assert [row["name"] for row in boss.get("lists").json()["items"]] == ["Of main"]


def test_who_may_make_brands(api: ApiClient) -> None:
    assert api.post("brands", {"name": "Toys"}).status_code == 403
    assert api.patch(f"brands/{MAIN}", {"name": "Toys"}).status_code == 403
    assert Brand.objects.get().name == "Main"


def test_the_frequency_cap_is_said_of_brand_token_campaign_and_review(api: ApiClient) -> None:
    people = contact_list("Ten", 10)
    campaign = draft(people)
    assert api.get("brands/1").json()["frequency_cap"] is None
    assert api.get(f"campaigns/{campaign.pk}").json()["frequency_cap"] is None
    FrequencyCap.objects.create(messages=1, days=7)
    launched_to(contact_list("Four", 4))
    cap = {"messages": 1, "days": 7}
    assert api.get("brands/1").json()["frequency_cap"] == cap
    assert api.get("me").json()["brand"]["frequency_cap"] == cap
    assert api.get(f"campaigns/{campaign.pk}").json()["frequency_cap"] == cap
    funnel = api.get(f"campaigns/{campaign.pk}/review").json()["funnel"]
    assert (funnel["selected"], funnel["capped"], funnel["recipients"]) == (10, 4, 6)
    lifecycle.launch(campaign.pk, None)
    freeze(campaign.pk, timezone.now() + SOON)
    progress = api.get(f"campaigns/{campaign.pk}/progress").json()
    assert progress["excluded"]["capped"] == 4
