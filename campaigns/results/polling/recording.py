"""Write the statuses of messages: states, times, prices, and the money that moved.

All of it is written in the caller's transaction, so that ledger, tally and counts always agree.
What money moved is decided in prices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch import message_changes
from campaigns.dispatch.message_changes import MessageChange
from campaigns.dispatch.models import DeliveryState, Recipient, SendState
from campaigns.dispatch.tally import TallyChanges
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Purpose
from campaigns.results.hourly_counts import BY_VIBER, HourlyCounter
from campaigns.results.polling.prices import (
    Change,
    RowPrices,
    entered_sms,
    entered_viber,
    named_sms,
    named_viber,
    price_changes,
    row_prices,
)
from campaigns.results.polling.statuses import delivery_state, is_final, moves_forward
from campaigns.results.stop_proposals import failures
from campaigns.shared import bulk
from campaigns.shared.money import to_units

TABLE = Recipient._meta.db_table
COLUMNS = {
    "delivery_state": "text", "status": "text", "final": "boolean", "currency": "text",
    "viber_price": "bigint", "sms_currency": "text", "sms_price": "bigint", "sms_status": "text",
    "sent_at": "timestamptz", "delivered_at": "timestamptz", "read_at": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A recipient as read from the database, and the status that the gateway answered."""

    recipient: Recipient
    status: MessageStatus


@dataclass(frozen=True, slots=True)
class UpdatedRecipient:
    """The new values of a recipient's result columns."""

    id: int
    delivery_state: DeliveryState
    status: str
    final: bool
    prices: RowPrices
    sent_at: datetime | None
    delivered_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class BatchUpdates:
    """Statuses of recipients of one batch; `country` is that of the batch, `sent_at` its send."""

    updates: Sequence[StatusUpdate]
    campaign: Campaign
    country: str
    sent_at: datetime


def record_updates(batches: Sequence[BatchUpdates]) -> list[list[Movement]]:
    """Write the statuses of `batches`, with one statement for each table.

    Returns the money that moved, for each of them.
    """
    tally, hours = TallyChanges(), HourlyCounter()
    written: list[UpdatedRecipient] = []
    current = _lock([update for batch in batches for update in batch.updates])
    moved = [_update_batch(batch, current, tally, hours, written) for batch in batches]
    bulk.update(TABLE, {}, COLUMNS, [_row(after) for after in written])
    write_entries([movement for movements in moved for movement in movements], timezone.now())
    tally.write()
    hours.write()
    failures.note(_newly_failed(written, current, batches), timezone.now())
    message_changes.record(
        MessageChange(
            current[after.id].campaign_id,
            after.id,
            current[after.id].delivery_state or SendState.ACCEPTED.value,
            after.delivery_state.value,
        )
        for after in written
        if after.delivery_state != current[after.id].delivery_state
    )
    return moved


def _newly_failed(
    written: Sequence[UpdatedRecipient],
    current: Mapping[int, Recipient],
    batches: Sequence[BatchUpdates],
) -> list[int]:
    """The messages of campaigns that have failed because of their phone, and not known before."""
    campaigns = {
        batch.campaign.pk for batch in batches if batch.campaign.purpose == Purpose.CAMPAIGN
    }
    return [
        after.id
        for after in written
        if not current[after.id].final
        and failures.is_failure(after.delivery_state, after.status, after.final)
        and current[after.id].campaign_id in campaigns
    ]


def _update_batch(
    batch: BatchUpdates,
    current: Mapping[int, Recipient],
    tally: TallyChanges,
    hours: HourlyCounter,
    written: list[UpdatedRecipient],
) -> list[Movement]:
    """Add what changes for the recipients of `batch`; return the money that moves."""
    campaign = batch.campaign
    sent_at = campaign.due_at(batch.sent_at)
    # without those of a rehearsal that was deleted
    updates = [update for update in batch.updates if update.recipient.pk in current]
    sms_entered = entered_sms([current[update.recipient.pk] for update in updates])
    movements: list[Movement] = []
    for update in updates:
        recipient, status = current[update.recipient.pk], update.status
        entered = sms_entered[recipient.pk]
        viber, sms = named_viber(recipient, status), named_sms(recipient, status, entered)
        prices = row_prices(recipient, status, viber, sms)
        after = _updated(recipient, status, prices, bool(campaign.sms_text), sent_at)
        changes = {
            Channel.VIBER: price_changes(entered_viber(recipient), viber, recipient.currency),
            Channel.SMS: price_changes(entered, sms, prices.currency),
        }
        movements += _movements(recipient, changes, Purpose(campaign.purpose), batch.country)
        _count(tally, recipient, after, batch.country)
        hours.move(campaign.pk, recipient, after)
        written.append(after)
    return movements


def _lock(updates: Sequence[StatusUpdate]) -> dict[int, Recipient]:
    """The recipients as they are now, locked: what was read before the gateway answered can be
    older than what another worker has entered since.
    """
    ids = [update.recipient.pk for update in updates]
    recipients = Recipient.objects.select_for_update().filter(pk__in=ids).order_by("pk")
    return {recipient.pk: recipient for recipient in recipients}


def _updated(
    recipient: Recipient,
    status: MessageStatus,
    prices: RowPrices,
    expects_sms: bool,
    sent_at: datetime,
) -> UpdatedRecipient:
    reported = delivery_state(status)
    forward = reported is not DeliveryState.NONE and moves_forward(
        recipient.delivery_state, reported
    )
    state = reported if forward else DeliveryState(recipient.delivery_state)
    return UpdatedRecipient(
        recipient.pk,
        state,
        status.status[:30] if forward or not recipient.status else recipient.status,
        recipient.final or is_final(status, expects_sms),
        prices,
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
        # `time_dr` is when Viber gave up; no answer says when the SMS arrived
        by_sms = state is DeliveryState.FALLBACK_DELIVERED
        return sent_at, (recipient.delivered_at or now) if by_sms else None, None
    known = recipient.delivered_at if recipient.delivery_state in BY_VIBER else None
    delivered_at = known or status.time_dr or now
    if state is not DeliveryState.READ:
        return sent_at, delivered_at, None
    # The contract has no time of reading; `time_dr` is one if it moved on after the delivery.
    read_at = status.time_dr if status.time_dr and status.time_dr > delivered_at else None
    return sent_at, delivered_at, recipient.read_at or read_at or now


def _row(after: UpdatedRecipient) -> tuple[object, ...]:
    prices = after.prices
    return (
        after.delivery_state.value, after.status, after.final, prices.currency,
        _units(prices.viber_price), prices.sms_currency, _units(prices.sms_price),
        prices.sms_status, after.sent_at, after.delivered_at, after.read_at, after.id,
    )  # fmt: skip


def _units(amount: Decimal | None) -> int | None:
    return None if amount is None else to_units(amount)


def _movements(
    recipient: Recipient,
    changes: Mapping[Channel, Sequence[Change]],
    purpose: Purpose,
    country: str,
) -> list[Movement]:
    """The `changes` of prices, by channel, as movements of the ledger."""
    return [
        Movement(
            change.kind,
            channel,
            recipient.campaign_id,
            country,
            change.currency,
            [(recipient.pk, change.amount)],
            purpose,
            change.settles,
        )
        for channel, channel_changes in changes.items()
        for change in channel_changes
    ]


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
