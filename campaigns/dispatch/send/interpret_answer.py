"""What an answer of the gateway means for each recipient, for the batch, for the campaign and for
everybody's pace.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import NamedTuple, cast

from campaigns.compose.launch import pause_reasons
from campaigns.dispatch.models import SendState
from campaigns.gateway.errors import Call, meaning
from campaigns.gateway.types import Accepted, Refused, SendAnswer, Verdict

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)
TOTAL_DIFFERS = "The answer's total is not the sum of its prices"
TROUBLE_AFTER = 12  # attempts that ended in an error of the gateway's own; about half an hour


class Next(Enum):
    """Where a batch goes when its answer is judged."""

    DONE = "done"  # nobody in it is queued any more
    AGAIN = "again"  # READY: whoever is still queued was surely not accepted
    ASK = "ask"  # AMBIGUOUS: somebody may have been accepted


class Ending(NamedTuple):
    """How it ended for a recipient who was not accepted."""

    state: SendState
    error_code: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Judgement:
    """Recipients by reference: whoever is neither accepted nor ended stays QUEUED."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    ended: dict[str, Ending] = field(default_factory=dict)
    next: Next = Next.DONE
    left: bool = True  # whether a request may have reached the gateway
    pause: str = ""  # pause the campaign for this reason, a key of lifecycle's
    slow_down: bool = False
    wait: timedelta | None = None  # before the batch is tried again
    notable: bool = False  # the answer is kept as evidence
    what: str = ""  # why, where the answer itself does not say it


def judge(answer: SendAnswer, attempts: int) -> Judgement:
    """What `answer` to the `attempts`-th request of a batch means."""
    judgement = Judgement()
    if answer.not_sent:
        return Judgement(next=Next.AGAIN, left=False, slow_down=True, notable=True)
    if set(map(type, answer.verdicts.values())) == {Accepted}:  # as nearly always
        return _with_total(Judgement(accepted=cast(dict[str, Accepted], answer.verdicts)), answer)
    for reference, verdict in answer.verdicts.items():
        _judge_one(reference, verdict, judgement)
    judgement.slow_down = judgement.slow_down or answer.throttled
    if judgement.next is not Next.DONE:
        judgement.wait = wait_after(attempts, answer.retry_after) if judgement.slow_down else None
        judgement.notable = True
    if judgement.next is Next.AGAIN and attempts >= TROUBLE_AFTER:
        judgement.pause = judgement.pause or "gateway_trouble"
    return _with_total(judgement, answer)


def _with_total(judgement: Judgement, answer: SendAnswer) -> Judgement:
    """Keep the answer where its `total_price` is not the sum of the prices in it: nobody knows
    which one is billed.
    """
    prices = [verdict.price for verdict in judgement.accepted.values()]
    if (
        answer.total_price is not None
        and prices
        and None not in prices
        and sum(prices) != answer.total_price  # type: ignore[arg-type]
    ):
        judgement.notable, judgement.what = True, TOTAL_DIFFERS
    return judgement


def wait_after(attempts: int, asked_for: float | None = None) -> timedelta:
    """How long a batch rests after its `attempts`-th failure: doubling, or as long as the gateway
    asked for.
    """
    if asked_for is not None:
        return min(timedelta(seconds=asked_for), LONGEST_WAIT)
    doublings: int = 2 ** min(max(attempts, 1) - 1, 10)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT)


def _judge_one(reference: str, verdict: Verdict, judgement: Judgement) -> None:
    if isinstance(verdict, Accepted):
        judgement.accepted[reference] = verdict
    elif isinstance(verdict, Refused):
        _judge_refusal(reference, verdict.code, judgement)
    else:
        judgement.next = Next.ASK


def _judge_refusal(reference: str, code: int, judgement: Judgement) -> None:
    call = meaning(code).call
    if call is Call.ACCEPTED_BEFORE:
        judgement.next = Next.ASK
    elif call in (Call.PAUSE_CAMPAIGN, Call.SLOW_DOWN, Call.RETRY_LATER, Call.NOT_FOUND):
        judgement.next = judgement.next if judgement.next is Next.ASK else Next.AGAIN
        judgement.pause = (
            pause_reasons.error_reason_key(code) if call is Call.PAUSE_CAMPAIGN else judgement.pause
        )
        judgement.slow_down = judgement.slow_down or call in (Call.SLOW_DOWN, Call.RETRY_LATER)
    else:
        judgement.ended[reference] = Ending(SendState.REFUSED, error_code=code)
        judgement.notable = judgement.notable or call is Call.DEFECT
