"""Write down what became of batches: recipients, money, counts and the batches themselves, in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from campaigns.bulk import update
from campaigns.compose import lifecycle
from campaigns.dispatch import pacing
from campaigns.dispatch.claiming import Claim
from campaigns.dispatch.failpoints import reach
from campaigns.dispatch.judging import Judgement, Next, Outcome
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState
from campaigns.dispatch.tally import Moves
from campaigns.ledger.entries import Movement, enter
from campaigns.ledger.models import Channel, Kind, Purpose
from campaigns.ledger.money import to_units

RECIPIENT = Recipient._meta.db_table
STATES = {Next.DONE: BatchState.DONE, Next.AGAIN: BatchState.READY, Next.ASK: BatchState.AMBIGUOUS}
COLUMNS = {
    "send_state": "text", "error_code": "smallint", "reason": "text", "gateway_id": "text",
    "charged": "bigint", "currency": "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Closing:
    """One batch and what became of it."""

    claim: Claim
    ids: dict[str, int]  # reference -> recipient
    judgement: Judgement
    sent_at: datetime
    purpose: Purpose = Purpose.CAMPAIGN
    what: str = ""  # for the evidence
    http_status: int | None = None
    body: str = ""


def close(closings: Sequence[Closing], token: str, state: BatchState = BatchState.SENDING) -> None:
    """Write all of `closings` whose batches are still in `state` under `token`; the others are somebody else's by now.

    Call it in a transaction: either all of it is true afterwards or nothing.
    """
    now = timezone.now()
    ours = _move_batches(closings, token, state, now)
    kept = [closing for closing in closings if closing.claim.id in ours]
    reach("close_batches")
    _write_outcomes(kept)
    reach("close_recipients")
    enter([charge for closing in kept for charge in _charges(closing)], now)
    reach("close_ledger")
    _count(kept)
    _keep_evidence(kept)
    _control(kept, now)
    reach("close_counts")


def _move_batches(closings: Sequence[Closing], token: str, state: BatchState, now: datetime) -> set[int]:
    """SENDING (or AMBIGUOUS) -> where each belongs now. The ids of those that were still ours."""
    groups: defaultdict[tuple[Next, bool, timedelta | None], list[int]] = defaultdict(list)
    for closing in closings:
        judged = closing.judgement
        groups[judged.next, judged.left, judged.wait].append(closing.claim.id)
    ours: set[int] = set()
    for (then, left, wait), ids in groups.items():
        ours |= _move_group(ids, token, state, _changes(then, left, wait, now))
    return ours


def _changes(then: Next, left: bool, wait: timedelta | None, now: datetime) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "state": STATES[then].value,
        "token": "",
        "lease_until": None,
        "held": None,
        "not_before": None,
    }
    if then is Next.DONE:
        changes["done_at"] = now
    elif then is Next.ASK or wait:
        changes["not_before"] = now + (wait or timedelta(0))
    if not left:
        changes["attempts"] = -1
    return changes


def _move_group(ids: list[int], token: str, state: BatchState, changes: dict[str, Any]) -> set[int]:
    table = Batch._meta.db_table
    changes = dict(changes)
    undone = changes.pop("attempts", 0)
    values = [
        connection.ops.adapt_datetimefield_value(value) if isinstance(value, datetime) else value
        for value in changes.values()
    ]
    assignments = ", ".join(f"{name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assignments}, attempts = attempts + %s"  # noqa: S608 - names of our own columns
            f" WHERE id IN ({', '.join(map(str, ids))}) AND token = %s AND state = %s RETURNING id",
            [*values, undone, token, state.value],
        )
        return {row[0] for row in cursor.fetchall()}


def _write_outcomes(closings: Sequence[Closing]) -> None:
    """QUEUED -> a final state, recipient by recipient."""
    rows = [
        _row(closing.ids[reference], outcome)
        for closing in closings
        for reference, outcome in closing.judgement.outcomes.items()
    ]
    if not rows:
        return
    written = update(RECIPIENT, COLUMNS, rows, guard=f"{RECIPIENT}.send_state = 'queued'")
    if written != len(rows):
        raise RuntimeError(f"{len(rows) - written} of {len(rows)} recipients were not queued any more")


def _row(recipient: int, outcome: Outcome) -> tuple[Any, ...]:
    charged = None if outcome.price is None else to_units(outcome.price)
    return (
        outcome.state.value, outcome.error_code, outcome.reason, outcome.gateway_id, charged, outcome.currency,
        recipient,
    )  # fmt: skip


def _charges(closing: Closing) -> list[Movement]:
    claim = closing.claim
    return [
        Movement(
            Kind.CHARGE, Channel.VIBER, claim.campaign_id, closing.ids[reference], claim.country, outcome.currency,
            outcome.price, closing.purpose,
        )
        for reference, outcome in closing.judgement.outcomes.items()
        if outcome.state is SendState.ACCEPTED
    ]  # fmt: skip


def _count(closings: Sequence[Closing]) -> None:
    moves = Moves()
    for closing in closings:
        for outcome in closing.judgement.outcomes.values():
            moves.arrive(
                closing.claim.campaign_id, closing.claim.country, outcome.state.value,
                error_code=outcome.error_code, reason=outcome.reason,
            )  # fmt: skip
    moves.write()


def _keep_evidence(closings: Sequence[Closing]) -> None:
    Evidence.objects.bulk_create(
        Evidence(
            campaign_id=closing.claim.campaign_id,
            batch_number=closing.claim.number,
            what=closing.what[:200],
            http_status=closing.http_status,
            body=closing.body.replace("\x00", ""),
        )
        for closing in closings
        if closing.judgement.notable
    )


def _control(closings: Sequence[Closing], now: datetime) -> None:
    """What the answers mean beyond their batches: pauses, and everybody's pace."""
    for campaign_id, why in {(c.claim.campaign_id, c.judgement.pause) for c in closings if c.judgement.pause}:
        lifecycle.pause_if_running(campaign_id, why)
    if any(closing.judgement.slow_down for closing in closings):
        pacing.slow_down(now)
    elif accepted := [closing.sent_at for closing in closings if _accepted(closing)]:
        pacing.speed_up(max(accepted))


def _accepted(closing: Closing) -> bool:
    return any(outcome.state is SendState.ACCEPTED for outcome in closing.judgement.outcomes.values())


def close_at_once(closings: Sequence[Closing], token: str, state: BatchState = BatchState.SENDING) -> None:
    """`close` in a transaction of its own."""
    with transaction.atomic():
        close(closings, token, state)
