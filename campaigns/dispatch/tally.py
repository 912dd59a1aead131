"""Count the recipients of a campaign by state, in the transaction that changes their states."""

from campaigns.dispatch.models import Tally
from campaigns.ledger.totals import PendingSums, process_shard
from campaigns.shared import bulk

STATE_KEYS = (
    "campaign_id",
    "country",
    "send_state",
    "error_code",
    "reason",
    "delivery_state",
    "status",
)
KEYS = (*STATE_KEYS, "shard")
DELTAS = ("recipients",)


class TallyChanges:
    """The changes that one transaction makes to the tally."""

    def __init__(self) -> None:
        self._sums = PendingSums()
        self._shard = process_shard()

    def add(
        self, campaign_id: int, country: str, send_state: str, *, error_code: int | None = None,
        reason: str = "", delivery_state: str = "", status: str = "", recipients: int = 1,
    ) -> None:  # fmt: skip
        """Count so many `recipients` into this state; a negative number counts them out of it."""
        key = (
            campaign_id,
            country,
            send_state,
            error_code or 0,
            reason,
            delivery_state,
            status,
            self._shard,
        )
        self._sums.add(key, recipients)

    def write(self) -> None:
        """Write the changes to the table, in the caller's transaction."""
        bulk.upsert(Tally._meta.db_table, KEYS, ", ".join(KEYS), DELTAS, self._sums.rows())
