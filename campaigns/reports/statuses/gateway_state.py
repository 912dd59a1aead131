"""Whether the gateway answers, by what was recorded about it: nothing is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from campaigns.dispatch.models import AccountRate
from campaigns.gateway.balance import CachedBalance, cached_balance
from campaigns.gateway.errors import Reaction, error_meaning
from campaigns.ledger.models import BalanceReading
from campaigns.team import accounts

READING_DUE = timedelta(minutes=5)  # the hour's balance is read in its first minutes
NOTED_LATE = timedelta(seconds=30)  # so late may be what is recorded about accepted messages


@dataclass(frozen=True, slots=True)
class GatewayState:
    """`answers` None: not known. `last_answer`: of which a record is left. `next_try`: while it
    does not answer, when workers try again. `refusal`: the error with which it refuses the key or
    the account, 0 for none.
    """

    answers: bool | None
    last_answer: datetime | None
    next_try: datetime | None = None
    refusal: int = 0

    @property
    def text(self) -> str:
        if self.last_answer is None:
            return "no answer recorded yet"
        at = f"{self.last_answer:%Y-%m-%d %H:%M} UTC"
        return f"last answer {at}" if self.answers else f"no answer since {at}"


def load_gateway_state(now: datetime) -> GatewayState:
    """What workers recorded: the hourly balance, and the sends of the account in use; and what the
    pages heard when they last asked for the balance. Two queries.

    Without workers nothing is recorded, and the gateway counts as not answering after an hour.
    """
    known = accounts.cached()
    account = known.shown
    rate = AccountRate.objects.filter(pk=account.pk).first() if account else None
    readings = BalanceReading.objects.filter(known.is_shown()).order_by("-hour")
    read_at = readings.values_list("at", flat=True).first()
    accepted_at = rate.success_at if rate else None
    heard = _HeardByPages.of(cached_balance(), accepted_at)
    last = max(filter(None, [read_at, accepted_at, heard.answered_at]), default=None)
    next_try = rate.until if rate and rate.failures else None
    if last is None:
        answers = False if heard.is_silent or (rate and rate.failures) else None
        return GatewayState(answers, None, next_try)
    hour = now.replace(minute=0, second=0, microsecond=0)
    is_fresh = last >= hour or now - hour < READING_DUE
    is_silent = heard.is_silent or bool(rate and rate.failures)
    return GatewayState(is_fresh and not is_silent, last, next_try, heard.refusal)


@dataclass(frozen=True, slots=True)
class _HeardByPages:
    """What an answer about the balance says, or that there was none. Messages that were accepted
    since say more.
    """

    answered_at: datetime | None = None
    is_silent: bool = False
    refusal: int = 0

    @classmethod
    def of(cls, reading: CachedBalance | None, accepted_at: datetime | None) -> "_HeardByPages":
        if reading is None:
            return cls()
        at = datetime.fromtimestamp(reading.at, UTC)
        is_outdated = accepted_at is not None and accepted_at > at - NOTED_LATE
        if reading.is_silent:
            return cls(is_silent=not is_outdated)
        if reading.balance is None and not reading.code:
            return cls()
        pauses = error_meaning(reading.code).reaction is Reaction.PAUSE_CAMPAIGN
        is_refused = bool(reading.code) and pauses and not is_outdated
        return cls(at, refusal=reading.code if is_refused else 0)
