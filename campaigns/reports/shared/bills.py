"""What was spent, read from the ledger's totals: per currency, never across currencies, the unknown
counted.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from campaigns.ledger.models import Channel, Kind, LedgerTotal, Purpose
from campaigns.shared.money import ZERO


@dataclass(slots=True)
class Cost:
    """An amount of one currency, split by channel. `at_send` is what Viber was to cost when it was
    sent; what people corrected by hand is in no channel.
    """

    currency: str
    viber: Decimal = ZERO
    sms: Decimal = ZERO
    fee: Decimal = ZERO
    correction: Decimal = ZERO
    at_send: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.viber + self.sms + self.fee + self.correction

    @property
    def since(self) -> Decimal:
        """What Viber prices went up or down since the send, as messages were or were not
        delivered.
        """
        return self.viber - self.at_send

    def add(self, channel: str, kind: str, amount: Decimal) -> None:
        part = Kind.CORRECTION.value if kind == Kind.CORRECTION else channel
        setattr(self, part, getattr(self, part) + amount)
        if channel == Channel.VIBER and kind == Kind.CHARGE:
            self.at_send += amount


PARTS = ("viber", "sms", "fee", "correction")  # of a cost: they add up to its total


@dataclass(slots=True)
class Bill:
    """What one thing cost: a cost a currency, and how many prices are not yet known."""

    by_currency: dict[str, Cost] = field(default_factory=dict)
    unknown: int = 0
    entries: int = 0

    def add(self, row: dict[str, Any]) -> None:
        self.entries += row["rows"]
        self.unknown += row["unpriced"]
        if currency := row["currency"]:
            cost = self.by_currency.setdefault(currency, Cost(currency))
            cost.add(row["channel"], row["kind"], row["sum"] or ZERO)

    def merge(self, other: "Bill") -> None:
        self.entries += other.entries
        self.unknown += other.unknown
        for currency, cost in other.by_currency.items():
            mine = self.by_currency.setdefault(currency, Cost(currency))
            for part in (*PARTS, "at_send"):
                setattr(mine, part, getattr(mine, part) + getattr(cost, part))

    @property
    def costs(self) -> list[Cost]:
        return [self.by_currency[currency] for currency in sorted(self.by_currency)]

    @property
    def not_yet_known(self) -> int:
        """Prices still to come. A period in which older ones were settled has none of them, not
        fewer than none.
        """
        return max(self.unknown, 0)


SUMMED = ("currency", "channel", "kind")


def bills(totals: QuerySet[LedgerTotal], *keys: str) -> dict[tuple[Any, ...], Bill]:
    """One bill for each combination of `keys` (fields, also across relations) in `totals`, by one
    query.
    """
    rows = (
        totals.order_by()
        .values(*keys, *SUMMED)
        .annotate(sum=Sum("amount"), rows=Sum("entries"), unpriced=Sum("unknown"))
    )
    found: defaultdict[tuple[Any, ...], Bill] = defaultdict(Bill)
    for row in rows:
        found[tuple(row[key] for key in keys)].add(row)
    return dict(found)


def campaign_bills(campaign_ids: Iterable[int]) -> dict[int, Bill]:
    """What each campaign has cost until now, adjustments included; by one query."""
    ids = list(campaign_ids)
    found = {
        key[0]: bill
        for key, bill in bills(LedgerTotal.objects.filter(campaign__in=ids), "campaign").items()
    }
    return {campaign_id: found.get(campaign_id) or Bill() for campaign_id in ids}


def country_bills(campaign_id: int) -> dict[str, Bill]:
    """What a campaign has cost in each country."""
    totals = LedgerTotal.objects.filter(campaign=campaign_id)
    return {key[0]: bill for key, bill in bills(totals, "country").items()}


def spent(purpose: str = Purpose.CAMPAIGN) -> QuerySet[LedgerTotal]:
    """The totals of money spent for `purpose`; the pages never mix purposes."""
    return LedgerTotal.objects.filter(purpose=purpose)
