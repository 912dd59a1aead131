"""Interpret the gateway's answer to a batch: step four of claim, intent, send, interpret, record.

Every recipient of the request has a verdict:

- Accepted: done.
- A refusal that concerns the recipient is final.
- A refusal that concerns the account, the gateway or the address of the gateway leaves everybody
  queued: the batch is sent again later, perhaps after a pause of the campaign or at a lower rate.
- An error that says nothing (5), a reference that exists already (43) or no verdict: the gateway
  may have accepted the message. The batch becomes AMBIGUOUS, and resolve_unknown asks for it before
  anything is sent again.

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
# Requests in a row that the gateway did not understand, for everybody in them: then the address or
# ViberDash is wrong, and the campaign pauses.
MISUNDERSTOOD_ATTEMPTS = 3
# Requests of a batch whose answers named an error that says nothing for single recipients. With the
# waits between them that takes some minutes; then these recipients are refused.
ENTRY_TRIES = 5


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
    known_before: list[str] = field(default_factory=list)  # refused with error 43
    next_step: NextStep = NextStep.DONE
    may_have_been_sent: bool = True  # whether the request may have reached the gateway
    pause_reason: str = ""  # pause the campaign for this reason, a key of lifecycle's
    slow_down: bool = False
    has_entry_error: bool = False  # an error that says nothing, for single recipients
    not_understood: int | None = None  # the code with which everybody was refused by mistake
    delay: timedelta | None = None  # before the batch is tried again
    keep_answer: bool = False  # save the answer as Evidence
    is_rounded: bool = False  # a price was rounded
    summary: str = ""  # why, where the answer itself does not say it


def interpret(
    answer: SendAnswer, attempts: int, *, is_recipients_fault: bool = False
) -> Interpretation:
    """Interpret `answer` to the `attempts`-th request of a batch.

    `is_recipients_fault`: a refusal of the whole request concerns its recipients, since the gateway
    accepts others.
    """
    result = Interpretation(is_rounded=answer.rounded)
    if answer.not_sent:
        return Interpretation(
            next_step=NextStep.AGAIN, may_have_been_sent=False, slow_down=True, keep_answer=True
        )
    if set(map(type, answer.verdicts.values())) == {Accepted}:  # nearly always
        return _check_total(
            Interpretation(
                accepted=cast(dict[str, Accepted], answer.verdicts), is_rounded=answer.rounded
            ),
            answer,
        )
    for_everybody = _is_for_everybody(answer) and not is_recipients_fault
    for reference, verdict in answer.verdicts.items():
        _interpret_verdict(reference, verdict, for_everybody, result)
    result.slow_down = result.slow_down or answer.throttled
    if result.next_step is not NextStep.DONE:
        if result.slow_down or result.has_entry_error or result.not_understood:
            result.delay = delay_after(attempts, answer.retry_after)
        result.keep_answer = True
    if result.not_understood and attempts >= MISUNDERSTOOD_ATTEMPTS:
        result.pause_reason = pause_reasons.error_reason_key(result.not_understood)
    if (
        result.next_step is NextStep.AGAIN
        and not result.accepted
        and attempts >= GIVE_UP_AFTER_ATTEMPTS
    ):
        result.pause_reason = result.pause_reason or "gateway_trouble"
    return _check_total(result, answer)


def _is_for_everybody(answer: SendAnswer) -> bool:
    """Whether a refusal concerns the request and not single recipients of it."""
    verdicts = set(answer.verdicts.values())
    return answer.refused_whole is not None or (
        len(answer.verdicts) > 1
        and all(isinstance(verdict, Refusal) for verdict in verdicts)
        and len({cast(Refusal, verdict).code for verdict in verdicts}) == 1
    )


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


def _interpret_verdict(
    reference: str, verdict: Verdict, for_everybody: bool, result: Interpretation
) -> None:
    if isinstance(verdict, Accepted):
        result.accepted[reference] = verdict
    elif isinstance(verdict, Refusal):
        _interpret_refusal(reference, verdict.code, for_everybody, result)
    else:
        result.next_step = NextStep.ASK


def _interpret_refusal(
    reference: str, code: int, for_everybody: bool, result: Interpretation
) -> None:
    reaction = error_meaning(code).reaction
    if reaction is Reaction.ACCEPTED_BEFORE:
        result.next_step = NextStep.ASK
        result.known_before.append(reference)
    elif reaction in (Reaction.RETRY_LATER, Reaction.NOT_FOUND):
        result.next_step = NextStep.ASK
        if for_everybody:
            result.slow_down = True
        else:
            result.has_entry_error = True
    elif reaction in (Reaction.PAUSE_CAMPAIGN, Reaction.SLOW_DOWN):
        _try_again(result)
        if reaction is Reaction.PAUSE_CAMPAIGN:
            result.pause_reason = pause_reasons.error_reason_key(code)
        else:
            result.slow_down = True
    elif reaction is Reaction.DEFECT and for_everybody:
        _try_again(result)
        result.not_understood = code
    else:
        result.not_accepted[reference] = NotAccepted(SendState.REFUSED, error_code=code)
        result.keep_answer = result.keep_answer or reaction is Reaction.DEFECT


def _try_again(result: Interpretation) -> None:
    if result.next_step is not NextStep.ASK:
        result.next_step = NextStep.AGAIN
