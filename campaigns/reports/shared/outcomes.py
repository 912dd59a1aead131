"""What became of the recipients, counted from the tallies: no page ever scans recipients for a
number.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Sum

from campaigns.dispatch.models import DeliveryState, SendState, Tally
from campaigns.reports.shared.labels import failure, refusal

D = DeliveryState
BY_VIBER = (D.DELIVERED, D.READ)  # whoever read it had it delivered
BY_SMS = (D.FALLBACK, D.FALLBACK_DELIVERED)
OPEN = (D.NONE, D.WAITING, D.SENT)  # accepted, and the gateway has not said what came of it


@dataclass(frozen=True, slots=True)
class Share:
    """`number` people for one reason: its words, what to do about it ("" where there is nothing),
    and its name.

    The name is the value of `?why=` in the table of recipients.
    """

    number: int
    words: str
    next_step: str = ""
    why: str = ""


@dataclass(slots=True)
class Outcome:
    """Where the recipients of a campaign, or of one country of it, stand. `audience` 0: not frozen
    yet.
    """

    audience: int = 0
    # by SendState; queued people are not in it
    sends: Counter[str] = field(default_factory=Counter)
    # (the gateway's code or 0, our reason or "")
    refusals: Counter[tuple[int, str]] = field(default_factory=Counter)
    cancellations: Counter[str] = field(default_factory=Counter)  # by our reason
    deliveries: Counter[str] = field(default_factory=Counter)  # accepted people by DeliveryState
    # the undelivered by the gateway's own word
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, row: dict[str, Any]) -> None:
        number, send_state, delivery_state = row["number"], row["send_state"], row["delivery_state"]
        self.sends[send_state] += number
        if send_state == SendState.REFUSED:
            self.refusals[row["error_code"], row["reason"]] += number
        elif send_state == SendState.CANCELLED:
            self.cancellations[row["reason"]] += number
        elif send_state == SendState.ACCEPTED:
            self.deliveries[delivery_state] += number
            if delivery_state == D.NOT_DELIVERED:
                self.statuses[row["status"]] += number

    def merge(self, other: "Outcome") -> None:
        """Take the people of `other` in, but not its audience."""
        for mine, theirs in zip(self._counters(), other._counters(), strict=True):
            mine.update(theirs)

    def _counters(self) -> tuple[Counter[Any], ...]:
        return self.sends, self.refusals, self.cancellations, self.deliveries, self.statuses

    @property
    def done(self) -> int:
        """Recipients in a final send state."""
        return self.sends.total()

    @property
    def queued(self) -> int:
        return max(self.audience - self.done, 0)

    @property
    def accepted(self) -> int:
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
        return self.deliveries[D.READ]

    @property
    def delivered_unread(self) -> int:
        return self.deliveries[D.DELIVERED]

    @property
    def by_sms(self) -> int:
        return sum(self.deliveries[state] for state in BY_SMS)

    @property
    def sms_delivered(self) -> int:
        return self.deliveries[D.FALLBACK_DELIVERED]

    @property
    def reached(self) -> int:
        """Delivered by either channel."""
        return self.delivered + self.sms_delivered

    @property
    def not_delivered(self) -> int:
        return self.deliveries[D.NOT_DELIVERED]

    @property
    def open(self) -> int:
        """Accepted, and it is not known yet what came of it."""
        return sum(self.deliveries[state] for state in OPEN)

    @property
    def delivered_rate(self) -> float | None:
        """Per cent of the accepted; None where nobody was accepted."""
        return rate(self.delivered, self.accepted)

    @property
    def read_rate(self) -> float | None:
        """Per cent of those whom Viber reached; None where it reached nobody."""
        return rate(self.read, self.delivered)

    @property
    def refused_shares(self) -> list[Share]:
        return [
            Share(number, *refusal(*key), f"{key[0]}.{key[1]}")
            for key, number in self.refusals.most_common()
        ]

    @property
    def cancelled_shares(self) -> list[Share]:
        return [
            Share(number, *refusal(0, why), f"0.{why}")
            for why, number in self.cancellations.most_common()
        ]

    @property
    def undelivered_shares(self) -> list[Share]:
        return [
            Share(number, *failure(status), status)
            for status, number in self.statuses.most_common()
        ]


def rate(part: int, whole: int) -> float | None:
    """`part` in per cent of `whole`, to one place; None of nothing."""
    return round(100 * part / whole, 1) if whole else None


GROUPED = ("send_state", "error_code", "reason", "delivery_state", "status")


def _rows(campaign_ids: Iterable[int], *keys: str) -> Iterator[dict[str, Any]]:
    rows = Tally.objects.filter(campaign__in=list(campaign_ids)).values(*keys, *GROUPED)
    yield from rows.annotate(number=Sum("recipients")).filter(number__gt=0).order_by()


def _collect(
    rows: Iterable[dict[str, Any]], key: str, new: Callable[[], Outcome]
) -> dict[Any, Outcome]:
    found: defaultdict[Any, Outcome] = defaultdict(new)
    for row in rows:
        found[row[key]].add(row)
    return found


def outcomes(audiences: dict[int, int | None]) -> dict[int, Outcome]:
    """The outcome of each campaign, in one query; `audiences` is the frozen audience by campaign
    id.
    """
    found = _collect(_rows(audiences, "campaign"), "campaign", Outcome)
    for campaign_id, audience in audiences.items():
        found[campaign_id].audience = audience or 0
    return dict(found)


def by_country(campaign_id: int) -> dict[str, Outcome]:
    """The outcome in each country, most people first. People still queued are in no country yet."""
    found = _collect(_rows([campaign_id], "country"), "country", Outcome)
    for outcome in found.values():
        outcome.audience = outcome.done
    return dict(sorted(found.items(), key=lambda item: -item[1].done))
