"""What was spent, read from the ledger's totals: per currency, never across currencies, and with
the number of prices that are not known yet.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from campaigns.ledger.models import Channel, Kind, LedgerTotal, Purpose
from campaigns.shared.money import ZERO
from campaigns.team import accounts

BILL_KEYS = ("currency", "channel", "kind")
COST_PARTS = ("viber", "sms", "fee", "correction")  # they add up to the total


@dataclass(slots=True)
class Cost:
    """An amount of one currency, split by channel.

    `charged` is what Viber cost when the gateway accepted the messages. Corrections that an
    administrator entered belong to no channel.
    """

    currency: str
    viber: Decimal = ZERO
    sms: Decimal = ZERO
    fee: Decimal = ZERO
    correction: Decimal = ZERO
    charged: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.viber + self.sms + self.fee + self.correction

    @property
    def adjustment(self) -> Decimal:
        """How much Viber prices rose or fell after the charge, as messages were delivered or
        not.
        """
        return self.viber - self.charged

    def add(self, channel: str, kind: str, amount: Decimal) -> None:
        part = Kind.CORRECTION.value if kind == Kind.CORRECTION else channel
        setattr(self, part, getattr(self, part) + amount)
        if channel == Channel.VIBER and kind == Kind.CHARGE:
            self.charged += amount


@dataclass(slots=True)
class Bill:
    """What one thing cost: a cost for each currency, and how many prices are not known yet."""

    by_currency: dict[str, Cost] = field(default_factory=dict)
    unknown: int = 0
    entries: int = 0

    def add(self, row: dict[str, Any]) -> None:
        """Add a row of `load_bills`."""
        self.entries += row["rows"]
        self.unknown += row["unpriced"]
        if currency := row["currency"]:
            cost = self.by_currency.setdefault(currency, Cost(currency))
            cost.add(row["channel"], row["kind"], row["sum"] or ZERO)

    def merge(self, other: "Bill") -> None:
        self.entries += other.entries
        self.unknown += other.unknown
        for currency, cost in other.by_currency.items():
            own_cost = self.by_currency.setdefault(currency, Cost(currency))
            for part in (*COST_PARTS, "charged"):
                setattr(own_cost, part, getattr(own_cost, part) + getattr(cost, part))

    @property
    def costs(self) -> list[Cost]:
        return [self.by_currency[currency] for currency in sorted(self.by_currency)]

    @property
    def not_yet_known(self) -> int:
        """Prices still to come: 0, not fewer, for a period in which older prices were settled."""
        return max(self.unknown, 0)

    def spent(self, currency: str) -> Decimal | None:
        """The total in `currency`: 0 if there is none, None while no price at all is known."""
        if cost := self.by_currency.get(currency):
            return cost.total
        return None if self.not_yet_known and not self.by_currency else ZERO


def load_bills(totals: QuerySet[LedgerTotal], *keys: str) -> dict[tuple[Any, ...], Bill]:
    """Return one bill for each combination of `keys` in `totals`, by one query.

    `keys` are fields of the totals, also across relations; without any, the only key is ().
    """
    rows = (
        totals.order_by()
        .values(*keys, *BILL_KEYS)
        .annotate(sum=Sum("amount"), rows=Sum("entries"), unpriced=Sum("unknown"))
    )
    bills: defaultdict[tuple[Any, ...], Bill] = defaultdict(Bill)
    for row in rows:
        bills[tuple(row[key] for key in keys)].add(row)
    return dict(bills)


def load_campaign_bills(campaign_ids: Iterable[int]) -> dict[int, Bill]:
    """Return what each campaign has cost so far, adjustments included; one query."""
    ids = list(campaign_ids)
    bills = load_bills(LedgerTotal.objects.filter(campaign__in=ids), "campaign")
    return {campaign_id: bills.get((campaign_id,)) or Bill() for campaign_id in ids}


def load_country_bills(campaign_id: int) -> dict[str, Bill]:
    """Return what a campaign has cost in each country, by the country's code."""
    totals = LedgerTotal.objects.filter(campaign=campaign_id)
    return {country: bill for (country,), bill in load_bills(totals, "country").items()}


def totals_for(purpose: str = Purpose.CAMPAIGN) -> QuerySet[LedgerTotal]:
    """Return the totals of one purpose and of the account in use; no page adds up several."""
    return LedgerTotal.objects.filter(accounts.cached().money(), purpose=purpose)
