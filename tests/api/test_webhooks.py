"""Webhooks by the API: their secrets are shown once, and signed requests reach the other system."""

from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from campaigns.models import ApiAnswer, AuditEntry, Role, Webhook, WebhookDelivery
from campaigns.shared.changes.models import WantedKind
from campaigns.team.permissions import PERMISSIONS, Permission
from tests.api.client import ApiClient
from tests.api.conftest import MakeClient
from tests.events.receiver import Receiver, deliver
from tests.file_server import FileServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(file_server: FileServer, settings: Settings) -> Receiver:
    settings.WEBHOOK_INTERNAL_TARGETS = ["files.test"]
    return Receiver(file_server)


@pytest.fixture
def boss(api_of: MakeClient) -> ApiClient:
    return api_of(Role.ADMINISTRATOR)


def body(receiver: Receiver, **changes: Any) -> dict[str, Any]:
    return {"address": receiver.address, "kinds": ["campaign.paused", "message.read"]} | changes


def test_a_webhook_is_made_tested_and_deleted(boss: ApiClient, receiver: Receiver) -> None:
    answer = boss.post("webhooks", body(receiver, description="CRM"))
    made = answer.json()
    assert answer.status_code == 201
    assert (made["is_on"], made["is_secret_shown"], made["description"]) == (True, True, "CRM")
    assert made["kinds"] == ["message.read", "campaign.paused"]  # in the order of the table
    assert sorted(WantedKind.objects.values_list("kind", flat=True)) == sorted(made["kinds"])
    receiver.secrets = [made.pop("secret")]
    address = f"webhooks/{made['id']}"
    assert boss.get(address).json() == made
    assert boss.get("webhooks").json()["items"] == [made]
    assert boss.post(f"{address}/secret", None).json()["code"] == "refused"

    test = boss.post(f"{address}/test", None)
    sent = test.json()
    assert (test.status_code, sent["result"], sent["tries"]) == (201, "waiting", 0)
    deliver()
    [event] = receiver.events()  # whose signature is that of the secret
    assert event["type"] == "webhook.test"
    assert receiver.ids == [sent["message_id"]]
    done = boss.get(f"{address}/deliveries/{sent['id']}").json()
    assert (done["result"], done["http_status"], done["answer"]) == ("delivered", 200, "thanks")

    assert boss.delete(address).status_code == 204
    assert not Webhook.objects.exists()
    assert not WantedKind.objects.exists()
    entries = AuditEntry.objects.filter(subject=f"webhook:{made['id']}").order_by("id")
    actions = ["created", "secret shown", "test event", "deleted"]
    assert list(entries.values_list("action", flat=True)) == actions
    assert {entry.session for entry in entries} == {boss.token.prefix}


def test_changes_and_versions(boss: ApiClient, receiver: Receiver) -> None:
    answer = boss.post("webhooks", body(receiver))
    address, tag = f"webhooks/{answer.json()['id']}", answer.headers["ETag"]
    changed = boss.patch(address, {"kinds": ["import.failed"]}, If_Match=tag)
    assert changed.json()["kinds"] == ["import.failed"]
    assert changed.json()["address"] == receiver.address
    assert boss.patch(address, {"description": "B"}, If_Match=tag).status_code == 412
    assert Webhook.objects.get().description == ""
    off = boss.post(f"{address}/off", None)
    assert (off.json()["is_on"], off.headers["ETag"] == changed.headers["ETag"]) == (False, False)
    assert boss.post(f"{address}/test", None).json()["code"] == "refused"
    assert boss.post(f"{address}/on", None).json()["is_on"] is True
    details = AuditEntry.objects.filter(subject=f"webhook:{answer.json()['id']}").order_by("id")
    assert list(details.values_list("action", flat=True)[2:]) == [
        "edited",
        "switched off",
        "switched on",
    ]


def test_a_replaced_secret_signs_too_for_a_while(boss: ApiClient, receiver: Receiver) -> None:
    made = boss.post("webhooks", body(receiver)).json()
    address = f"webhooks/{made['id']}"
    second = boss.post(f"{address}/rotate", {}).json()
    assert second["old_secret_until"] > second["created_at"]
    receiver.secrets = [second["secret"], made["secret"]]
    boss.post(f"{address}/test", None)
    deliver()
    assert len(receiver.events()) == 1
    third = boss.post(f"{address}/rotate", {"overlap_hours": 0}).json()
    assert third["old_secret_until"] is None
    receiver.secrets = [third["secret"]]
    boss.post(f"{address}/test", None)
    deliver()
    assert len(receiver.events()) == 1
    assert boss.post(f"{address}/rotate", {"overlap_hours": 721}).status_code == 422


def test_the_secret_of_a_repeated_request_is_stored_encrypted(
    boss: ApiClient, receiver: Receiver, settings: Settings
) -> None:
    first = boss.post("webhooks", body(receiver), Idempotency_Key="1")
    again = boss.post("webhooks", body(receiver), Idempotency_Key="1")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content == first.content
    assert Webhook.objects.count() == 1
    secret = first.json()["secret"]
    assert secret not in ApiAnswer.objects.get().body
    assert "whsec_" not in ApiAnswer.objects.get().body
    settings.KEY_ENCRYPTION_KEYS = []
    lost = boss.post("webhooks", body(receiver), Idempotency_Key="1")
    assert (lost.status_code, lost.json()["code"]) == (409, "outcome_unknown")


def test_log_of_deliveries_and_resending(boss: ApiClient, receiver: Receiver) -> None:
    made = boss.post("webhooks", body(receiver)).json()
    address = f"webhooks/{made['id']}"
    receiver.status, receiver.answer = 500, b"no +380971234567"
    ids = [boss.post(f"{address}/test", None).json()["id"] for _number in range(3)]
    deliver()
    page = boss.get(f"{address}/deliveries?limit=2").json()
    assert [row["id"] for row in page["items"]] == ids[:0:-1]
    last = boss.send("GET", page["next"].removeprefix("/api/v1/")).json()
    assert ([row["id"] for row in last["items"]], last["next"]) == (ids[:1], None)
    failed = last["items"][0]
    assert (failed["result"], failed["tries"], failed["http_status"]) == ("waiting", 1, 500)
    assert failed["answer"] == "no +380971234567"
    assert boss.get(f"{address}/deliveries?result=delivered").json()["items"] == []

    receiver.status = 200
    delivery = f"{address}/deliveries/{ids[0]}"
    again = boss.post(f"{delivery}/resend", None).json()
    assert (again["tries"], again["message_id"]) == (0, failed["message_id"])
    deliver()
    assert boss.get(delivery).json()["result"] == "delivered"
    assert receiver.ids.count(failed["message_id"]) == 2
    other = boss.post("webhooks", body(receiver)).json()["id"]
    assert boss.get(f"webhooks/{other}/deliveries/{ids[0]}").status_code == 404
    assert WebhookDelivery.objects.count() == 3


def test_phones_need_the_scope_that_shows_them(
    api_of: MakeClient, boss: ApiClient, receiver: Receiver
) -> None:
    scopes = PERMISSIONS[Role.ADMINISTRATOR] - {Permission.SEE_PHONES}
    blind = api_of(Role.ADMINISTRATOR, scopes=scopes)
    assert blind.post("webhooks", body(receiver, include_phones=True)).status_code == 403
    made = boss.post("webhooks", body(receiver, include_phones=True)).json()
    address = f"webhooks/{made['id']}"
    # an address of its own would get the phones
    assert blind.patch(address, {"address": f"{receiver.address}2"}).status_code == 403
    assert blind.patch(address, {"include_phones": False}).json()["include_phones"] is False
    receiver.answer = b"no +380971234567"
    blind.post(f"{address}/test", None)
    deliver()
    [delivery] = blind.get(f"{address}/deliveries").json()["items"]
    assert "971234567" not in delivery["answer"]
    [seen] = boss.get(f"{address}/deliveries").json()["items"]
    assert seen["answer"] == "no +380971234567"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"address": "nonsense"}, "address"),
        ({"address": "https://user:secret@example.com/"}, "address"),
        ({"address": f"https://a.example/{'x' * 2000}"}, "address"),
        ({"kinds": []}, "kinds"),
        ({"kinds": ["message.eaten"]}, "kinds.0"),
        ({"kinds": ["messageXread"]}, "kinds.0"),
        ({"secret": "whsec_AAAA"}, "secret"),
    ],
)
def test_what_is_refused(boss: ApiClient, changes: dict[str, Any], field: str) -> None:
    values = {"address": "https://hooks.example.com/", "kinds": ["message.read"]}
    answer = boss.post("webhooks", values | changes)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Webhook.objects.exists()


def test_without_keys_no_webhook(boss: ApiClient, receiver: Receiver, settings: Settings) -> None:
    settings.KEY_ENCRYPTION_KEYS = []
    answer = boss.post("webhooks", body(receiver))
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "KEY_ENCRYPTION_KEYS" in answer.json()["detail"]


def test_a_webhook_of_the_page_shows_its_secret_once(boss: ApiClient, receiver: Receiver) -> None:
    page = Client()
    page.force_login(boss.token.owner)
    page.post("/settings/webhooks/", {"address": receiver.address, "kinds": "message.read"})
    address = f"webhooks/{Webhook.objects.get().pk}"
    assert boss.get(address).json()["is_secret_shown"] is False
    assert boss.post(f"{address}/secret", None).json()["secret"].startswith("whsec_")
    assert boss.post(f"{address}/secret", None).json()["code"] == "refused"
