"""What administrators do with webhooks, each recorded in the audit trail. Pages and API call it.

The functions act for the brand of the running code.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.events import kinds, targets
from campaigns.events.deliveries import DELIVER, owner_of
from campaigns.events.models import DeliveryResult, Webhook, WebhookDelivery
from campaigns.events.pausing import host_of
from campaigns.shared import database_clock
from campaigns.shared.changes import numbering
from campaigns.shared.changes.models import WantedKind
from campaigns.shared.queue import enqueue
from campaigns.shared.web import signing
from campaigns.shared.web.errors import FetchError
from campaigns.team import audit
from campaigns.team.brand_keys import encryption
from campaigns.team.models import User

WEBHOOKS_MAX = 20  # of a brand
OVERLAP_MAX = timedelta(days=30)  # of an old secret


class Refused(Exception):  # noqa: N818 - not a failure: the reason is the user's
    """What was asked for is not done; `str()` says why."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What users choose about a webhook. `kinds`: names of the table of kinds."""

    address: str
    kinds: Collection[str]
    description: str = ""
    include_phones: bool = False


@transaction.atomic
def create(actor: User | None, chosen: Chosen) -> Webhook:
    """Make a webhook that gets the events from now on. Raises Refused."""
    _check(chosen)
    if not encryption.can_encrypt():
        raise Refused(no_keys_text())
    counter = numbering.lock_counter()  # so that two at once agree on what is wanted
    if Webhook.objects.count() >= WEBHOOKS_MAX:
        raise Refused(_("A brand has at most %(count)d webhooks.") % {"count": WEBHOOKS_MAX})
    webhook = Webhook(created_by=actor, cursor=counter.last)
    _apply(webhook, chosen)
    webhook.save()
    webhook.secret = encryption.encrypt(owner_of(webhook), signing.new_secret())
    webhook.save(update_fields=["secret"])
    _update_wanted(webhook.brand_id)
    audit.record(actor, webhook, "created", _summary(webhook))
    return webhook


@transaction.atomic
def change(actor: User | None, webhook: Webhook, chosen: Chosen) -> None:
    """Change a webhook; events that wait are sent as it is then. Raises Refused."""
    _check(chosen)
    webhook = _lock(webhook)
    names = {"address": "address", "kinds": "kinds of events", "description": "description"}
    names |= {"include_phones": "phones"}
    before = {field: getattr(webhook, field) for field in names}
    _apply(webhook, chosen)
    changed = [field for field in names if getattr(webhook, field) != before[field]]
    if not changed:
        return
    webhook.save(update_fields=changed)
    _update_wanted(webhook.brand_id)
    changes = ", ".join(names[field] for field in changed)
    audit.record(actor, webhook, "edited", f"{changes}; {_summary(webhook)}")


def _check(chosen: Chosen) -> None:
    try:
        targets.read(chosen.address)
    except FetchError as error:
        raise Refused(str(error)) from None
    if not kinds.known(chosen.kinds):
        raise Refused(_("Choose at least one kind of event."))


def _apply(webhook: Webhook, chosen: Chosen) -> None:
    webhook.address = chosen.address
    webhook.kinds = kinds.known(chosen.kinds)
    webhook.description = chosen.description[:200]
    webhook.include_phones = chosen.include_phones


def _summary(webhook: Webhook) -> str:
    """What the trail says of it: its host, and whether its events have phones."""
    phones = "with phones" if webhook.include_phones else "without phones"
    return f"{host_of(webhook)}, {phones}, {', '.join(webhook.kinds)}"


@transaction.atomic
def switch(actor: User | None, webhook: Webhook, *, on: bool) -> None:
    """Switch a webhook on or off; nothing if it is so already.

    Events of the time in which it was off are not sent, those of a pause by ViberDash are.
    """
    counter = numbering.lock_counter()
    webhook = _lock(webhook)
    if webhook.is_on == on and not webhook.paused_at:
        return
    if on and not webhook.is_on:
        webhook.cursor = counter.last
    webhook.is_on = on
    webhook.paused_at, webhook.pause_reason = None, ""
    webhook.failures, webhook.failing_since, webhook.not_before = 0, None, None
    webhook.save()
    if on:  # the days in which it was paused do not count
        waiting = webhook.deliveries.filter(result=DeliveryResult.WAITING)
        waiting.update(tries=0, first_try_at=None, next_try_at=database_clock.now())
        enqueue(DELIVER)
    _update_wanted(webhook.brand_id)
    audit.record(actor, webhook, "switched on" if on else "switched off", host_of(webhook))


@transaction.atomic
def delete(actor: User | None, webhook: Webhook) -> None:
    """Delete a webhook with its log."""
    numbering.lock_counter()
    brand_id, host = webhook.brand_id, host_of(webhook)
    audit.record(actor, webhook, "deleted", host)
    webhook.delete()
    _update_wanted(brand_id)


@transaction.atomic
def reveal_secret(actor: User | None, webhook: Webhook) -> str:
    """The newest secret, once. Raises Refused if it was shown before, or can't be decrypted."""
    unseen = Webhook.objects.filter(pk=webhook.pk, is_secret_shown=False)
    if not unseen.update(is_secret_shown=True):
        raise Refused(_("The secret was shown already. Replace it to get a new one."))
    audit.record(actor, webhook, "secret shown", host_of(webhook))
    try:
        return encryption.decrypt(owner_of(webhook), _lock(webhook).secret)
    except encryption.Unreadable:
        raise Refused(no_keys_text()) from None


@transaction.atomic
def rotate_secret(actor: User | None, webhook: Webhook, overlap: timedelta) -> None:
    """Replace the secret. The old one signs too for `overlap`, at most OVERLAP_MAX; zero: no more.

    Raises Refused.
    """
    if not encryption.can_encrypt():
        raise Refused(no_keys_text())
    webhook = _lock(webhook)
    overlap = min(max(overlap, timedelta(0)), OVERLAP_MAX)
    webhook.old_secret = webhook.secret if overlap else ""
    webhook.old_secret_until = database_clock.now() + overlap if overlap else None
    webhook.secret = encryption.encrypt(owner_of(webhook), signing.new_secret())
    webhook.is_secret_shown = False
    webhook.save(update_fields=["old_secret", "old_secret_until", "secret", "is_secret_shown"])
    hours = int(overlap / timedelta(hours=1))
    audit.record(actor, webhook, "secret replaced", f"{host_of(webhook)}, {hours} h")


@transaction.atomic
def send_test(actor: User | None, webhook: Webhook) -> WebhookDelivery:
    """Send a test event. Raises Refused if the webhook is off or paused."""
    webhook = _lock(webhook)
    if not webhook.is_on or webhook.paused_at:
        raise Refused(_("Switch the webhook on first."))
    now = database_clock.now()
    Webhook.objects.filter(pk=webhook.pk).update(not_before=None)
    delivery = WebhookDelivery.objects.create(
        webhook=webhook, is_test=True, events=1, created_at=now, next_try_at=now
    )
    audit.record(actor, webhook, "test event", host_of(webhook))
    enqueue(DELIVER)
    return delivery


@transaction.atomic
def resend(actor: User | None, delivery: WebhookDelivery) -> None:
    """Send a delivery again, with the id that it had. Raises Refused if the webhook is off or
    paused.
    """
    webhook = _lock(delivery.webhook)
    if not webhook.is_on or webhook.paused_at:
        raise Refused(_("Switch the webhook on first."))
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        result=DeliveryResult.WAITING,
        tries=0,
        first_try_at=None,
        next_try_at=database_clock.now(),
    )
    Webhook.objects.filter(pk=webhook.pk).update(not_before=None)
    audit.record(actor, webhook, "resent", f"{delivery.events} events, msg_{delivery.uuid.hex}")
    enqueue(DELIVER)


@transaction.atomic
def encrypt_again() -> tuple[int, list[int]]:
    """Encrypt the secrets of all webhooks with the first of KEY_ENCRYPTION_KEYS.

    Returns how many webhooks, and the ids of those whose secrets can't be decrypted: those stay.
    """
    done, unreadable = 0, []
    for webhook in Webhook._base_manager.select_for_update().order_by("pk"):
        owner = owner_of(webhook)
        try:
            for name in ("secret", "old_secret"):
                if stored := getattr(webhook, name):
                    again = encryption.encrypt(owner, encryption.decrypt(owner, stored))
                    setattr(webhook, name, again)
        except encryption.Unreadable:
            unreadable.append(webhook.pk)
            continue
        webhook.save(update_fields=["secret", "old_secret"])
        done += 1
    return done, unreadable


def _lock(webhook: Webhook) -> Webhook:
    return Webhook.objects.select_for_update().get(pk=webhook.pk)


def _update_wanted(brand_id: int | None) -> None:
    """Write which kinds any webhook of the brand wants: only those are recorded."""
    active = Webhook._base_manager.filter(brand=brand_id, is_on=True)
    wanted = {kind for names in active.values_list("kinds", flat=True) for kind in names}
    rows = WantedKind._base_manager.filter(brand=brand_id)
    rows.exclude(kind__in=wanted).delete()
    missing = wanted - set(rows.values_list("kind", flat=True))
    WantedKind._base_manager.bulk_create(
        WantedKind(brand_id=brand_id, kind=kind) for kind in sorted(missing)
    )


def no_keys_text() -> str:
    """Why no secret can be stored or read."""
    return _(
        "Secrets can't be stored or read: set KEY_ENCRYPTION_KEYS, as docs/webhooks.md says, and"
        " restart ViberDash."
    )
