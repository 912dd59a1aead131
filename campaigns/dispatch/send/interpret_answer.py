"""Interpret the gateway's answer to a batch: step four of claim, intent, send, interpret, record.

Every recipient of the request has a verdict. An accepted one is done. A refusal that concerns the
recipient is final. A refusal that concerns the account or the gateway leaves the recipient queued:
the batch is sent again later, perhaps after a pause of the campaign or at a lower rate. An unknown
verdict means that the gateway may have accepted the message: the batch becomes AMBIGUOUS, and
resolve_unknown asks for it before anything is sent again.

What each error code asks for is in campaigns.gateway.errors; see docs/gateway-contract.md.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import NamedTuple, cast

from campaigns.compose.launch import pause_reasons
from campaigns.dispatch.models import SendState
from campaigns.gateway.errors import Reaction, error_meaning
from campaigns.gateway.types import Accepted, Refusal, SendAnswer, Verdict

FIRST_DELAY = timedelta(seconds=5)
MAX_DELAY = timedelta(minutes=5)
TOTAL_DIFFERS = "The answer's total is not the sum of its prices"
GIVE_UP_AFTER_ATTEMPTS = 12  # requests answered by an error of the gateway; about half an hour


class NextStep(Enum):
    """What happens to a batch after its answer was interpreted."""

    DONE = "done"  # nobody in it is queued any more
    AGAIN = "again"  # READY: whoever is still queued was certainly not accepted
    ASK = "ask"  # AMBIGUOUS: somebody may have been accepted


class NotAccepted(NamedTuple):
    """The final state of a recipient whose message was not accepted, and why."""

    state: SendState
    error_code: int | None = None
    reason: str = ""


@dataclass(slots=True)
class Interpretation:
    """What an answer means for a batch and its recipients.

    Recipients are keyed by reference. Whoever is in neither `accepted` nor `not_accepted` stays
    QUEUED.
    """

    accepted: dict[str, Accepted] = field(default_factory=dict)
    not_accepted: dict[str, NotAccepted] = field(default_factory=dict)
    next_step: NextStep = NextStep.DONE
    may_have_been_sent: bool = True  # whether the request may have reached the gateway
    pause_reason: str = ""  # pause the campaign for this reason, a key of lifecycle's
    slow_down: bool = False
    delay: timedelta | None = None  # before the batch is tried again
    keep_answer: bool = False  # save the answer as Evidence
    summary: str = ""  # why, where the answer itself does not say it


def interpret(answer: SendAnswer, attempts: int) -> Interpretation:
    """Interpret `answer` to the `attempts`-th request of a batch."""
    result = Interpretation()
    if answer.not_sent:
        return Interpretation(
            next_step=NextStep.AGAIN, may_have_been_sent=False, slow_down=True, keep_answer=True
        )
    if set(map(type, answer.verdicts.values())) == {Accepted}:  # nearly always
        return _check_total(
            Interpretation(accepted=cast(dict[str, Accepted], answer.verdicts)), answer
        )
    for reference, verdict in answer.verdicts.items():
        _interpret_verdict(reference, verdict, result)
    result.slow_down = result.slow_down or answer.throttled
    if result.next_step is not NextStep.DONE:
        result.delay = delay_after(attempts, answer.retry_after) if result.slow_down else None
        result.keep_answer = True
    if result.next_step is NextStep.AGAIN and attempts >= GIVE_UP_AFTER_ATTEMPTS:
        result.pause_reason = result.pause_reason or "gateway_trouble"
    return _check_total(result, answer)


def _check_total(result: Interpretation, answer: SendAnswer) -> Interpretation:
    """Keep the answer if its total is not the sum of its prices: either may be billed."""
    prices = [verdict.price for verdict in result.accepted.values()]
    if (
        answer.total_price is not None
        and prices
        and None not in prices
        and sum(prices) != answer.total_price  # type: ignore[arg-type]
    ):
        result.keep_answer, result.summary = True, TOTAL_DIFFERS
    return result


def delay_after(attempts: int, requested: float | None = None) -> timedelta:
    """How long to wait after the `attempts`-th failure of a batch: doubling, up to MAX_DELAY.

    `requested`: the seconds that the gateway asked for, which take precedence.
    """
    if requested is not None:
        return min(timedelta(seconds=requested), MAX_DELAY)
    doublings: int = 2 ** min(max(attempts, 1) - 1, 10)
    return min(FIRST_DELAY * doublings, MAX_DELAY)


def _interpret_verdict(reference: str, verdict: Verdict, result: Interpretation) -> None:
    if isinstance(verdict, Accepted):
        result.accepted[reference] = verdict
    elif isinstance(verdict, Refusal):
        _interpret_refusal(reference, verdict.code, result)
    else:
        result.next_step = NextStep.ASK


def _interpret_refusal(reference: str, code: int, result: Interpretation) -> None:
    reaction = error_meaning(code).reaction
    if reaction is Reaction.ACCEPTED_BEFORE:
        result.next_step = NextStep.ASK
    elif reaction in (
        Reaction.PAUSE_CAMPAIGN,
        Reaction.SLOW_DOWN,
        Reaction.RETRY_LATER,
        Reaction.NOT_FOUND,
    ):
        result.next_step = result.next_step if result.next_step is NextStep.ASK else NextStep.AGAIN
        result.pause_reason = (
            pause_reasons.error_reason_key(code)
            if reaction is Reaction.PAUSE_CAMPAIGN
            else result.pause_reason
        )
        result.slow_down = result.slow_down or reaction in (
            Reaction.SLOW_DOWN,
            Reaction.RETRY_LATER,
        )
    else:
        result.not_accepted[reference] = NotAccepted(SendState.REFUSED, error_code=code)
        result.keep_answer = result.keep_answer or reaction is Reaction.DEFECT
