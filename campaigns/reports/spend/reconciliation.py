"""The ledger against what the gateway says: where they drift apart, and what is the likely
reason.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db.models import QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Evidence
from campaigns.dispatch.send.interpret_answer import TOTAL_DIFFERS
from campaigns.ledger.models import BalanceReading, LedgerTotal, Purpose
from campaigns.results.models import SampledStatus
from campaigns.shared.money import ZERO

LOOKED_BACK = timedelta(days=7)
GAP = timedelta(minutes=100)  # between two readings that are an hour apart
SHOWN = 50  # of each thing that differs


@dataclass(frozen=True, slots=True)
class Hour:
    """Between two readings of the balance."""

    before: BalanceReading
    after: BalanceReading

    @property
    def moved(self) -> Decimal:
        """What the account has more than before; less is negative."""
        moved: Decimal = self.after.amount - self.before.amount
        return moved

    @property
    def entered(self) -> Decimal:
        """What was entered into the ledger."""
        entered: Decimal = self.after.entered - self.before.entered
        return entered

    @property
    def drift(self) -> Decimal:
        """What the account has more than the ledger explains."""
        return self.moved + self.entered

    @property
    def reason(self) -> str:
        """The likely reason of the drift, as a sentence; "" where there is none."""
        if not self.drift:
            return ""
        if self.after.on_way or self.before.on_way:
            return _(
                "Messages were on their way at a reading: the hours around should even it out."
            )
        if self.drift > 0:
            return _(
                "Most likely a top-up, or money given back for messages whose new price was not"
                " asked for yet."
            )
        if self.after.unknown > self.before.unknown:
            return _("Most likely messages whose price is not yet known.")
        return _(
            "Charged, and not in the ledger: a sender's monthly fee, another system on the same"
            " account, or a price that was raised and not asked for yet."
        )

    @property
    def gap(self) -> bool:
        """Whether readings are missing in between."""
        return self.after.hour - self.before.hour > GAP


@dataclass(frozen=True, slots=True)
class Sample:
    """The messages of the last night that were asked for again."""

    asked: int
    differing: list[SampledStatus]


@dataclass(frozen=True, slots=True)
class Unknown:
    campaign: Campaign
    prices: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """`hours`: the newest first. `totals`: answers whose total is not the sum of their prices."""

    hours: list[Hour]
    sample: Sample
    unknown: list[Unknown]
    totals: QuerySet[Evidence]

    @property
    def drifting(self) -> list[Hour]:
        return [hour for hour in self.hours if hour.drift]

    @property
    def drift(self) -> Decimal:
        """Over all hours."""
        return sum((hour.drift for hour in self.hours), ZERO)

    @property
    def latest(self) -> BalanceReading | None:
        return self.hours[0].after if self.hours else None


def reconciliation(now: datetime | None = None) -> Reconciliation:
    """The last seven days."""
    since = (now or timezone.now()) - LOOKED_BACK
    return Reconciliation(
        hours(BalanceReading.objects.filter(hour__gte=since).order_by("hour")),
        _sample(),
        _unknown(),
        Evidence.objects.filter(what=TOTAL_DIFFERS).select_related("campaign")[:SHOWN],
    )


def hours(readings: Iterable[BalanceReading]) -> list[Hour]:
    """Each two readings in a row, of one currency, the newest first."""
    pairs = [Hour(*pair) for pair in pairwise(readings) if pair[0].currency == pair[1].currency]
    return pairs[::-1]


def _sample() -> Sample:
    last = SampledStatus.objects.order_by("-day").values_list("day", flat=True).first()
    if last is None:
        return Sample(0, [])
    found = SampledStatus.objects.filter(day=last).select_related("recipient")
    return Sample(found.count(), list(found.filter(agrees=False)[:SHOWN]))


def _unknown() -> list[Unknown]:
    """Campaigns with prices that nobody knows yet, the most first."""
    totals = LedgerTotal.objects.exclude(purpose=Purpose.REHEARSAL).order_by()
    sums = (
        totals.values_list("campaign")
        .annotate(prices=Sum("unknown"))
        .filter(prices__gt=0)
        .order_by("-prices")
    )
    counted = dict(sums[:SHOWN])
    found = Campaign.objects.in_bulk(list(counted))
    return [Unknown(found[pk], prices) for pk, prices in counted.items() if pk in found]
