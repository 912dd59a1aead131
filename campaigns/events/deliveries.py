"""Deliveries: which events a request has, what its answer means, and when it is tried again.

A webhook belongs to one worker at a time, by a lease. A worker that dies holds it until the lease
ends; its delivery is still waiting then, and is sent again, with the same id: at least once.

A delivery is tried again after growing waits, for RETRY_FOR. A webhook whose target failed waits
too, at most LONGEST_PAUSE, so that a dead target is asked seldom, whatever waits for it. If nothing
succeeds for RETRY_FOR, it is paused.
"""

import random
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from campaigns.events import pausing, payloads
from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.events.targets import Reply
from campaigns.shared.changes import numbering
from campaigns.shared.changes.models import Change
from campaigns.shared.web import signing
from campaigns.team.brand_keys import encryption

EVENTS_MAX = 500  # in a request, and never fewer than a change has
LEASE = timedelta(seconds=60)  # longer than a request and its record
WAITS = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 30, 120, 600, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600)
)
JITTER = 0.2  # of a wait, more or less
RETRY_FOR = timedelta(days=3)
LONGEST_PAUSE = timedelta(minutes=10)
# No more deliveries are made for a webhook than so many that wait: the events wait in their table.
WAITING_MAX = 20
REMOVED_AT_ONCE = 1000
GONE = 410
DELIVER = "campaigns.events.tasks.deliver"  # the task that sends


@dataclass(frozen=True, slots=True)
class Request:
    """A delivery that is to be sent now, by the holder of `token`."""

    webhook_id: int
    delivery_id: int
    token: str
    address: str
    body: bytes
    headers: dict[str, str]


def due_webhooks(now: datetime, other_than: Collection[int] = ()) -> list[int]:
    """The webhooks with something to send now, those that waited longest first."""
    waiting = _due_deliveries(now).filter(webhook=OuterRef("pk"))
    has_more = Q(cursor__lt=numbering.last_number()) | Exists(waiting)
    free = Q(lease_until=None) | Q(lease_until__lte=now)
    may_be_sent_to = Q(not_before=None) | Q(not_before__lte=now)
    active = Webhook.objects.filter(free, may_be_sent_to, has_more, is_on=True, paused_at=None)
    rows = active.exclude(pk__in=other_than).order_by(F("tried_at").asc(nulls_first=True), "pk")
    return list(rows.values_list("pk", flat=True))


def _due_deliveries(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(result=DeliveryResult.WAITING, next_try_at__lte=now)


def take(webhook_id: int, now: datetime) -> Request | None:
    """Claim a webhook, and the request that is due to it. None: there is none, or another worker
    was faster.
    """
    while claim := _claim(webhook_id, now):
        # outside of a transaction, which would hold up those who send messages
        body = payloads.build(claim.webhook, claim.delivery)
        if body is None:
            _end_empty(claim)
            continue
        try:
            keys = secrets_in_use(claim.webhook, now)
        except encryption.Unreadable:
            _pause_without_secret(claim, now)
            return None
        message_id = f"msg_{claim.delivery.uuid.hex}"
        headers = signing.signed_headers(message_id, now, body, keys)
        address = claim.webhook.address
        return Request(webhook_id, claim.delivery.pk, claim.token, address, body, headers)
    return None


@dataclass(frozen=True, slots=True)
class _Claim:
    """A webhook under a lease, and the delivery to send."""

    webhook: Webhook
    delivery: WebhookDelivery
    token: str


@transaction.atomic
def _claim(webhook_id: int, now: datetime) -> _Claim | None:
    webhook = Webhook.objects.select_for_update().filter(pk=webhook_id).first()
    if webhook is None or not webhook.is_on or webhook.paused_at:
        return None
    if webhook.lease_until and webhook.lease_until > now:
        return None
    delivery = _next_delivery(webhook, now)
    if delivery is None:
        return None
    token = secrets.token_hex(16)
    lease = {"lease_until": now + LEASE, "lease_token": token, "tried_at": now}
    Webhook.objects.filter(pk=webhook.pk).update(**lease)
    if delivery.first_try_at is None:
        _change(delivery, first_try_at=now)
    return _Claim(webhook, delivery, token)


def _next_delivery(webhook: Webhook, now: datetime) -> WebhookDelivery | None:
    """What to send next. After a failure something else goes first, so that a delivery that the
    target refuses holds up no other.
    """
    due = _due_deliveries(now).filter(webhook=webhook).order_by("next_try_at", "pk")
    if webhook.failures:
        return due.filter(tries=0).first() or _cut(webhook, now) or due.first()
    return due.first() or _cut(webhook, now)


@transaction.atomic
def _end_empty(claim: _Claim) -> None:
    _change(claim.delivery, result=DeliveryResult.EMPTY, next_try_at=None)
    _release(claim)


@transaction.atomic
def _pause_without_secret(claim: _Claim, now: datetime) -> None:
    _release(claim)
    pausing.pause(
        Webhook.objects.select_for_update().get(pk=claim.webhook.pk),
        _("Its secret can't be decrypted: none of KEY_ENCRYPTION_KEYS is the one that was used."),
        now,
    )


def _release(claim: _Claim) -> None:
    same = Webhook.objects.filter(pk=claim.webhook.pk, lease_token=claim.token)
    same.update(lease_until=None, lease_token="")


def put_off(webhook_id: int, now: datetime) -> None:
    """Send nothing to a webhook for a while, without counting a failure of its target."""
    Webhook.objects.filter(pk=webhook_id).update(not_before=now + LONGEST_PAUSE)


def _cut(webhook: Webhook, now: datetime) -> WebhookDelivery | None:
    """Make a delivery of the events after the cursor, and move the cursor."""
    waiting = WebhookDelivery.objects.filter(webhook=webhook, result=DeliveryResult.WAITING)
    if waiting[:WAITING_MAX].count() == WAITING_MAX:
        return None
    last = numbering.last_number()  # before the rows: all of them up to it are visible
    changes = Change._base_manager.filter(
        brand=webhook.brand_id,
        kind__in=webhook.kinds,
        position__gt=webhook.cursor,
        position__lte=last,
    ).order_by("position")
    chosen: list[int] = []
    events = 0
    for position, size in changes.values_list("position", "size")[: EVENTS_MAX + 1]:
        assert position is not None
        if chosen and events + size > EVENTS_MAX:
            last = position - 1
            break
        chosen.append(position)
        events += size
    Webhook.objects.filter(pk=webhook.pk).update(cursor=last)
    if not chosen:
        return None
    return WebhookDelivery.objects.create(
        webhook=webhook,
        first=chosen[0],
        last=chosen[-1],
        kinds=webhook.kinds,
        events=events,
        created_at=now,
        next_try_at=now,
    )


def secrets_in_use(webhook: Webhook, now: datetime) -> list[str]:
    """The secrets that sign at `now`, the newest first. Raises Unreadable."""
    stored = [webhook.secret]
    if webhook.old_secret_until and webhook.old_secret_until > now:
        stored.append(webhook.old_secret)
    return [encryption.decrypt(owner_of(webhook), secret) for secret in stored]


def owner_of(webhook: Webhook) -> str:
    """Whose secret it is, for the encryption."""
    return f"webhook:{webhook.pk}"


def _change(delivery: WebhookDelivery, **columns: Any) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**columns)


@transaction.atomic
def record(request: Request, reply: Reply, now: datetime) -> None:
    """Write down what came of a request, and free the webhook."""
    webhook = Webhook.objects.select_for_update().filter(pk=request.webhook_id).first()
    delivery = WebhookDelivery.objects.filter(pk=request.delivery_id).first()
    if webhook is None or delivery is None:
        return  # it was deleted meanwhile
    known = {
        "http_status": reply.status,
        "answer": reply.text[:500],
        "milliseconds": reply.milliseconds,
        "last_try_at": now,
        "tries": delivery.tries + 1,
    }
    if webhook.lease_token == request.token:
        webhook.lease_until, webhook.lease_token = None, ""
    if reply.is_success:
        _change(delivery, **known, result=DeliveryResult.DELIVERED, next_try_at=None)
        webhook.failures, webhook.failing_since, webhook.not_before = 0, None, None
    elif delivery.result == DeliveryResult.WAITING:  # else another worker has delivered it
        _change(delivery, **known, **_after_failure(delivery, now))
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or now
        pause = min(_wait(webhook.failures), LONGEST_PAUSE)
        webhook.not_before = now + max(pause, timedelta(seconds=reply.retry_after))
    webhook.save(
        update_fields=["lease_until", "lease_token", "failures", "failing_since", "not_before"]
    )
    if not reply.is_success:
        _pause_if_hopeless(webhook, reply, now)


def _after_failure(delivery: WebhookDelivery, now: datetime) -> dict[str, Any]:
    """The next try of a delivery whose try failed, or its end."""
    end = (delivery.first_try_at or now) + RETRY_FOR
    if now >= end:
        return {"result": DeliveryResult.FAILED, "next_try_at": None}
    return {"next_try_at": min(now + _wait(delivery.tries + 1), end)}


def _wait(failures: int) -> timedelta:
    """How long to wait after so many failures in a row."""
    wait = WAITS[min(failures, len(WAITS)) - 1]
    return wait * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def _pause_if_hopeless(webhook: Webhook, reply: Reply, now: datetime) -> None:
    if reply.status == GONE:
        pausing.pause(webhook, _("The target answered that it is gone for good (410)."), now)
    elif webhook.failing_since and now >= webhook.failing_since + RETRY_FOR:
        pausing.pause(webhook, _("No request succeeded for three days."), now)


def remove_old(before: datetime) -> int | None:
    """Delete some of the deliveries and changes that are older. Returns how many; None: nothing is
    left.
    """
    deliveries = WebhookDelivery.objects.filter(created_at__lt=before).order_by("created_at")
    ids = list(deliveries.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    if ids:
        return WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
    changes = Change._base_manager.filter(at__lt=before).order_by("at")
    ids = list(changes.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    return Change._base_manager.filter(pk__in=ids).delete()[0] if ids else None
