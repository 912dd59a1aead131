"""The only way into the ledger: entries and their totals, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from campaigns.bulk import append, upsert
from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal, Purpose
from campaigns.ledger.money import to_units
from campaigns.ledger.totals import Sums, shard

COLUMNS = (
    "at", "day", "kind", "channel", "purpose", "campaign_id", "recipient_id", "country", "currency", "amount",
    "settles", "note",
)  # fmt: skip
TOTAL_KEYS = ("day", "campaign_id", "purpose", "channel", "kind", "country", "currency", "shard")
TOTAL_CONFLICT = "day, COALESCE(campaign_id, 0), purpose, channel, kind, country, currency, shard"
TOTAL_DELTAS = ("amount", "entries", "unknown")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of money, before it is entered. `amount` None: the price is not yet known."""

    kind: Kind
    channel: Channel
    campaign_id: int | None
    recipient_id: int | None
    country: str
    currency: str
    amount: Decimal | None
    purpose: Purpose = Purpose.CAMPAIGN
    settles: bool = False
    note: str = ""


def enter(movements: Sequence[Movement], at: datetime) -> None:
    """Write `movements` as entries of the moment `at` and add them to the totals. Call it in a transaction.

    Raises IntegrityError on a second charge of the same recipient and channel, InexactAmountError on more than seven
    decimals.
    """
    if not movements:
        return
    day = at.astimezone(settings.SITE_ZONE).date()
    own_shard = shard()
    sums = Sums()
    rows = []
    for m in movements:
        units = None if m.amount is None else to_units(m.amount)
        rows.append((
            at, day, m.kind.value, m.channel.value, m.purpose.value, m.campaign_id, m.recipient_id, m.country,
            m.currency, units, m.settles, m.note,
        ))  # fmt: skip
        key = (day, m.campaign_id, m.purpose.value, m.channel.value, m.kind.value, m.country, m.currency, own_shard)
        sums.add(key, units or 0, 1, (units is None) - m.settles)
    append(LedgerEntry._meta.db_table, COLUMNS, rows)
    upsert(LedgerTotal._meta.db_table, TOTAL_KEYS, TOTAL_CONFLICT, TOTAL_DELTAS, sums.rows())
