"""Variants over the API: written in drafts, measured, chosen."""

from typing import Any

import pytest
from pytest_django import Settings

from campaigns.dispatch.models import Batch, Recipient
from campaigns.models import Campaign
from tests.api.client import ApiClient, picture
from tests.compose.factories import contact_list, senders, ukrainians
from tests.dispatch.test_sender import send
from tests.dispatch.test_variants import launched
from tests.sandbox_fixture import KEY, RunningSandbox

pytestmark = pytest.mark.django_db
RULE = ("variant_split", "test_share", "decision_measure", "decision_hours", "decides_itself")


@pytest.fixture(autouse=True)
def gateway(installation: None, settings: Settings, sandbox: RunningSandbox) -> None:
    settings.BSG_API_URL, settings.BSG_API_KEY = sandbox.api_url, KEY
    settings.LINK_BASE_URL = "https://go.example.com"


def drafted(api: ApiClient, **fields: Any) -> Any:
    senders("Shop")
    contact_list("Clients", ukrainians(300))
    least = {"name": "Spring", "sender": "Shop", "text": "Hello", "lists": ["Clients"]}
    return api.post("campaigns", {**least, **fields})


def test_a_draft_has_variants(api: ApiClient) -> None:
    hi = {
        "text": "Hi", "button_caption": "", "button_url": "", "image": "same", "image_url": "",
        "picture_id": None,
    }  # fmt: skip
    made = drafted(api, variants=[{"text": "Hi"}], test_share=40, decides_itself=False)
    assert made.status_code == 201, made.content
    draft = made.json()
    assert draft["variants"] == [hi]
    assert [draft[name] for name in RULE] == ["test", 40, "read", 4, False]
    assert (draft["winner"], draft["decided_at"], draft["decided_by"]) == (None, None, None)
    address = f"campaigns/{draft['id']}"
    kept = api.patch(address, {"name": "Summer"}, HTTP_IF_MATCH=made.headers["ETag"]).json()
    assert (kept["variants"], kept["test_share"]) == ([hi], 40)
    none = api.patch(address, {"variants": None}).json()
    assert none["variants"] == []


def test_a_variant_has_an_image_of_the_library(api: ApiClient) -> None:
    stored = api.upload("pictures", ("grey.png", picture()), {}).json()
    button = {"button_caption": "Buy", "button_url": "https://shop.example.com/"}
    of_library = {"text": "Hi", **button, "image": "library", "picture_id": stored["id"]}
    made = drafted(api, variants=[of_library])
    assert made.status_code == 201, made.content
    [variant] = made.json()["variants"]
    assert (variant["image"], variant["picture_id"]) == ("library", stored["id"])
    assert api.delete(f"pictures/{stored['id']}").status_code == 409


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"variants": [{"text": "Hello"}]}, "variants"),  # the same as A
        ({"variants": [{"text": "1"}] * 4}, "variants"),
        ({"variants": [{"sender": "Shop"}]}, "variants.0.sender"),
        ({"variants": [{"text": "Hi", "image": "both"}]}, "variants.0.image"),
        ({"variants": [{"text": "Hi", "image": "library"}]}, "variants"),
        ({"variants": [{"text": "Hi", "image": "library", "picture_id": 9}]}, "variants"),
        ({"variants": [{"text": "Hi", "picture_id": 9}]}, "variants"),
        ({"variants": [{"text": "Hi"}], "test_share": 91}, "test_share"),
        ({"variants": [{"text": "Hi"}], "decision_hours": 0}, "decision_hours"),
        ({"variants": [{"text": "Hi"}], "decision_measure": "click"}, "decision_measure"),
    ],
)
def test_what_is_refused(api: ApiClient, fields: dict[str, Any], field: str) -> None:
    answer = drafted(api, **fields)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_results_and_the_choice(api: ApiClient, sandbox: RunningSandbox) -> None:
    campaign = launched(letters="AB", decides_itself=False)
    send(sandbox)
    numbers = dict(Batch.objects.values_list("number", "variant"))
    rows = list(Recipient.objects.all())
    of_b = [row.pk for row in rows if numbers[row.batch_number] == "B"]
    rest = [row.pk for row in rows if not numbers[row.batch_number]]
    Recipient.objects.filter(pk__in=of_b).update(delivery_state="read", final=True)
    address = f"campaigns/{campaign.pk}/variants"
    found = api.get(address).json()
    assert found["waits"]
    assert found["phase"].startswith("Testing until ")
    assert found["due_at"] is not None
    assert found["sentence"].startswith("B is better than A: 100% against 0%.")
    a, b, others = found["variants"]
    assert (a["variant"], b["variant"], others["variant"]) == ("A", "B", "")
    assert (b["accepted"], b["read"]["number"], b["read"]["rate"]) == (len(of_b), len(of_b), 1.0)
    assert 0.5 < b["read"]["low"] < b["read"]["high"] == pytest.approx(1.0)
    assert (others["recipients"], others["read"]["rate"]) == (len(rest), None)

    chosen = api.post(f"{address}/choose", {"variant": "B"})
    assert chosen.status_code == 200, chosen.content
    assert (chosen.json()["winner"], Campaign.objects.get().winner) == ("B", "B")
    again = api.post(f"{address}/choose", {"variant": "A"})
    assert (again.status_code, again.json()["detail"]) == (
        409, "Variant B is chosen already. Nothing was changed."
    )  # fmt: skip

    page = api.get(f"campaigns/{campaign.pk}/recipients?variant=B&limit=200").json()
    assert {row["id"] for row in page["items"]} == {*of_b, *rest}
    assert {row["variant"] for row in page["items"]} == {"B"}


def test_without_variants_there_is_nothing_to_compare(api: ApiClient) -> None:
    draft = drafted(api).json()
    found = api.get(f"campaigns/{draft['id']}/variants").json()
    assert (found["variants"], found["waits"], found["sentence"]) == ([], False, "")
