"""How many recipients are in which state, counted from the tallies: no page scans recipients for a
number.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from django.db.models import Sum
from django.utils.translation import gettext as _

from campaigns.dispatch.models import DeliveryState, SendState, Tally
from campaigns.reports.shared.labels import delivery_failure, refusal
from campaigns.templatetags.viberdash import number as grouped

BY_VIBER = (DeliveryState.DELIVERED, DeliveryState.READ)  # a read message was delivered too
BY_SMS = (DeliveryState.FALLBACK, DeliveryState.FALLBACK_DELIVERED)
# accepted, and the gateway has not reported the outcome
AWAITING_STATUS = (DeliveryState.NONE, DeliveryState.WAITING, DeliveryState.SENT)
TALLY_KEYS = ("send_state", "error_code", "reason", "delivery_state", "status")


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many recipients there are for one reason, and what to do about it ("" for nothing).

    `key` is the value of `?why=` in the table of recipients.
    """

    number: int
    reason: str
    next_step: str = ""
    key: str = ""


@dataclass(slots=True)
class DeliveryCounts:
    """The recipients of a campaign, or of one country of it, by state.

    `audience` is 0 while the audience is not frozen. Queued recipients are in no counter.
    """

    audience: int = 0
    sends: Counter[str] = field(default_factory=Counter)  # by SendState
    # by the gateway's error code (or 0) and our own reason (or "")
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    cancellations: Counter[str] = field(default_factory=Counter)  # by our own reason
    deliveries: Counter[str] = field(default_factory=Counter)  # the accepted, by DeliveryState
    statuses: Counter[str] = field(default_factory=Counter)  # the undelivered, by gateway status

    def add(self, row: dict[str, Any]) -> None:
        """Add a row of the tallies with `number` recipients."""
        number, send_state, delivery_state = row["number"], row["send_state"], row["delivery_state"]
        self.sends[send_state] += number
        if send_state == SendState.REFUSED:
            self.refusals[row["error_code"], row["reason"]] += number
        elif send_state == SendState.CANCELLED:
            self.cancellations[row["reason"]] += number
        elif send_state == SendState.ACCEPTED:
            self.deliveries[delivery_state] += number
            if delivery_state == DeliveryState.NOT_DELIVERED:
                self.statuses[row["status"]] += number

    def merge(self, other: "DeliveryCounts") -> None:
        """Add the recipients of `other`, but not its audience."""
        for own, added in zip(self._counters(), other._counters(), strict=True):
            own.update(added)

    def _counters(self) -> tuple[Counter[Any], ...]:
        return self.sends, self.refusals, self.cancellations, self.deliveries, self.statuses

    def fingerprint(self, *more: object) -> str:
        """A text that differs if any of these numbers, or of `more`, does."""
        numbers = [sorted(counter.items()) for counter in self._counters()]
        return f"{crc32(repr((self.audience, numbers, more)).encode()):08x}"

    @property
    def unsent_text(self) -> str:
        """What became of those who were not sent to: "20 refused · 300 waiting"."""
        parts = (
            (_("%(number)s waiting"), self.queued),
            (_("%(number)s refused"), self.refused),
            (_("%(number)s unresolved"), self.unresolved),
            (_("%(number)s cancelled"), self.cancelled),
        )
        return " · ".join(text % {"number": grouped(count)} for text, count in parts if count)

    @property
    def done(self) -> int:
        """Recipients in a final send state."""
        return self.sends.total()

    @property
    def queued(self) -> int:
        return max(self.audience - self.done, 0)

    @property
    def accepted(self) -> int:
        """Sent to: the gateway has accepted their message."""
        return self.sends[SendState.ACCEPTED]

    @property
    def refused(self) -> int:
        return self.sends[SendState.REFUSED]

    @property
    def unresolved(self) -> int:
        return self.sends[SendState.UNRESOLVED]

    @property
    def cancelled(self) -> int:
        return self.sends[SendState.CANCELLED]

    @property
    def delivered(self) -> int:
        """Delivered by Viber, read or not."""
        return sum(self.deliveries[state] for state in BY_VIBER)

    @property
    def read(self) -> int:
        return self.deliveries[DeliveryState.READ]

    @property
    def delivered_unread(self) -> int:
        return self.deliveries[DeliveryState.DELIVERED]

    @property
    def by_sms(self) -> int:
        return sum(self.deliveries[state] for state in BY_SMS)

    @property
    def sms_delivered(self) -> int:
        return self.deliveries[DeliveryState.FALLBACK_DELIVERED]

    @property
    def reached(self) -> int:
        """Delivered by either channel."""
        return self.delivered + self.sms_delivered

    @property
    def not_delivered(self) -> int:
        return self.deliveries[DeliveryState.NOT_DELIVERED]

    @property
    def not_by_viber(self) -> int:
        """Accepted, and Viber did not reach them, whether or not an SMS was sent."""
        return self.not_delivered + self.by_sms

    @property
    def awaiting_status(self) -> int:
        """Accepted, and the outcome is not known yet."""
        return sum(self.deliveries[state] for state in AWAITING_STATUS)

    @property
    def refusal_reasons(self) -> list[ReasonCount]:
        return [
            ReasonCount(number, *refusal(code, reason), f"{code}.{reason}")
            for (code, reason), number in self.refusals.most_common()
        ]

    @property
    def cancellation_reasons(self) -> list[ReasonCount]:
        return [
            ReasonCount(number, *refusal(0, reason), f"0.{reason}")
            for reason, number in self.cancellations.most_common()
        ]

    @property
    def undelivered_reasons(self) -> list[ReasonCount]:
        return [
            ReasonCount(number, *delivery_failure(status), status)
            for status, number in self.statuses.most_common()
        ]


def _tally_rows(campaign_ids: Iterable[int], *keys: str) -> Iterator[dict[str, Any]]:
    rows = Tally.objects.filter(campaign__in=list(campaign_ids)).values(*keys, *TALLY_KEYS)
    yield from rows.annotate(number=Sum("recipients")).filter(number__gt=0).order_by()


def _collect(rows: Iterable[dict[str, Any]], key: str) -> dict[Any, DeliveryCounts]:
    counts: defaultdict[Any, DeliveryCounts] = defaultdict(DeliveryCounts)
    for row in rows:
        counts[row[key]].add(row)
    return counts


def load_delivery_counts(audiences: dict[int, int | None]) -> dict[int, DeliveryCounts]:
    """Return the counts of each campaign, by one query.

    `audiences` maps the id of each campaign to the size of its frozen audience.
    """
    counts = _collect(_tally_rows(audiences, "campaign"), "campaign")
    for campaign_id, audience in audiences.items():
        counts[campaign_id].audience = audience or 0
    return dict(counts)


def load_country_counts(campaign_id: int) -> dict[str, DeliveryCounts]:
    """Return the counts of each country, the largest first; queued recipients are in none yet."""
    by_country = _collect(_tally_rows([campaign_id], "country"), "country")
    for counts in by_country.values():
        counts.audience = counts.done
    return dict(sorted(by_country.items(), key=lambda item: -item[1].done))
