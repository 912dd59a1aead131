"""Conditions that let the database use partial indexes.

PostgreSQL works out from a query's own conditions that all its rows are in the index. SQLite uses
the index only if the index's condition stands in the query word for word; repeated for PostgreSQL,
that condition would make it expect far too few rows.
"""

from typing import Any

from django.db import connection
from django.db.models import Q, Value

from campaigns.dispatch.models import DeliveryState
from campaigns.ledger.models import Channel


class SqlLiteral(Value):
    """A constant of ours that is written into the statement instead of being a parameter."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return str(self.value) if isinstance(self.value, int) else f"'{self.value}'", ()


# the condition of `recipient_told`
INDEXED_STATES = (
    DeliveryState.WAITING,
    DeliveryState.SENT,
    DeliveryState.NOT_DELIVERED,
    DeliveryState.FALLBACK,
    DeliveryState.FALLBACK_DELIVERED,
)
STATE_CONDITION = Q(delivery_state__in=[SqlLiteral(state.value) for state in INDEXED_STATES])
# the condition of `recipient_ended`
ENDED_CONDITION = Q(error_code__isnull=False) | ~Q(reason=SqlLiteral(""))


def _repeats_condition() -> bool:
    return connection.vendor == "sqlite"


def in_delivery_state(state: str) -> Q:
    """Recipients in one delivery state, by the index `recipient_told` where it has the state."""
    indexed = state in INDEXED_STATES and _repeats_condition()
    return Q(delivery_state=state) & (STATE_CONDITION if indexed else Q())


def ended_for(reason: str) -> Q:
    """Recipients who were refused, cancelled or left unresolved, by the index `recipient_ended`.

    `reason` is one of our own, or "" for the gateway's reasons.
    """
    return Q(reason=reason) & (ENDED_CONDITION if not reason or _repeats_condition() else Q())


def sms_entries() -> Q:
    """Ledger entries of SMS, by the index `ledger_campaign_sms`."""
    return Q(channel=SqlLiteral(Channel.SMS.value))
