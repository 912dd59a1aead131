"""What the rows of a statistics file say about recipients, and which of them are believed.

A row is believed only if it changes no money: its price is the one that was entered. Where a file
and a single status contradict each other, no row of it is believed.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from campaigns.dispatch.models import ERASED_PREFIX, Recipient
from campaigns.gateway.statuses import Progress, status_meaning
from campaigns.gateway.types import MessageStatus, StatisticsRow
from campaigns.results.polling.prices import entered_viber
from campaigns.results.polling.recording import StatusUpdate
from campaigns.results.polling.statuses import delivery_state, is_final, moves_forward

SAMPLE_SHARE, SAMPLE_MIN, SAMPLE_MAX = 0.01, 3, 20  # of a file, asked for by single calls


@dataclass(frozen=True, slots=True)
class NamedRecipient:
    """A recipient and the row of a file about their message."""

    recipient: Recipient
    row: StatisticsRow


def named_recipients(
    recipients: Iterable[Recipient], rows: Iterable[StatisticsRow]
) -> list[NamedRecipient]:
    """Those of `recipients` whom `rows` name by the gateway's id, if all rows about them agree."""
    by_id: dict[str, StatisticsRow | None] = {}
    for row in rows:
        if row.channel in ("", "viber"):
            agrees = by_id.get(row.gateway_id, row) == row
            by_id[row.gateway_id] = row if agrees else None
    return [
        NamedRecipient(recipient, own)
        for recipient in recipients
        if recipient.gateway_id and (own := by_id.get(recipient.gateway_id))
    ]


def believed(named: NamedRecipient) -> StatusUpdate | None:
    """What is to be recorded for a recipient; None if they are to be asked for by a single call:
    the price is another than the entered one or not known, or the status says nothing.
    """
    row = named.row
    priced = {} if row.price is None else {row.currency: row.price}
    says_nothing = status_meaning(row.status).progress is Progress.NOT_KNOWN
    if not priced or priced != entered_viber(named.recipient) or says_nothing:
        return None
    return StatusUpdate(named.recipient, _as_status(row, named.recipient.reference))


def sample(named: Sequence[NamedRecipient]) -> list[NamedRecipient]:
    """Some at random: one of a hundred, at least 3 and at most 20."""
    size = min(max(int(len(named) * SAMPLE_SHARE), SAMPLE_MIN), SAMPLE_MAX, len(named))
    return random.sample(named, size)


def wrong_phone(named: Iterable[NamedRecipient]) -> str:
    """What is wrong if a row names another phone than the message went to; else ""."""
    for each in named:
        phone = each.recipient.msisdn
        if each.row.msisdn not in ("", phone) and not phone.startswith(ERASED_PREFIX):
            return f"message {each.row.gateway_id} has another phone in a file"
    return ""


def contradiction(row: StatisticsRow, status: MessageStatus | None) -> str:
    """What the later single `status` contradicts of `row`; "" if both can be true.

    A message may have moved on since the file was made, but never back, and not out of an end.
    """
    if status is None:
        return f"message {row.gateway_id} is {row.status} in a file, and unknown to a status call"
    if row.status != status.status:
        in_file = _as_status(row, "")
        if is_final(in_file, expects_sms=False) or not moves_forward(
            delivery_state(in_file), delivery_state(status)
        ):
            return f"message {row.gateway_id} is {row.status} in a file, {status.status} by itself"
        return ""
    prices: Mapping[str, object] = {"file": row.price, "status call": status.price}
    if None not in prices.values() and (row.price, row.currency) != (status.price, status.currency):
        return (
            f"message {row.gateway_id} costs {row.price} {row.currency} in a file,"
            f" {status.price} {status.currency} by itself"
        )
    if row.time_dr and status.time_dr and row.time_dr != status.time_dr:
        return (
            f"message {row.gateway_id} ended at {row.time_dr:%F %T} in a file,"
            f" at {status.time_dr:%F %T} by itself"
        )
    return ""


def _as_status(row: StatisticsRow, reference: str) -> MessageStatus:
    return MessageStatus(
        gateway_id=row.gateway_id,
        msisdn=row.msisdn,
        reference=reference,
        status=row.status,
        price=row.price,
        currency=row.currency,
        time_in=row.time_in,
        time_sent=row.time_sent,
        time_dr=row.time_dr,
    )
