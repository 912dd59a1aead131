"""Write the statuses of messages: states, times, prices, and the money that moved.

All of it is written in the caller's transaction, so that ledger, tally and counts always agree.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial

from django.utils import timezone

from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.dispatch.tally import TallyChanges
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, Purpose
from campaigns.results.hourly_counts import BY_VIBER, HourlyCounter
from campaigns.results.polling.statuses import delivery_state, is_final, moves_forward
from campaigns.shared import bulk
from campaigns.shared.money import to_units

TABLE = Recipient._meta.db_table
COLUMNS = {
    "delivery_state": "text", "status": "text", "final": "boolean", "currency": "text",
    "viber_price": "bigint", "sms_price": "bigint", "sms_status": "text", "sent_at": "timestamptz",
    "delivered_at": "timestamptz", "read_at": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A recipient as read from the database, and the status that the gateway answered."""

    recipient: Recipient
    status: MessageStatus


def record_updates(
    updates: Sequence[StatusUpdate], campaign: Campaign, country: str, sent_at: datetime
) -> list[Movement]:
    """Write `updates` of recipients in one batch and return the money that moved.

    `country` is that of the batch, `sent_at` when it was sent.
    """
    moves, hours = TallyChanges(), HourlyCounter(campaign.pk)
    movements: list[Movement] = []
    if campaign.timing == Timing.GATEWAY:  # the gateway had it before it was due
        sent_at = max(sent_at, campaign.scheduled_at or sent_at)
    written = [_updated(update, bool(campaign.sms_text), sent_at) for update in updates]
    for update, after in zip(updates, written, strict=True):
        movements += _movements(update.recipient, after, Purpose(campaign.purpose), country)
        _count(moves, update.recipient, after, country)
        hours.move(update.recipient, after)
    bulk.update(TABLE, {}, COLUMNS, [_row(after) for after in written])
    write_entries(movements, timezone.now())
    moves.write()
    hours.write()
    return movements


@dataclass(frozen=True, slots=True)
class UpdatedRecipient:
    """The new values of a recipient's result columns."""

    id: int
    delivery_state: DeliveryState
    status: str
    final: bool
    currency: str
    viber_price: Decimal | None
    sms_price: Decimal | None
    sms_status: str
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


def _updated(update: StatusUpdate, expects_sms: bool, sent_at: datetime) -> UpdatedRecipient:
    recipient, status = update.recipient, update.status
    reported = delivery_state(status)
    forward = reported is not DeliveryState.NONE and moves_forward(
        recipient.delivery_state, reported
    )
    state = reported if forward else DeliveryState(recipient.delivery_state)
    sms_prices = [sms.price for sms in status.fallback if sms.price is not None]
    return UpdatedRecipient(
        recipient.pk,
        state,
        status.status[:30] if forward or not recipient.status else recipient.status,
        recipient.final or is_final(status, expects_sms),
        status.currency or recipient.currency,
        status.price if status.price is not None else recipient.viber_price,
        sum(sms_prices, Decimal(0)) if sms_prices else recipient.sms_price,
        status.fallback[-1].status[:30] if status.fallback else recipient.sms_status,
        *_times(recipient, status, state, sent_at),
    )


def _times(
    recipient: Recipient, status: MessageStatus, state: DeliveryState, batch_sent_at: datetime
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """When the message was sent, delivered and read.

    The gateway's times where it names them; else when the batch was sent, and now.
    """
    now = timezone.now()
    sent_at = status.time_sent or recipient.sent_at
    if not sent_at and state not in (DeliveryState.NONE, DeliveryState.WAITING):
        sent_at = batch_sent_at
    if state not in BY_VIBER:
        return sent_at, status.time_dr or recipient.delivered_at, None
    known = recipient.delivered_at if recipient.delivery_state in BY_VIBER else None
    delivered_at = known or status.time_dr or now
    if state is not DeliveryState.READ:
        return sent_at, delivered_at, None
    # The contract has no time of reading; `time_dr` is one if it moved on after the delivery.
    read_at = status.time_dr if status.time_dr and status.time_dr > delivered_at else None
    return sent_at, delivered_at, recipient.read_at or read_at or now


def _row(after: UpdatedRecipient) -> tuple[object, ...]:
    return (
        after.delivery_state.value, after.status, after.final, after.currency,
        _units(after.viber_price), _units(after.sms_price), after.sms_status, after.sent_at,
        after.delivered_at, after.read_at, after.id,
    )  # fmt: skip


def _units(amount: Decimal | None) -> int | None:
    return None if amount is None else to_units(amount)


def _movements(
    recipient: Recipient, after: UpdatedRecipient, purpose: Purpose, country: str
) -> list[Movement]:
    """The entries for changed prices; for each channel they add up to the newest price."""
    build = partial(_movement, recipient, purpose, country)
    return [*_viber_movements(recipient, after, build), *_sms_movements(recipient, after, build)]


def _movement(
    recipient: Recipient,
    purpose: Purpose,
    country: str,
    kind: Kind,
    channel: Channel,
    currency: str,
    amount: Decimal | None,
    settles: bool = False,
) -> Movement:
    amounts = [(recipient.pk, amount)]
    return Movement(
        kind, channel, recipient.campaign_id, country, currency, amounts, purpose, settles
    )


def _viber_movements(
    recipient: Recipient, after: UpdatedRecipient, build: Callable[..., Movement]
) -> Iterator[Movement]:
    old = recipient.viber_price if recipient.viber_price is not None else recipient.charged
    new = after.viber_price
    adjust = partial(build, Kind.ADJUSTMENT, Channel.VIBER)
    if new is None:
        return
    if old is None:
        yield adjust(after.currency, new, settles=True)
    elif recipient.currency != after.currency:
        yield adjust(recipient.currency, -old)
        yield adjust(after.currency, new)
    elif new != old:
        yield adjust(after.currency, new - old)


def _sms_movements(
    recipient: Recipient, after: UpdatedRecipient, build: Callable[..., Movement]
) -> Iterator[Movement]:
    old, new = recipient.sms_price, after.sms_price
    if after.sms_status and not recipient.sms_status:
        yield build(Kind.CHARGE, Channel.SMS, after.currency, new)
    elif new is not None and new != old:
        change = new - (old or Decimal(0))
        yield build(Kind.ADJUSTMENT, Channel.SMS, after.currency, change, settles=old is None)


def _count(
    moves: TallyChanges, recipient: Recipient, after: UpdatedRecipient, country: str
) -> None:
    old = (recipient.delivery_state, recipient.status)
    new = (after.delivery_state.value, after.status)
    if old == new:
        return
    for (state, status), change in ((old, -1), (new, 1)):
        moves.add(
            recipient.campaign_id,
            country,
            SendState.ACCEPTED.value,
            delivery_state=state,
            status=status,
            recipients=change,
        )
