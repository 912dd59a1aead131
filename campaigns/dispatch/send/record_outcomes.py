"""Record the outcomes of batches: the last step of claim, intent, send, interpret, record.

One transaction writes everything that an answer means: the recipients' final states, the charges
in the ledger, the counts, the batches' next states, pauses and the send rate. Batches move first,
by an UPDATE that names the expected state and token: a batch whose lease has meanwhile gone to
another worker does not move, and nothing of its outcome is written. No outcome is recorded twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection

from campaigns.compose.launch.pause_reasons import Pause
from campaigns.dispatch import evidence, message_changes
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import pause_for_currency
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.message_changes import MessageChange
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.account_rate import Answers
from campaigns.dispatch.send.interpret_answer import Interpretation, NextStep, NotAccepted
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.tally import TallyChanges
from campaigns.gateway.errors import REFERENCE_EXISTS
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, Purpose
from campaigns.shared import bulk
from campaigns.shared.money import to_units

RECIPIENT_TABLE = Recipient._meta.db_table
COUNTERS = ("attempts", "entry_errors")  # columns of a batch
STATE_AFTER = {
    NextStep.DONE: BatchState.DONE,
    NextStep.AGAIN: BatchState.READY,
    NextStep.ASK: BatchState.AMBIGUOUS,
}


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The interpreted answer to one batch, and what is needed to record it."""

    claim: Claim
    ids: dict[str, int]  # reference -> recipient id
    interpretation: Interpretation
    sent_at: datetime
    purpose: Purpose = Purpose.CAMPAIGN
    # For the evidence.
    summary: str = ""
    http_status: int | None = None
    body: str = ""


def write_outcomes(
    outcomes: Sequence[BatchOutcome],
    token: str,
    now: datetime,
    state: BatchState = BatchState.SENDING,
) -> list[Pause]:
    """Record the `outcomes` of batches that are still in `state` under `token`; skip the others.

    Call it in a transaction: everything is recorded or nothing. `now` is the database's time.
    Returns the pauses that the caller makes in this transaction, after it has locked the budgets
    that it needs: see LockedBudgets.
    """
    moved = _update_batches(outcomes, token, state, now)
    ours = [outcome for outcome in outcomes if outcome.claim.id in moved]
    failpoint("close_batches")
    _update_recipients(ours, is_after_question=state is BatchState.AMBIGUOUS)
    _mark_known_before(ours)
    holds.recompute([batch_id for batch_id, currency in moved.items() if currency])
    failpoint("close_recipients")
    write_entries(_charge_movements(ours), now)
    failpoint("close_ledger")
    _update_tally(ours)
    message_changes.record(_message_changes(ours))
    _save_evidence(ours)
    if state is BatchState.SENDING:
        _learn_rate(ours, now)
    failpoint("close_counts")
    return [*_pauses(ours), *_currency_pauses(ours, moved)]


def settle_unresolved(outcome: BatchOutcome, now: datetime) -> None:
    """UNRESOLVED -> ACCEPTED for whom the gateway knows after all; call it in a transaction.

    Raises RuntimeError if one of them is no longer unresolved.
    """
    accepted = outcome.interpretation.accepted
    claim, country = outcome.claim, outcome.claim.country
    _update_accepted([outcome], SendState.UNRESOLVED, {"error_code": None, "reason": ""})
    holds.recompute([claim.id])
    write_entries(_charge_movements([outcome]), now)
    changes = TallyChanges()
    changes.add(claim.campaign_id, country, SendState.ACCEPTED.value, recipients=len(accepted))
    changes.add(
        claim.campaign_id, country, SendState.UNRESOLVED.value,
        reason="unresolved", recipients=-len(accepted),
    )  # fmt: skip
    changes.write()
    message_changes.record(_message_changes([outcome], SendState.UNRESOLVED))


def _update_batches(
    outcomes: Sequence[BatchOutcome], token: str, state: BatchState, now: datetime
) -> dict[int, str]:
    """Move SENDING (or AMBIGUOUS) batches to their next state.

    Returns the ids of those moved, each with the currency in which a budget limits it, or "".
    """
    groups: defaultdict[BatchChange, list[int]] = defaultdict(list)
    for outcome in outcomes:
        result = outcome.interpretation
        change = BatchChange(
            result.next_step, result.may_have_been_sent, result.has_entry_error, result.delay
        )
        groups[change].append(outcome.claim.id)
    moved: dict[int, str] = {}
    for change, ids in groups.items():
        changes = _batch_changes(change, state, now)
        moved |= _update_batch_group(ids, token, state, changes)
    return moved


class BatchChange(NamedTuple):
    """What changes a batch; see Interpretation."""

    next_step: NextStep
    may_have_been_sent: bool
    has_entry_error: bool
    delay: timedelta | None


def _batch_changes(change: BatchChange, state: BatchState, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "state": STATE_AFTER[change.next_step].value,
        "token": "",
        "lease_until": None,
        "not_before": None,
        "attempts": 0 if change.may_have_been_sent else -1,
        "entry_errors": int(change.has_entry_error),
    }
    if change.next_step is NextStep.DONE:
        changes["done_at"] = now
    if change.next_step is NextStep.ASK or change.delay:
        changes["not_before"] = now + (change.delay or timedelta(0))
    if change.next_step is NextStep.ASK and state is BatchState.SENDING:
        changes["in_flight_until"] = now  # the request has ended
    return changes


def _update_batch_group(
    ids: list[int], token: str, state: BatchState, changes: dict[str, Any]
) -> dict[int, str]:
    """Write `changes` to batches by one statement; those of COUNTERS are added to the column.

    Returns as _update_batches does.
    """
    table = Batch._meta.db_table
    values = [
        bulk.moment(value) if isinstance(value, datetime) else value for value in changes.values()
    ]
    assignments = ", ".join(
        f"{name} = {name} + %s" if name in COUNTERS else f"{name} = %s" for name in changes
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assignments}"  # noqa: S608 - names of our own columns
            f" WHERE id IN ({', '.join(map(str, ids))}) AND token = %s AND state = %s"
            " RETURNING id,"
            " CASE WHEN worst_case IS NULL AND held IS NULL THEN '' ELSE held_currency END",
            [*values, token, state.value],
        )
        return dict(cursor.fetchall())


def _update_recipients(outcomes: Sequence[BatchOutcome], *, is_after_question: bool) -> None:
    """QUEUED -> a final state, by one statement for all who get the same values."""
    # 43 of an earlier answer
    _update_accepted(outcomes, SendState.QUEUED, {"error_code": None} if is_after_question else {})
    not_accepted: defaultdict[NotAccepted, list[tuple[int]]] = defaultdict(list)
    for outcome in outcomes:
        for reference, ending in outcome.interpretation.not_accepted.items():
            not_accepted[ending].append((outcome.ids[reference],))
    for ending, recipient_ids in not_accepted.items():
        _update_in_state(
            SendState.QUEUED,
            {
                "send_state": ending.state.value,
                "error_code": ending.error_code,
                "reason": ending.reason,
            },
            {},
            recipient_ids,
        )


def _update_accepted(
    outcomes: Sequence[BatchOutcome], before: SendState, changes: dict[str, Any]
) -> None:
    """`before` -> ACCEPTED, with `changes` of other columns."""
    accepted: defaultdict[str, list[tuple[str, int | None, int]]] = defaultdict(list)
    for outcome in outcomes:
        for reference, (gateway_id, price, currency) in outcome.interpretation.accepted.items():
            units = None if price is None else to_units(price)
            accepted[currency].append((gateway_id, units, outcome.ids[reference]))
    for currency, rows in accepted.items():
        constants = {"send_state": SendState.ACCEPTED.value, "currency": currency, **changes}
        _update_in_state(before, constants, {"gateway_id": "text", "charged": "bigint"}, rows)


def _mark_known_before(outcomes: Sequence[BatchOutcome]) -> None:
    """Keep that the gateway had a reference already: such a message is never sent again."""
    rows = [
        (outcome.ids[reference],)
        for outcome in outcomes
        for reference in outcome.interpretation.known_before
    ]
    _update_in_state(SendState.QUEUED, {"error_code": REFERENCE_EXISTS}, {}, rows)


def _update_in_state(
    state: SendState,
    constants: dict[str, Any],
    columns: dict[str, str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Update recipients that are still in `state`. Raises RuntimeError if one of `rows` is not."""
    guard = f"{RECIPIENT_TABLE}.send_state = '{state.value}'"
    updated = bulk.update(RECIPIENT_TABLE, constants, columns, rows, guard=guard)
    if updated != len(rows):
        raise RuntimeError(
            f"{len(rows) - updated} of {len(rows)} recipients were no longer {state.value}"
        )


def _charge_movements(outcomes: Sequence[BatchOutcome]) -> list[Movement]:
    amounts: defaultdict[tuple[int, str, str, Purpose], list[tuple[int, Decimal | None]]] = (
        defaultdict(list)
    )
    for outcome in outcomes:
        claim, ids, accepted = outcome.claim, outcome.ids, outcome.interpretation.accepted
        for currency in {verdict.currency for verdict in accepted.values()}:
            amounts[claim.campaign_id, claim.country, currency, outcome.purpose] += [
                (ids[reference], price)
                for reference, (_id, price, price_currency) in accepted.items()
                if price_currency == currency
            ]
    return [
        Movement(Kind.CHARGE, Channel.VIBER, campaign_id, country, currency, charged, purpose)
        for (campaign_id, country, currency, purpose), charged in amounts.items()
    ]


def _update_tally(outcomes: Sequence[BatchOutcome]) -> None:
    changes = TallyChanges()
    for outcome in outcomes:
        campaign_id, country = outcome.claim.campaign_id, outcome.claim.country
        accepted = len(outcome.interpretation.accepted)
        changes.add(campaign_id, country, SendState.ACCEPTED.value, recipients=accepted)
        for ending, recipients in Counter(outcome.interpretation.not_accepted.values()).items():
            changes.add(
                campaign_id, country, ending.state.value,
                error_code=ending.error_code, reason=ending.reason, recipients=recipients,
            )  # fmt: skip
    changes.write()


def _message_changes(
    outcomes: Sequence[BatchOutcome], before: SendState = SendState.QUEUED
) -> Iterator[MessageChange]:
    """The new states of the messages of `outcomes`."""
    for outcome in outcomes:
        result, ids = outcome.interpretation, outcome.ids
        for reference in result.accepted:
            yield MessageChange(
                outcome.claim.campaign_id, ids[reference], before.value, SendState.ACCEPTED.value
            )
        for reference, ending in result.not_accepted.items():
            yield MessageChange(
                outcome.claim.campaign_id, ids[reference], before.value, ending.state.value
            )


def _save_evidence(outcomes: Sequence[BatchOutcome]) -> None:
    kept = [
        *((outcome, outcome.summary) for outcome in outcomes if outcome.interpretation.keep_answer),
        *(
            (outcome, evidence.TEST_ANSWER)
            for outcome in outcomes
            if outcome.purpose == Purpose.TEST and outcome.body
        ),
    ]
    if kept:
        evidence.save(
            [
                Evidence(
                    campaign_id=outcome.claim.campaign_id,
                    batch_number=outcome.claim.number,
                    what=what,
                    http_status=outcome.http_status,
                    body=outcome.body,
                )
                for outcome, what in kept
            ]
        )
    for outcome in outcomes:
        if outcome.interpretation.is_rounded:
            evidence.save_rounded_price(
                outcome.claim.campaign_id, outcome.claim.number, outcome.body
            )


def _pauses(outcomes: Sequence[BatchOutcome]) -> set[Pause]:
    return {
        Pause(outcome.claim.campaign_id, outcome.interpretation.pause_reason)
        for outcome in outcomes
        if outcome.interpretation.pause_reason
    }


def _learn_rate(outcomes: Sequence[BatchOutcome], now: datetime) -> None:
    """Adapt the account's rate to the answers; rehearsals say nothing about it."""
    real = [outcome for outcome in outcomes if outcome.purpose != Purpose.REHEARSAL]
    results = [outcome.interpretation for outcome in real]
    failed_at = [outcome.sent_at for outcome in real if outcome.interpretation.has_failed]
    if failed_at:
        account_rate.record_failure(max(failed_at), now)
    throttled = [result for result in results if result.is_throttled]
    answers = Answers(
        accepted=sum(len(result.accepted) for result in results),
        requests=sum(bool(result.accepted) or result.is_throttled for result in results),
        throttled=len(throttled),
        retry_after=max(
            (result.retry_after for result in throttled if result.retry_after is not None),
            default=None,
        ),
    )
    if answers.requests:
        account_rate.record_answers(answers, now)


def _currency_pauses(
    outcomes: Sequence[BatchOutcome], limits: Mapping[int, str]
) -> Iterator[Pause]:
    """Pauses of campaigns with a price in another currency than that of their batch in `limits`."""
    for outcome in outcomes:
        if reserved := limits[outcome.claim.id]:
            accepted = outcome.interpretation.accepted.values()
            charged = {price.currency for price in accepted if price.price is not None}
            if others := charged - {reserved}:
                pause = pause_for_currency(outcome.claim.campaign_id, reserved, min(others))
                if pause:
                    yield pause
