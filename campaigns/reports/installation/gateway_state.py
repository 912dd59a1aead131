"""Whether the gateway answers, by what was recorded about it: nothing is asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.dispatch.models import AccountRate
from campaigns.ledger.models import BalanceReading
from campaigns.team import accounts

READING_DUE = timedelta(minutes=5)  # the hour's balance is read in its first minutes


@dataclass(frozen=True, slots=True)
class GatewayState:
    """`answers` None: not known. `last_answer`: of which a record is left."""

    answers: bool | None
    last_answer: datetime | None

    @property
    def text(self) -> str:
        if self.last_answer is None:
            return "no answer recorded yet"
        at = f"{self.last_answer:%Y-%m-%d %H:%M} UTC"
        return f"last answer {at}" if self.answers else f"no answer since {at}"


def load_gateway_state(now: datetime) -> GatewayState:
    """What workers recorded: the hourly balance, and the sends of the account in use.

    Without workers nothing is recorded, and the gateway counts as not answering after an hour.
    """
    known = accounts.cached()
    account = known.shown
    rate = AccountRate.objects.filter(pk=account.pk).first() if account else None
    readings = BalanceReading.objects.filter(known.is_shown()).order_by("-hour")
    read_at = readings.values_list("at", flat=True).first()
    accepted_at = rate.success_at if rate else None
    last = max(filter(None, [read_at, accepted_at]), default=None)
    if last is None:
        return GatewayState(None, None)
    hour = now.replace(minute=0, second=0, microsecond=0)
    is_fresh = last >= hour or now - hour < READING_DUE
    return GatewayState(is_fresh and not (rate and rate.failures), last)
