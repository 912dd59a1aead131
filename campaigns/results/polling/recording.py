"""Write down what the gateway says of messages: state, prices, the money that moved, in the
caller's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.dispatch.tally import Moves
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.entries import Movement, enter
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
    """A recipient as last read from the database, and what the gateway says of them now."""

    person: Recipient
    status: MessageStatus


def record_updates(
    news: Sequence[StatusUpdate], campaign: Campaign, country: str, sent_at: datetime
) -> list[Movement]:
    """Write `news` about people of one batch that left at `sent_at`. The money that moved."""
    moves, hours = Moves(), HourlyCounter(campaign.pk)
    movements: list[Movement] = []
    left = (
        max(sent_at, campaign.scheduled_at or sent_at)
        if campaign.timing == Timing.GATEWAY
        else sent_at
    )
    written = [_updated(one, bool(campaign.sms_text), left) for one in news]
    for one, after in zip(news, written, strict=True):
        movements += _movements(one.person, after, Purpose(campaign.purpose), country)
        _count(moves, one.person, after, country)
        hours.move(one.person, after)
    bulk.update(TABLE, {}, COLUMNS, [_row(after) for after in written])
    enter(movements, timezone.now())
    moves.write()
    hours.write()
    return movements


@dataclass(frozen=True, slots=True)
class UpdatedRecipient:
    """A recipient's result columns as they become."""

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


def _updated(news: StatusUpdate, expects_sms: bool, left: datetime) -> UpdatedRecipient:
    person, status = news.person, news.status
    state = delivery_state(status)
    forward = state is not DeliveryState.NONE and moves_forward(person.delivery_state, state)
    becomes = state if forward else DeliveryState(person.delivery_state)
    sms_prices = [sms.price for sms in status.fallback if sms.price is not None]
    return UpdatedRecipient(
        person.pk,
        becomes,
        status.status[:30] if forward or not person.status else person.status,
        person.final or is_final(status, expects_sms),
        status.currency or person.currency,
        status.price if status.price is not None else person.viber_price,
        sum(sms_prices, Decimal(0)) if sms_prices else person.sms_price,
        status.fallback[-1].status[:30] if status.fallback else person.sms_status,
        *_times(person, status, becomes, left),
    )


def _times(
    person: Recipient, status: MessageStatus, becomes: DeliveryState, left: datetime
) -> tuple[datetime | None, datetime | None, datetime | None]:
    """When it was sent, delivered and read: as the gateway says; where it does not, when we sent it
    or learnt of it.
    """
    now = timezone.now()
    sent = status.time_sent or person.sent_at
    if not sent and becomes not in (DeliveryState.NONE, DeliveryState.WAITING):
        sent = left
    if becomes not in BY_VIBER:
        return sent, status.time_dr or person.delivered_at, None
    first = person.delivered_at if person.delivery_state in BY_VIBER else None
    delivered = first or status.time_dr or now
    if becomes is not DeliveryState.READ:
        return sent, delivered, None
    later = status.time_dr if status.time_dr and status.time_dr > delivered else None
    return sent, delivered, person.read_at or later or now


def _row(after: UpdatedRecipient) -> tuple[object, ...]:
    return (
        after.delivery_state.value, after.status, after.final, after.currency,
        _units(after.viber_price), _units(after.sms_price), after.sms_status, after.sent_at,
        after.delivered_at, after.read_at, after.id,
    )  # fmt: skip


def _units(amount: Decimal | None) -> int | None:
    return None if amount is None else to_units(amount)


def _movements(
    person: Recipient, after: UpdatedRecipient, purpose: Purpose, country: str
) -> list[Movement]:
    """What the newest prices change: the sum of a recipient's entries in a channel is the newest
    price named.
    """

    def movement(
        kind: Kind, channel: Channel, currency: str, amount: Decimal | None, settles: bool = False
    ) -> Movement:
        return Movement(
            kind,
            channel,
            person.campaign_id,
            country,
            currency,
            [(person.pk, amount)],
            purpose,
            settles,
        )

    movements = []
    before = person.viber_price if person.viber_price is not None else person.charged
    newest = after.viber_price
    if newest is not None and before is None:
        movements.append(
            movement(Kind.ADJUSTMENT, Channel.VIBER, after.currency, newest, settles=True)
        )
    elif newest is not None and before is not None and person.currency != after.currency:
        movements.append(movement(Kind.ADJUSTMENT, Channel.VIBER, person.currency, -before))
        movements.append(movement(Kind.ADJUSTMENT, Channel.VIBER, after.currency, newest))
    elif newest is not None and before is not None and newest != before:
        movements.append(movement(Kind.ADJUSTMENT, Channel.VIBER, after.currency, newest - before))
    if after.sms_status and not person.sms_status:
        movements.append(movement(Kind.CHARGE, Channel.SMS, after.currency, after.sms_price))
    elif after.sms_price is not None and after.sms_price != person.sms_price:
        first = person.sms_price is None
        change = after.sms_price - (person.sms_price or Decimal(0))
        movements.append(
            movement(Kind.ADJUSTMENT, Channel.SMS, after.currency, change, settles=first)
        )
    return movements


def _count(moves: Moves, person: Recipient, after: UpdatedRecipient, country: str) -> None:
    before = (person.delivery_state, person.status)
    now = (after.delivery_state.value, after.status)
    if before == now:
        return
    for (state, status), people in ((before, -1), (now, 1)):
        moves.arrive(
            person.campaign_id,
            country,
            SendState.ACCEPTED.value,
            delivery_state=state,
            status=status,
            people=people,
        )
