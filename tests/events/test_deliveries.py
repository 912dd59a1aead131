"""Requests to webhooks: what they say, who may get them, and what follows a failure."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django import DjangoAssertNumQueries, Settings

from campaigns.dispatch.people import erase_contact
from campaigns.dispatch.send.sender import BatchSender
from campaigns.events import deliveries, payloads, tasks, webhooks
from campaigns.events.deliveries import LONGEST_PAUSE, RETRY_FOR
from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.events.targets import Reply
from campaigns.events.webhooks import Refused
from campaigns.models import AuditEntry, Campaign, OutgoingMail
from campaigns.shared.changes.models import Change
from campaigns.team import safe_mode
from campaigns.team.models import Brand, Role
from tests.compose.factories import person
from tests.dispatch import factory
from tests.events.receiver import Receiver, deliver, happen, try_once
from tests.file_server import reply
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
R = DeliveryResult
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def only_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_messages_are_told_in_signed_batches(
    sandbox: RunningSandbox, webhook: Webhook, receiver: Receiver
) -> None:
    campaign = factory.launched(1100)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(minutes=1)).run()
    deliver()
    requests = [receiver.events(number) for number in range(len(receiver.ids))]
    assert all(len(events) <= 500 for events in requests)
    events = [event for request in requests for event in request]
    of_messages = [event for event in events if event["type"] == "message.accepted"]
    assert len(of_messages) == 1100
    assert len({event["id"] for event in events}) == len(events)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    recipient = campaign.recipients.get(msisdn=factory.phone(0))
    (told,) = [e for e in of_messages if e["data"]["message"]["id"] == recipient.pk]
    assert told["brand"] == {"id": 1, "name": Brand.objects.get().name, "slug": "main"}
    price = f"{recipient.charged:f}".rstrip("0")
    assert told["data"] == {
        "campaign": {
            "id": campaign.pk, "name": "Autumn", "purpose": "campaign", "recipients": 1100,
        },
        "message": {
            "id": recipient.pk, "reference": recipient.reference,
            "gateway_id": recipient.gateway_id,
        },
        "variant": None,
        "before": "queued", "after": "accepted", "status": "", "error_code": None, "reason": "",
        "sent_at": None, "delivered_at": None, "read_at": None,
        "cost": {"viber": price, "currency": "EUR", "sms": None, "sms_currency": ""},
    }  # fmt: skip
    states = [e["data"]["after"] for e in events if e["type"].startswith("campaign.")]
    assert states == ["preparing", "sending"]
    assert set(WebhookDelivery.objects.values_list("result", flat=True)) == {R.DELIVERED}
    assert b"380" + factory.phone(0).encode()[3:] not in b"".join(receiver.server.bodies)


def test_phones_are_told_on_request_alone_and_never_erased_ones(
    webhook: Webhook, receiver: Receiver
) -> None:
    campaign = factory.launched(30)
    ids = list(campaign.recipients.order_by("msisdn").values_list("pk", "msisdn"))[:2]
    happen(*[pk for pk, _phone in ids], object_id=campaign.pk)
    deliver()
    assert ["phone" in event["data"]["message"] for event in _read(receiver)] == [False, False]
    webhooks.change(None, webhook, receiver.chosen(include_phones=True))
    entry = AuditEntry.objects.filter(action="edited").get()
    assert entry.detail.startswith("phones; files.test, with phones, message.accepted")
    erase_contact.erase(ids[0][1], None)
    webhooks.resend(None, only_delivery())
    deliver()
    told = [event["data"]["message"]["phone"] for event in _read(receiver)[2:]]
    assert told == [None, f"+{ids[1][1]}"]


def test_messages_say_their_variant(webhook: Webhook, receiver: Receiver) -> None:
    campaign = factory.launched(60)
    tested, rest = campaign.batches.order_by("number")[:2]
    campaign.batches.filter(pk=tested.pk).update(variant="B")
    Campaign.objects.filter(pk=campaign.pk).update(variants=[{"text": "B"}])
    kinds = ("message.delivered", "message.clicked", "message.opted_out")
    for batch in (tested, rest):
        recipient = campaign.recipients.filter(batch_number=batch.number)[0]
        for kind in kinds:
            happen(recipient.pk, kind=kind, object_id=campaign.pk)
    assert _variants(receiver, kinds) == ["B", "B", "B", None, None, None]
    Campaign.objects.filter(pk=campaign.pk).update(winner="A")
    webhooks.resend(None, WebhookDelivery.objects.latest("pk"))
    assert _variants(receiver, kinds)[-6:] == ["B", "B", "B", "A", "A", "A"]


def _variants(receiver: Receiver, kinds: tuple[str, ...]) -> list[str | None]:
    """Send all that is due; the variants in all events of these kinds so far."""
    deliver()
    requests = [receiver.events(number) for number in range(len(receiver.ids))]
    events = [event for events in requests for event in events]
    return [event["data"]["variant"] for event in events if event["type"] in kinds]


def _read(receiver: Receiver) -> list[dict[str, Any]]:
    """The events of read messages in all requests."""
    requests = [receiver.events(number) for number in range(len(receiver.ids))]
    return [event for events in requests for event in events if event["type"] == "message.read"]


def test_failed_delivery_is_repeated_with_growing_waits_and_the_same_id(
    webhook: Webhook, receiver: Receiver
) -> None:
    happen(1)
    receiver.status, receiver.answer = 503, b"not\0 now\n" + b"x" * 1000
    start = now = timezone.now()
    waits = []
    while True:
        answered = try_once(webhook, now)
        assert answered
        assert answered.status == 503
        delivery = only_delivery()
        if delivery.result != R.WAITING:
            break
        assert try_once(webhook, now + SECOND) is None
        assert delivery.next_try_at
        assert webhook.not_before
        assert webhook.not_before <= now + LONGEST_PAUSE * 1.2
        waits.append(delivery.next_try_at - now)
        now = max(delivery.next_try_at, webhook.not_before)
    assert timedelta(seconds=4) <= waits[0] <= timedelta(seconds=6)
    assert timedelta(seconds=24) <= waits[1] <= timedelta(seconds=36)
    assert all(wait <= timedelta(hours=9.6) for wait in waits)
    assert waits[:8] == sorted(waits[:8])
    assert 14 <= len(waits) <= 20
    assert now >= start + RETRY_FOR
    assert delivery.result == R.FAILED
    assert delivery.tries == len(waits) + 1 == len(receiver.ids)
    assert delivery.http_status == 503
    assert delivery.answer.startswith("not now xxx")
    assert len(delivery.answer) < 310
    assert set(receiver.ids) == {f"msg_{delivery.uuid.hex}"}
    assert len({*receiver.server.bodies}) == 1


def test_webhook_that_fails_for_three_days_is_paused_and_goes_on_later(
    webhook: Webhook, receiver: Receiver
) -> None:
    boss = person(Role.ADMINISTRATOR, "boss")
    boss.email = "boss@example.com"
    boss.save()
    person(Role.MARKETER)
    happen(1)
    receiver.status = 500
    now = timezone.now()
    try_once(webhook, now)
    Webhook.objects.update(failing_since=now - RETRY_FOR)
    happen(2)
    assert only_delivery().next_try_at
    try_once(webhook, now + HOUR)
    assert webhook.paused_at == now + HOUR
    assert webhook.pause_reason == "No request succeeded for three days."
    assert not OutgoingMail.objects.exists()  # an alert tells of it
    assert AuditEntry.objects.filter(action="paused", detail=webhook.pause_reason).count() == 1
    happen(3)
    asked = len(receiver.ids)
    deliver()
    assert len(receiver.ids) == asked
    receiver.status = 200
    webhooks.switch(boss, webhook, on=True)
    deliver()
    told = [event["data"]["message"]["id"] for n in (-3, -2, -1) for event in receiver.events(n)]
    assert told == [1, 2, 3]
    after = Webhook.objects.get()
    assert (after.failures, after.failing_since, after.paused_at) == (0, None, None)


def test_gone_target_is_paused_at_once(webhook: Webhook, receiver: Receiver) -> None:
    happen(1)
    receiver.status = 410
    try_once(webhook, timezone.now())
    assert "410" in webhook.pause_reason


def test_target_says_how_long_to_wait(webhook: Webhook, receiver: Receiver) -> None:
    happen(1)
    receiver.status, receiver.answer_headers = 429, {"Retry_After": "900"}
    now = timezone.now()
    try_once(webhook, now)
    assert webhook.not_before == now + timedelta(seconds=900)


@pytest.mark.parametrize("retry_after", ["soon", "²", "9" * 50, "-5", ""])
def test_nonsense_in_retry_after(webhook: Webhook, receiver: Receiver, retry_after: str) -> None:
    happen(1)
    receiver.status = 503
    receiver.answer_headers = {"Retry_After": retry_after.encode().decode("latin-1")}
    now = timezone.now()
    try_once(webhook, now)
    assert webhook.not_before
    assert webhook.not_before <= now + 6 * SECOND


def test_event_that_is_never_taken_holds_up_no_other(webhook: Webhook, receiver: Receiver) -> None:
    def refuse_one(request: BaseHTTPRequestHandler) -> None:
        is_first = b'"message":{"id":1}' in receiver.server.bodies[-1]
        reply(request, 400 if is_first else 200, b"")

    receiver.server.pages["/hook"] = refuse_one
    now = timezone.now()
    for number in range(1, 5):
        happen(number)
        for _try in range(3):
            try_once(webhook, now)
            now += HOUR
    results = list(WebhookDelivery.objects.order_by("pk").values_list("result", flat=True))
    assert results == [R.WAITING, R.DELIVERED, R.DELIVERED, R.DELIVERED]


def test_dead_target_gets_no_pile_of_deliveries(webhook: Webhook, receiver: Receiver) -> None:
    receiver.status = 500
    now = timezone.now()
    for number in range(deliveries.WAITING_MAX + 5):
        happen(number)
        Webhook.objects.update(not_before=None)
        WebhookDelivery.objects.update(next_try_at=now + 1000 * HOUR)
        try_once(webhook, now)
    assert WebhookDelivery.objects.count() == deliveries.WAITING_MAX
    receiver.status = 200
    Webhook.objects.update(not_before=None)
    WebhookDelivery.objects.update(next_try_at=now)
    deliver()
    told = {event["data"]["message"]["id"] for n in range(-21, 0) for event in receiver.events(n)}
    assert told == set(range(deliveries.WAITING_MAX + 5))


def test_worker_killed_after_the_request_sends_it_again(
    webhook: Webhook, receiver: Receiver
) -> None:
    """Whatever it had not recorded is as if it had not been: the lease ends, and the same goes."""
    happen(1)
    now = timezone.now()
    request = deliveries.take(webhook.pk, now)
    assert request
    assert try_once(webhook, now + deliveries.LEASE - SECOND) is None
    answered = try_once(webhook, now + deliveries.LEASE)
    assert answered
    assert answered.is_success
    assert receiver.ids == [request.headers["webhook-id"]]
    # the first worker wakes up late: what it learned changes nothing
    late = deliveries.Request(webhook.pk, request.delivery_id, request.token, "", b"", {})
    deliveries.record(late, Reply(500, "late", 1), now + HOUR)
    assert only_delivery().result == R.DELIVERED


def test_slow_target_holds_up_its_own_events_alone(webhook: Webhook, receiver: Receiver) -> None:
    is_delivered, waited = threading.Event(), list[bool]()

    def slow(request: BaseHTTPRequestHandler) -> None:
        waited.append(is_delivered.wait(30))
        reply(request, 200, b"")

    def fast(request: BaseHTTPRequestHandler) -> None:
        reply(request, 200, b"")
        is_delivered.set()

    receiver.server.pages |= {"/hook": slow, "/fast": fast}
    webhooks.create(None, receiver.chosen(address=receiver.server.url("/fast")))
    happen(1)
    deliver()
    assert waited == [True]
    assert sorted(receiver.server.requests) == ["POST /fast", "POST /hook"]


def test_redirects_are_not_followed(webhook: Webhook, receiver: Receiver) -> None:
    receiver.server.redirect("/hook", receiver.server.url("/elsewhere"))
    happen(1)
    try_once(webhook, timezone.now())
    assert receiver.server.requests == ["POST /hook"]
    assert (only_delivery().result, only_delivery().http_status) == (R.WAITING, 302)


@pytest.mark.parametrize(
    ("entries", "address", "is_sent"),
    [
        (["files.test"], "http://files.test:{port}/hook", True),
        (["127.0.0.0/8"], "http://files.test:{port}/hook", True),
        (["127.0.0.1"], "http://127.0.0.1:{port}/hook", True),
        (["10.0.0.0/8"], "http://files.test:{port}/hook", False),
        (["other.test"], "https://files.test:{port}/hook", False),
    ],
)
def test_internal_targets(
    webhook: Webhook, receiver: Receiver, settings: Settings, entries: list[str], address: str,
    is_sent: bool,
) -> None:  # fmt: skip
    settings.INTERNAL_HOSTS = ["files.test"]  # of imports: nothing to webhooks
    settings.WEBHOOK_INTERNAL_TARGETS = entries
    Webhook.objects.update(address=address.format(port=receiver.server.port))
    happen(1)
    answered = try_once(webhook, timezone.now())
    assert answered
    assert answered.is_success == is_sent
    assert len(receiver.ids) == is_sent
    if not is_sent:
        text = "The host files.test is in an internal network, which is not allowed."
        assert only_delivery().answer == text


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("http://example.com/hook", "Enter an address that begins with https://."),
        ("ftp://example.com", "Enter an address that begins with https:// or http://."),
        ("https://u:p@example.com", "Addresses with a user name and password"),
        ("https://example.com:22/", "The port 22 is not allowed."),
    ],
)
def test_addresses_that_are_refused(settings: Settings, address: str, text: str) -> None:
    settings.WEBHOOK_INTERNAL_TARGETS = []
    with pytest.raises(Refused, match=text.replace(".", r"\.")):
        webhooks.create(None, webhooks.Chosen(address, ["message.read"]))
    assert Webhook.objects.count() == 0


def test_http_to_the_internet_is_never_requested(webhook: Webhook, settings: Settings) -> None:
    Webhook.objects.update(address="http://192.0.2.1/hook")
    happen(1)
    try_once(webhook, timezone.now())
    assert "192.0.2.1" in only_delivery().answer


def test_two_secrets_sign_while_one_is_replaced(webhook: Webhook, receiver: Receiver) -> None:
    webhooks.rotate_secret(None, webhook, timedelta(hours=24))
    receiver.secrets.insert(0, webhooks.reveal_secret(None, webhook))
    happen(1)
    now = timezone.now()
    try_once(webhook, now)
    assert len(receiver.events()) == 1
    receiver.secrets.pop()
    happen(2)
    try_once(webhook, now + 25 * HOUR)
    assert len(receiver.events()) == 1
    with pytest.raises(Refused, match="shown already"):
        webhooks.reveal_secret(None, webhook)


def test_secret_is_encrypted_and_unreadable_elsewhere(
    webhook: Webhook, receiver: Receiver, settings: Settings
) -> None:
    assert receiver.secrets[0] not in webhook.secret
    other = webhooks.create(None, receiver.chosen())
    Webhook.objects.filter(pk=other.pk).update(secret=webhook.secret)
    happen(1)
    assert try_once(other, timezone.now()) is None
    other.refresh_from_db()
    assert other.pause_reason.startswith("Its secret can't be decrypted")
    assert webhooks.encrypt_again() == (1, [other.pk])
    webhook.refresh_from_db()
    try_once(webhook, timezone.now())
    assert receiver.events()
    settings.KEY_ENCRYPTION_KEYS = []
    with pytest.raises(Refused, match="KEY_ENCRYPTION_KEYS"):
        webhooks.create(None, receiver.chosen())


def test_webhook_gets_the_events_of_its_brand_and_kinds(
    webhook: Webhook, receiver: Receiver
) -> None:
    webhooks.change(None, webhook, receiver.chosen(kinds=["message.read", "campaign.paused"]))
    happen(1)
    happen(2, kind="message.delivered")
    Change.objects.filter(kind="message.delivered").delete()
    happen(3)
    Change.objects.filter(messages=[3]).update(brand=Brand.objects.create(pk=2, name="B", slug="b"))
    deliver()
    assert [event["data"]["message"]["id"] for event in receiver.events()] == [1]
    webhooks.change(None, webhook, receiver.chosen(kinds=["campaign.paused"]))
    webhooks.resend(None, only_delivery())
    deliver()
    assert len(receiver.ids) == 1
    assert only_delivery().result == R.EMPTY


def test_events_of_the_time_in_which_it_was_off_are_not_sent(
    webhook: Webhook, receiver: Receiver
) -> None:
    second = webhooks.create(None, receiver.chosen(address=receiver.server.url("/second")))
    receiver.server.files["/second"] = b""
    webhooks.switch(None, webhook, on=False)
    happen(1)
    webhooks.switch(None, webhook, on=True)
    happen(2)
    deliver()
    assert sorted(receiver.server.requests) == ["POST /hook", "POST /second"]
    assert [event["data"]["message"]["id"] for event in _posted(receiver, "/hook")] == [2]
    assert [event["data"]["message"]["id"] for event in _posted(receiver, "/second")] == [1, 2]
    for each in (webhook, second):
        webhooks.switch(None, each, on=False)
    assert not Change.objects.filter(kind="campaign.paused").exists()


def _posted(receiver: Receiver, path: str) -> list[dict[str, Any]]:
    number = receiver.server.requests.index(f"POST {path}")
    events: list[dict[str, Any]] = json.loads(receiver.server.bodies[number])
    return events


def test_test_event(webhook: Webhook, receiver: Receiver) -> None:
    webhooks.send_test(None, webhook)
    deliver()
    (event,) = receiver.events()
    assert (event["type"], event["sequence"]) == ("webhook.test", None)
    webhooks.switch(None, webhook, on=False)
    with pytest.raises(Refused, match="Switch the webhook on first"):
        webhooks.send_test(None, webhook)


def test_old_deliveries_and_changes_are_deleted(webhook: Webhook, receiver: Receiver) -> None:
    happen(1)
    deliver()
    now = timezone.now()
    assert deliveries.remove_old(now - HOUR) is None
    assert deliveries.remove_old(now + HOUR) == 1
    assert deliveries.remove_old(now + HOUR) == 1
    assert deliveries.remove_old(now + HOUR) is None
    assert (WebhookDelivery.objects.count(), Change.objects.count()) == (0, 0)


def test_deleting_a_webhook_ends_the_recording(webhook: Webhook, client: Browser) -> None:
    webhooks.delete(None, webhook)
    with pytest.raises(Change.DoesNotExist):
        happen(1)


def test_payload_takes_few_queries(
    webhook: Webhook, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    campaign = factory.launched(60)
    for pk in campaign.recipients.values_list("pk", flat=True)[:40]:
        happen(pk, object_id=campaign.pk)
    request = deliveries.take(webhook.pk, timezone.now())
    assert request
    delivery = only_delivery()
    # brand, changes, campaigns of both families, recipients, campaigns with variants
    with django_assert_num_queries(6):
        assert payloads.build(webhook, delivery) == request.body


def test_tasks_send_what_is_due_and_nothing_in_safe_mode(
    webhook: Webhook, receiver: Receiver
) -> None:
    happen(1)
    OrmQ.objects.all().delete()
    tasks.wake()
    assert [task.task["func"] for task in OrmQ.objects.all()] == [deliveries.DELIVER]
    tasks.deliver()
    assert len(receiver.ids) == 1
    safe_mode.enter(timezone.now())
    happen(2)
    OrmQ.objects.all().delete()
    tasks.wake()
    tasks.deliver()
    assert len(receiver.ids) == 1
    assert OrmQ.objects.count() == 0
