"""Count messages by the hour, in the transaction that writes the recipients."""

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from campaigns.dispatch.models import DeliveryState
from campaigns.ledger.totals import PendingSums
from campaigns.results.models import HourCount, Measure
from campaigns.shared import bulk

KEYS = ("campaign_id", "measure", "hour")
BY_VIBER = (DeliveryState.DELIVERED, DeliveryState.READ)


class RecipientTimes(Protocol):
    """The columns of a recipient that decide in which hours it counts."""

    @property
    def delivery_state(self) -> str: ...
    @property
    def sent_at(self) -> datetime | None: ...
    @property
    def delivered_at(self) -> datetime | None: ...
    @property
    def read_at(self) -> datetime | None: ...


def start_of_hour(moment: datetime) -> datetime:
    """The start of the hour of `moment`; time zones with whole hours add up their days from it."""
    return moment.replace(minute=0, second=0, microsecond=0)


def measured_hours(recipient: RecipientTimes) -> Iterator[tuple[Measure, datetime]]:
    """What the recipient counts as, and in which hours."""
    delivered = recipient.delivery_state in BY_VIBER
    read = recipient.delivery_state == DeliveryState.READ
    for measure, moment, counts in (
        (Measure.SENT, recipient.sent_at, True),
        (Measure.DELIVERED, recipient.delivered_at, delivered),
        (Measure.READ, recipient.read_at, read),
        (Measure.SENT_DELIVERED, recipient.sent_at, delivered),
        (Measure.SENT_READ, recipient.sent_at, read),
    ):
        if moment and counts:
            yield measure, start_of_hour(moment)


class HourlyCounter:
    """The changes of hourly counts in one transaction."""

    def __init__(self) -> None:
        self._sums = PendingSums()

    def move(self, campaign_id: int, before: RecipientTimes, after: RecipientTimes) -> None:
        """Count a recipient of the campaign as `after` instead of as `before`."""
        for recipient, change in ((before, -1), (after, 1)):
            for measure, hour in measured_hours(recipient):
                self._sums.add((campaign_id, measure.value, bulk.moment(hour)), change)

    def write(self) -> None:
        """Write the changes, in the caller's transaction."""
        bulk.upsert(HourCount._meta.db_table, KEYS, ", ".join(KEYS), ("people",), self._sums.rows())
