"""The only way into the ledger: entries and their totals, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal, Purpose
from campaigns.ledger.totals import Sums, shard
from campaigns.shared import bulk
from campaigns.shared.money import to_units

TOTAL_KEYS = ("day", "campaign_id", "purpose", "channel", "kind", "country", "currency", "shard")
TOTAL_CONFLICT = "day, COALESCE(campaign_id, 0), purpose, channel, kind, country, currency, shard"
TOTAL_DELTAS = ("amount", "entries", "unknown")
Amounts = Sequence[tuple[int | None, Decimal | None]]


@dataclass(frozen=True, slots=True)
class Movement:
    """The same movement of money for some recipients, before it is entered: an entry for each of
    `amounts`.

    `amounts` are recipient and amount; amount None: the price is not yet known. `settles`: brings a
    price that was not.
    """

    kind: Kind
    channel: Channel
    campaign_id: int | None
    country: str
    currency: str
    amounts: Amounts
    purpose: Purpose = Purpose.CAMPAIGN
    settles: bool = False
    note: str = ""


def enter(movements: Sequence[Movement], at: datetime) -> None:
    """Write `movements` as entries of the moment `at` and add them to the totals. Call it in a
    transaction.

    Raises IntegrityError on a second charge of the same recipient and channel, InexactAmountError
    on more than seven decimals.
    """
    day = at.astimezone(settings.SITE_ZONE).date()
    sums = Sums()
    for one in movements:
        rows = [
            (recipient, None if amount is None else to_units(amount))
            for recipient, amount in one.amounts
        ]
        if not rows:
            continue
        constants = {
            "at": at, "day": day, "kind": one.kind.value, "channel": one.channel.value,
            "purpose": one.purpose.value, "campaign_id": one.campaign_id, "country": one.country,
            "currency": one.currency, "settles": one.settles, "note": one.note,
        }  # fmt: skip
        bulk.insert(
            LedgerEntry._meta.db_table,
            constants,
            {"recipient_id": "bigint", "amount": "bigint"},
            rows,
        )
        known = [units for _recipient, units in rows if units is not None]
        key = (
            day,
            one.campaign_id,
            one.purpose.value,
            one.channel.value,
            one.kind.value,
            one.country,
            one.currency,
        )
        unknown = len(rows) - len(known) - one.settles * len(rows)
        sums.add((*key, shard()), sum(known), len(rows), unknown)
    bulk.upsert(LedgerTotal._meta.db_table, TOTAL_KEYS, TOTAL_CONFLICT, TOTAL_DELTAS, sums.rows())
