"""Write ledger entries and their totals; there is no other way to add entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from campaigns.ledger.models import Channel, Kind, LedgerEntry, LedgerTotal, Purpose
from campaigns.ledger.totals import PendingSums, process_shard
from campaigns.shared import bulk
from campaigns.shared.days import site_day
from campaigns.shared.money import to_units

MONEY_KEYS = (
    "day", "campaign_id", "purpose", "channel", "kind", "country", "currency", "account_id",
)  # fmt: skip
TOTAL_KEYS = (*MONEY_KEYS, "shard")
TOTAL_CONFLICT = "day, COALESCE(campaign_id, 0), purpose, channel, kind, country, currency, shard"
TOTAL_DELTAS = ("amount", "entries", "unknown")
Amounts = Sequence[tuple[int | None, Decimal | None]]  # recipient id and amount


@dataclass(frozen=True, slots=True)
class Movement:
    """A charge or change for some recipients: one entry for each of `amounts`.

    An amount of None is a price that is not yet known. `settles`: the movement brings a price that
    an earlier entry did not know. `account_id`: whose money it is, if it has no campaign and is not
    the first account's.
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
    account_id: int | None = None


def write_entries(movements: Sequence[Movement], at: datetime) -> None:
    """Write `movements` as entries at the moment `at`, and add them to the totals.

    Call it in a transaction. Raises IntegrityError on a second charge of the same recipient and
    channel, InexactAmountError on more than seven decimals.
    """
    day = site_day(at)
    sums = PendingSums()
    for movement in movements:
        rows = [
            (recipient, None if amount is None else to_units(amount))
            for recipient, amount in movement.amounts
        ]
        if not rows:
            continue
        constants = {
            "at": at, "day": day, "kind": movement.kind.value, "channel": movement.channel.value,
            "purpose": movement.purpose.value, "campaign_id": movement.campaign_id,
            "country": movement.country, "currency": movement.currency,
            "settles": movement.settles, "note": movement.note, "account_id": movement.account_id,
        }  # fmt: skip
        bulk.insert(
            LedgerEntry._meta.db_table,
            constants,
            {"recipient_id": "bigint", "amount": "bigint"},
            rows,
        )
        known = [units for _recipient, units in rows if units is not None]
        key = tuple(constants[name] for name in MONEY_KEYS)
        unknown = len(rows) - len(known) - movement.settles * len(rows)
        sums.add((*key, process_shard(movement.account_id)), sum(known), len(rows), unknown)
    bulk.upsert(LedgerTotal._meta.db_table, TOTAL_KEYS, TOTAL_CONFLICT, TOTAL_DELTAS, sums.rows())
