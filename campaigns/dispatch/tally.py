"""Counting without scanning: how many recipients of a campaign stand where."""

from campaigns.dispatch.models import Tally
from campaigns.ledger.totals import Sums, shard
from campaigns.shared import bulk

KEYS = (
    "campaign_id",
    "country",
    "send_state",
    "error_code",
    "reason",
    "delivery_state",
    "status",
    "shard",
)
DELTAS = ("recipients",)


class Moves:
    """Recipients that came to a state, or left it, in one transaction."""

    def __init__(self) -> None:
        self._sums = Sums()
        self._shard = shard()

    def arrive(
        self, campaign_id: int, country: str, send_state: str, *, error_code: int | None = None,
        reason: str = "", delivery_state: str = "", status: str = "", people: int = 1,
    ) -> None:  # fmt: skip
        """`people` recipients are in this state now; a negative number have left it."""
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
        self._sums.add(key, people)

    def write(self) -> None:
        """Add them to the tally, in the caller's transaction."""
        bulk.upsert(Tally._meta.db_table, KEYS, ", ".join(KEYS), DELTAS, self._sums.rows())
