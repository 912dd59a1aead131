"""The gateway's words for what became of a message, and what they mean here. States only move
forward.
"""

from campaigns.dispatch.models import DeliveryState
from campaigns.gateway.types import MessageStatus

D = DeliveryState
MEANING = {
    "new": D.WAITING,
    "waiting": D.WAITING,
    "scheduled": D.WAITING,
    "sent": D.SENT,
    "delivered": D.DELIVERED,
    "read": D.READ,
    "expired": D.NOT_DELIVERED,
    "undeliverable": D.NOT_DELIVERED,
    "not_viber_user": D.NOT_DELIVERED,
    "rejected": D.NOT_DELIVERED,
    "failed": D.NOT_DELIVERED,
    "deleted": D.NOT_DELIVERED,
}
FINAL_WORDS = frozenset(MEANING) - {"new", "waiting", "scheduled", "sent", "delivered"}
# the order of the states is the order in which they may move
RANK = {state: rank for rank, state in enumerate(D)}


def delivery_state(status: MessageStatus) -> DeliveryState:
    """What `status` means; a word that nobody documents means nothing, and is kept and shown as it
    is.
    """
    state = MEANING.get(status.status, D.NONE)
    if state is D.NOT_DELIVERED and status.fallback:
        return (
            D.FALLBACK_DELIVERED
            if any(sms.status == "delivered" for sms in status.fallback)
            else D.FALLBACK
        )
    return state


def is_final(status: MessageStatus, expects_sms: bool) -> bool:
    """Whether nothing more will come: the message is at its end, and so is each SMS that went out
    instead.

    `expects_sms`: the message has a fallback, which the gateway may name a while after the
    message's own end.
    """
    if status.status not in FINAL_WORDS:
        return False
    if status.status != "read" and expects_sms and not status.fallback:
        return False
    return all(sms.status in FINAL_WORDS or sms.status == "delivered" for sms in status.fallback)


def moves_forward(before: str, after: DeliveryState) -> bool:
    """Whether a report of `after` is news to somebody who is at `before`."""
    return RANK[after] >= RANK[DeliveryState(before)]
