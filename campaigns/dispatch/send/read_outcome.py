"""Make the outcome of a batch of what came back from the threads that post.

An answer is interpreted by itself (interpret_answer). What several answers in a row mean is counted
here: that the gateway is down, or that it understands no request of a campaign.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from campaigns.compose.launch import pause_reasons
from campaigns.dispatch.models import SendState, Tally
from campaigns.dispatch.send.batch_builder import BatchBuilder, PreparedBatch
from campaigns.dispatch.send.interpret_answer import (
    MISUNDERSTOOD_ATTEMPTS,
    Interpretation,
    NextStep,
    interpret,
)
from campaigns.dispatch.send.record_outcomes import BatchOutcome
from campaigns.gateway.errors import NO_SUCH_FUNCTION
from campaigns.gateway.types import SendAnswer, Unknown

GATEWAY_DOWN_AFTER = 5  # requests in a row with an unknown outcome, until all workers wait


@dataclass(frozen=True, slots=True)
class PostResult:
    """A batch that came back from the pool. `answer` None: it was not sent."""

    batch: PreparedBatch
    sent_at: datetime
    answer: SendAnswer | None


class OutcomeReader:
    """Reads the results of one run of sending, in the order in which they arrive.

    `gateway_was_down`: one unknown outcome is enough to call it down again.
    """

    def __init__(self, *, gateway_was_down: bool) -> None:
        self._unknown_in_a_row = GATEWAY_DOWN_AFTER - 1 if gateway_was_down else 0
        # Requests in a row that the gateway did not understand, by campaign.
        self._misunderstood: Counter[int] = Counter()

    def read(self, result: PostResult, builder: BatchBuilder) -> BatchOutcome:
        """The outcome of a batch that `builder` built."""
        batch, answer = result.batch, result.answer
        interpretation = self._interpret(batch, answer)
        interpretation.not_accepted.update(batch.not_accepted)
        return BatchOutcome(
            batch.claim, batch.ids, interpretation, result.sent_at, builder.purpose,
            summary=interpretation.summary or _summarize(answer),
            http_status=answer.http_status if answer else None, body=answer.body if answer else "",
        )  # fmt: skip

    def _interpret(self, batch: PreparedBatch, answer: SendAnswer | None) -> Interpretation:
        if batch.request is None:
            return Interpretation(may_have_been_sent=False)
        if answer is None:
            return Interpretation(next_step=NextStep.AGAIN, may_have_been_sent=False)
        interpretation = interpret(
            answer,
            batch.claim.attempts,
            is_recipients_fault=_is_recipients_fault(batch, answer),
        )
        self._count_misunderstood(batch.claim.campaign_id, interpretation)
        all_unknown = all(isinstance(verdict, Unknown) for verdict in answer.verdicts.values())
        self._unknown_in_a_row = self._unknown_in_a_row + 1 if all_unknown else 0
        if self._unknown_in_a_row >= GATEWAY_DOWN_AFTER:
            interpretation.has_failed = True
        return interpretation

    def _count_misunderstood(self, campaign_id: int, interpretation: Interpretation) -> None:
        """Pause a campaign after a few requests in a row that the gateway did not understand."""
        if interpretation.accepted:
            self._misunderstood[campaign_id] = 0
        elif code := interpretation.not_understood:
            self._misunderstood[campaign_id] += 1
            if self._misunderstood[campaign_id] >= MISUNDERSTOOD_ATTEMPTS:
                interpretation.pause_reason = pause_reasons.error_reason_key(code)


def _is_recipients_fault(batch: PreparedBatch, answer: SendAnswer) -> bool:
    """Whether a refused request with one recipient is refused because of that recipient.

    It is if it was refused a few times and the gateway accepts others of the campaign. An address
    that the gateway does not know is nobody's fault.
    """
    refusal = answer.refused_whole
    if refusal is None or refusal.code == NO_SUCH_FUNCTION or len(answer.verdicts) > 1:
        return False
    if batch.claim.attempts < MISUNDERSTOOD_ATTEMPTS:
        return False
    accepted = Tally.objects.filter(
        campaign_id=batch.claim.campaign_id, send_state=SendState.ACCEPTED, recipients__gt=0
    )
    return accepted.exists()


def _summarize(answer: SendAnswer | None) -> str:
    """One line about an answer, for the evidence."""
    if answer is None:
        return ""
    if answer.refused_whole:
        return f"Refused: {answer.refused_whole.code} {answer.refused_whole.description}"
    if answer.not_sent:
        return "The gateway could not be reached"
    unknown = next(
        (verdict.why for verdict in answer.verdicts.values() if isinstance(verdict, Unknown)), ""
    )
    return unknown or "Some recipients were refused"
