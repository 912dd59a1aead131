"""What a status of the gateway changes for a recipient. States only move forward.

The meaning of each status is in `gateway.statuses`.
"""

from campaigns.dispatch.models import DeliveryState
from campaigns.gateway.statuses import DELIVERED, READ, status_meaning
from campaigns.gateway.types import MessageStatus

# The order of the states is the order in which they may move.
RANK = {state: rank for rank, state in enumerate(DeliveryState)}


def delivery_state(status: MessageStatus) -> DeliveryState:
    """The state that `status` reports; NONE for a status that is not documented."""
    state = DeliveryState(status_meaning(status.status).progress)
    if state is DeliveryState.NOT_DELIVERED and status.fallback:
        if any(sms.status == DELIVERED for sms in status.fallback):
            return DeliveryState.FALLBACK_DELIVERED
        return DeliveryState.FALLBACK
    return state


def is_final(status: MessageStatus, expects_sms: bool) -> bool:
    """Whether nothing more will come, neither for the message nor for its SMS.

    `expects_sms`: the message has an SMS fallback, which the gateway may name only a while after
    the Viber message ended.
    """
    if not status_meaning(status.status).is_final:
        return False
    if status.status != READ and expects_sms and not status.fallback:
        return False
    return all(
        status_meaning(sms.status).is_final or sms.status == DELIVERED for sms in status.fallback
    )


def moves_forward(before: str, after: DeliveryState) -> bool:
    """Whether `after` is not behind the state `before`, so that it may replace it."""
    return RANK[after] >= RANK[DeliveryState(before)]
