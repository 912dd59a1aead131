"""What campaigns are made with, the token itself, and lists that are copied or typed."""

import pytest

from campaigns.models import (
    AuditEntry,
    Campaign,
    CampaignState,
    Contact,
    ContactList,
    Label,
    Picture,
    Role,
    Sender,
    TestGroup,
)
from campaigns.team.permissions import Permission
from tests.api.client import ApiClient, picture
from tests.api.conftest import MakeClient
from tests.reports.factories import make_campaign

pytestmark = pytest.mark.django_db


def test_a_token_says_what_it_may(api_of: MakeClient) -> None:
    api = api_of(Role.ADMINISTRATOR, scopes={Permission.VIEW, Permission.MANAGE_TEAM})
    api.token.owner.is_superuser = False
    api.token.owner.role = Role.MARKETER
    api.token.owner.save()
    me = api.get("me").json()
    assert (me["name"], me["prefix"], me["rate"]) == (api.token.name, api.token.prefix, 600)
    assert (me["scopes"], me["permissions"]) == (["manage_team", "view"], ["view"])
    assert (me["brand"]["slug"], me["owner"]["role"]) == ("main", "marketer")


def test_labels(api: ApiClient) -> None:
    sale = api.post("labels", {"name": " Sale ", "colour": "red"}).json()
    assert (sale["name"], sale["colour"], sale["campaign_count"]) == ("Sale", "red", 0)
    taken = api.post("labels", {"name": "SALE"})
    assert (taken.status_code, taken.json()["code"]) == (409, "name_taken")
    address = f"labels/{sale['id']}"
    assert api.patch(address, {"colour": "teal"}).json() == sale | {"colour": "teal"}
    wrong = api.patch(address, {"colour": "pink"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "colour")
    assert [row["name"] for row in api.get("labels").json()["items"]] == ["Sale"]
    assert api.delete(address).status_code == 204
    assert not Label.objects.exists()
    actions = AuditEntry.objects.filter(subject=f"label:{sale['id']}").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["added", "edited", "deleted"]


def test_test_groups(api_of: MakeClient, api: ApiClient) -> None:
    body = {"name": "Team", "phones": ["+380971234567", "097 123 45 67", "0971234568"]}
    made = api.post("test-groups", body).json()
    assert made["phones"] == ["+380971234567", "0971234568"]
    assert api.post("test-groups", body).json()["code"] == "name_taken"
    wrong = api.post("test-groups", {"name": "B", "phones": ["12"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "phones")
    blind = api_of(scopes={Permission.VIEW, Permission.COMPOSE})
    assert blind.get("test-groups").json()["items"][0]["phones"][1] == "••••••••••"
    assert api.delete(f"test-groups/{made['id']}").status_code == 204
    assert not TestGroup.objects.exists()


def test_senders(api_of: MakeClient, api: ApiClient) -> None:
    assert api.post("senders", {"name": "Shop"}).status_code == 403
    boss = api_of(Role.ADMINISTRATOR)
    made = boss.post("senders", {"name": "Shop"}).json()
    assert (made["name"], made["campaigns"], made["last_used"]) == ("Shop", 0, None)
    assert boss.post("senders", {"name": "Shop"}).json()["code"] == "name_taken"
    long = boss.post("senders", {"name": "S" * 15})
    assert (long.status_code, long.json()["errors"][0]["field"]) == (422, "name")
    used = make_campaign("Autumn", CampaignState.DRAFT).sender
    assert used is not None
    refused = boss.delete(f"senders/{used.pk}")
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert boss.delete(f"senders/{made['id']}").status_code == 204
    assert list(Sender.objects.values_list("pk", flat=True)) == [used.pk]


def test_pictures(api: ApiClient) -> None:
    made = api.upload("pictures", ("teal.png", picture()), {"square": "true"}).json()
    assert (made["title"], made["width"], made["height"]) == ("teal", 100, 100)
    assert (made["used"], made["size"]) == (False, Picture.objects.get().size)
    assert made["url"].endswith(f"/media/{Picture.objects.get().file.name}")
    address = f"pictures/{made['id']}"
    assert api.patch(address, {"title": "Sea"}).json()["title"] == "Sea"
    assert [row["id"] for row in api.get("pictures?q=SEA").json()["items"]] == [made["id"]]
    make_campaign("Autumn", CampaignState.DRAFT, image=Picture.objects.get().file.name)
    assert api.get("pictures").json()["items"][0]["used"] is True
    refused = api.delete(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    text = api.upload("pictures", ("a.png", b"text"), {})
    assert (text.status_code, text.json()["errors"][0]["field"]) == (422, "file")


def test_templates(api_of: MakeClient, api: ApiClient) -> None:
    campaign = make_campaign("Autumn", CampaignState.DRAFT)
    Campaign.objects.update(text="Call 380971234567")
    body = {"campaign_id": campaign.pk, "name": "Sale"}
    made = api.post("templates", body).json()
    assert (made["name"], made["content"]["text"]) == ("Sale", "Call 380971234567")
    [masked] = api_of(Role.VIEWER).get("templates").json()["items"]
    assert masked["content"]["text"] == "Call 3809•••67"
    assert api.post("templates", body).json()["code"] == "name_taken"
    assert api.post("templates", {"campaign_id": 10**9, "name": "B"}).status_code == 404
    address, boss = f"templates/{made['id']}", api_of(Role.ADMINISTRATOR)
    assert api.patch(address, {"locked": ["text"]}).status_code == 403
    tag = boss.get(address).headers["ETag"]
    assert boss.patch(address, {"locked": ["text"]}, If_Match=tag).json()["locked"] == ["text"]
    assert boss.patch(address, {"locked": []}, If_Match=tag).status_code == 412
    wrong = boss.patch(address, {"locked": ["text", "colour"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "locked.1")
    assert api.delete(address).json()["code"] == "refused"
    assert boss.delete(address).status_code == 204


def test_contacts_are_copied_to_another_list(api: ApiClient) -> None:
    source = api.post("lists", {"name": "A", "fields": [{"name": "city"}]}).json()
    for phone in ("0971110001", "0971110002"):
        api.post(f"lists/{source['id']}/contacts", {"phone": phone, "fields": {"city": "Kyiv"}})
    address = f"lists/{source['id']}/copy"
    first = Contact.objects.order_by("pk")[0].pk
    copied = api.post(address, {"name": "B", "contact_ids": [first]}).json()
    assert copied == {"list_id": ContactList.objects.get(name="B").pk, "copied": 1}
    assert api.post(address, {"into": copied["list_id"]}).json()["copied"] == 1
    for body, field, status in (
        ({}, "name", 422),
        ({"name": "B"}, "name", 409),
        ({"into": source["id"]}, "into", 422),
    ):
        answer = api.post(address, body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field)


def test_fields_get_other_types(api: ApiClient) -> None:
    fields = [{"name": "sum"}, {"name": "city"}]
    made = api.post("lists", {"name": "A", "fields": fields}).json()
    for phone, value in (("0971110001", "1.234,5"), ("0971110002", "much")):
        api.post(f"lists/{made['id']}/contacts", {"phone": phone, "fields": {"sum": value}})
    address = f"lists/{made['id']}/types"
    changed = api.put(address, {"formats": {"sum": "comma"}}).json()
    assert changed["unread"] == {"sum": 1}
    assert [field["type"] for field in changed["fields"]] == ["number", "text"]
    values = [contact.fields["sum"] for contact in Contact.objects.order_by("pk")]
    assert values == ["1234.5", "much"]
    wrong = api.put(address, {"formats": {"age": "point"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "formats.age")
