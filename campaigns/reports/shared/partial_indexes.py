"""Conditions by which partial indexes are found.

PostgreSQL concludes from what is asked that all of it is in the index. SQLite takes an index only
where its condition stands in the query word for word, and PostgreSQL would then think far fewer
rows were asked for.
"""

from typing import Any

from django.db import connection
from django.db.models import Q, Value

from campaigns.dispatch.models import DeliveryState
from campaigns.ledger.models import Channel


class Written(Value):
    """A word of ours that stands in the statement itself and is not handed over beside it."""

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        return f"'{self.value}'", ()


TOLD_OF = (
    DeliveryState.WAITING,
    DeliveryState.SENT,
    DeliveryState.NOT_DELIVERED,
    DeliveryState.FALLBACK,
    DeliveryState.FALLBACK_DELIVERED,
)
TOLD = Q(delivery_state__in=[Written(state.value) for state in TOLD_OF])
ENDED = Q(error_code__isnull=False) | ~Q(reason=Written(""))


def _word_for_word() -> bool:
    return connection.vendor == "sqlite"


def told(state: str) -> Q:
    """Recipients in one delivery state; by `recipient_told` where they are in it."""
    return Q(delivery_state=state) & (TOLD if state in TOLD_OF and _word_for_word() else Q())


def ended(reason: str) -> Q:
    """Recipients who were refused, cancelled or never settled, for one reason of ours ("": the
    gateway's), by `recipient_ended`.
    """
    return Q(reason=reason) & (ENDED if not reason or _word_for_word() else Q())


def sms() -> Q:
    """Entries of SMS, by `ledger_campaign_sms`."""
    return Q(channel=Written(Channel.SMS.value))
