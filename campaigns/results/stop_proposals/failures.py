"""Which results of a message speak against its phone, and which speak for it."""

from collections.abc import Iterable
from datetime import datetime

from campaigns.dispatch.models import DeliveryState
from campaigns.gateway.statuses import NOT_VIBER_USER, UNDELIVERABLE
from campaigns.results.models import UnreachedMessage
from campaigns.shared import bulk

# The others say something about the message, the moment or the operator.
STATUSES = (UNDELIVERABLE, NOT_VIBER_USER)
# Neither Viber nor an SMS arrived; both are certain only of a message that is final.
NOT_REACHED = (DeliveryState.NOT_DELIVERED, DeliveryState.FALLBACK)
REACHED = (DeliveryState.DELIVERED, DeliveryState.READ, DeliveryState.FALLBACK_DELIVERED)


def is_failure(delivery_state: str, status: str, final: bool) -> bool:
    """Whether a message failed because of its phone."""
    return final and delivery_state in NOT_REACHED and status in STATUSES


def note(recipient_ids: Iterable[int], now: datetime) -> None:
    """Have the nightly job look at the phones of messages that have just failed so. Call it in the
    transaction that records their status.
    """
    rows = [(recipient_id, bulk.moment(now)) for recipient_id in recipient_ids]
    if rows:
        bulk.append(UnreachedMessage._meta.db_table, ("recipient_id", "at"), rows)
