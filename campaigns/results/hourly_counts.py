"""Counting by the hour, in the transaction that writes what is counted."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from campaigns.dispatch.models import DeliveryState
from campaigns.ledger.totals import Sums
from campaigns.results.models import HourCount, Measure
from campaigns.shared import bulk

KEYS = ("campaign_id", "measure", "hour")
BY_VIBER = (DeliveryState.DELIVERED, DeliveryState.READ)


class RecipientTimes(Protocol):
    """A recipient, as far as the hours go."""

    @property
    def delivery_state(self) -> str: ...
    @property
    def sent_at(self) -> datetime | None: ...
    @property
    def delivered_at(self) -> datetime | None: ...
    @property
    def read_at(self) -> datetime | None: ...


def start_of_hour(moment: datetime) -> datetime:
    """The beginning of its hour, in UTC: each zone with whole hours adds its days up from these."""
    return moment.replace(minute=0, second=0, microsecond=0)


def measured_hours(told: RecipientTimes) -> Iterator[tuple[Measure, datetime]]:
    """In which hours somebody counts, and as what."""
    delivered = told.delivery_state in BY_VIBER
    read = told.delivery_state == DeliveryState.READ
    for measure, moment, holds in (
        (Measure.SENT, told.sent_at, True),
        (Measure.DELIVERED, told.delivered_at, delivered),
        (Measure.READ, told.read_at, read),
        (Measure.SENT_DELIVERED, told.sent_at, delivered),
        (Measure.SENT_READ, told.sent_at, read),
    ):
        if moment and holds:
            yield measure, start_of_hour(moment)


class HourlyCounter:
    """What one transaction moves."""

    def __init__(self, campaign_id: int) -> None:
        self._campaign_id = campaign_id
        self._sums = Sums()

    def move(self, before: RecipientTimes, after: RecipientTimes) -> None:
        """Somebody counted as `before` counts as `after` from now on."""
        for told, people in ((before, -1), (after, 1)):
            for measure, hour in measured_hours(told):
                self._sums.add((self._campaign_id, measure.value, bulk.moment(hour)), people)

    def write(self) -> None:
        """Add it to the counts, in the caller's transaction."""
        bulk.upsert(HourCount._meta.db_table, KEYS, ", ".join(KEYS), ("people",), self._sums.rows())
