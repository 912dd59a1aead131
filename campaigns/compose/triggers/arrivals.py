"""Take in events of other systems: each is stored once, and checked before it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.message.merge_tags import MissingValue
from campaigns.compose.message.render import CompiledMessage, compile_message
from campaigns.compose.models import Campaign, Trigger, TriggerEvent, TriggerState
from campaigns.contacts.phones.parsing import Phone, normalise
from campaigns.gateway.limits import TEXT_MAX
from campaigns.shared.queue import enqueue

TAKE = "campaigns.dispatch.tasks.take_events"
KEPT_FOR = timedelta(days=30)


class EventRefused(Exception):  # noqa: N818 - a refusal with its message, not a failure
    """The event can't be taken in. `field`: which part of it is wrong; `str()` says why."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field


class OtherContent(Exception):  # noqa: N818 - a refusal
    """An event with this id is there already, with another phone or other values."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as another system names it. `key`: its id there. `values`: merge tag -> value."""

    event: str
    key: str
    phone: str
    values: Mapping[str, str]


def receive(arrival: Arrival) -> tuple[TriggerEvent, bool]:
    """Store an event, whose message is queued soon; return it, and whether it is new.

    Raises EventRefused, and OtherContent if its id is known with another content.
    """
    phone = normalise(arrival.phone, settings.DEFAULT_COUNTRY)
    if not isinstance(phone, Phone):
        raise EventRefused("phone", _("This is not a phone number."))
    if known := _known(arrival, phone.msisdn):
        return known, False
    trigger = _trigger_of(arrival.event)
    row = TriggerEvent(
        trigger=trigger,
        event=arrival.event,
        key=arrival.key,
        msisdn=phone.msisdn,
        country=phone.country,
        values=_used_values(_draft_of(trigger), arrival.values),
        at=timezone.now(),
    )
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # the same event at the same time
        known = _known(arrival, phone.msisdn)
        if known is None:
            raise
        return known, False
    enqueue(TAKE, trigger.pk)
    return row, True


def _known(arrival: Arrival, msisdn: str) -> TriggerEvent | None:
    """The event with this id if it arrived before. Values that its message does not use were not
    kept, so only those that were are compared.
    """
    row = TriggerEvent.objects.filter(event=arrival.event, key=arrival.key).first()
    if row is None:
        return None
    kept = {name: arrival.values.get(name) for name in row.values}
    if row.msisdn != msisdn or kept != row.values:
        raise OtherContent
    return row


def remove_old(now: datetime) -> None:
    """Delete the events that are kept no longer; those that wait are skipped long before."""
    TriggerEvent.objects.filter(at__lt=now - KEPT_FOR).delete()


def _trigger_of(event: str) -> Trigger:
    triggers = Trigger.objects.exclude(state=TriggerState.ENDED).select_related("draft")
    trigger = triggers.filter(event=event).first()
    if trigger is None:
        raise EventRefused("event", _("No trigger has this event. Set it up in Triggers."))
    return trigger


def _draft_of(trigger: Trigger) -> Campaign:
    if trigger.draft is None:
        raise EventRefused("event", _("The trigger has no message any more."))
    return trigger.draft


def _used_values(draft: Campaign, values: Mapping[str, str]) -> dict[str, str]:
    """Those of the values that the message uses and that are not empty. Raises EventRefused where
    one is missing, or where the text becomes too long.
    """
    template: CompiledMessage = compile_message(draft)
    used = {name: values[name] for name in sorted(template.names) if values.get(name)}
    try:
        rendered = template.render(used)
    except MissingValue as missing:
        text = _("The message needs a value for {%(name)s}.") % {"name": missing.name}
        raise EventRefused(f"values.{missing.name}", text) from None
    if not 1 <= len(rendered.text) <= TEXT_MAX:
        text = _("With these values the text has %(length)d characters; %(most)d fit.")
        raise EventRefused("values", text % {"length": len(rendered.text), "most": TEXT_MAX})
    return used
