"""Write down what became of batches: recipients, money, counts and the batches themselves, in one
transaction.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.interpret_answer import Ending, Judgement, Next
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.tally import Moves
from campaigns.ledger.entries import Movement, enter
from campaigns.ledger.models import Channel, Kind, Purpose
from campaigns.shared import bulk
from campaigns.shared.money import ZERO, to_units

RECIPIENT = Recipient._meta.db_table
STATES = {Next.DONE: BatchState.DONE, Next.AGAIN: BatchState.READY, Next.ASK: BatchState.AMBIGUOUS}


@dataclass(frozen=True, slots=True)
class Closing:
    """One batch and what became of it."""

    claim: Claim
    ids: dict[str, int]  # reference -> recipient
    judgement: Judgement
    sent_at: datetime
    purpose: Purpose = Purpose.CAMPAIGN
    # against the budget; what was not charged of it stays held where an SMS may follow
    held: Decimal | None = None
    falls_back: bool = False
    what: str = ""  # for the evidence
    http_status: int | None = None
    body: str = ""


def close(closings: Sequence[Closing], token: str, state: BatchState = BatchState.SENDING) -> None:
    """Write all of `closings` whose batches are still in `state` under `token`; the others are
    somebody else's by now.

    Call it in a transaction: either all of it is true afterwards or nothing.
    """
    now = timezone.now()
    ours = _move_batches(closings, token, state, now)
    kept = [closing for closing in closings if closing.claim.id in ours]
    failpoint("close_batches")
    _keep_rest(kept)
    _write_outcomes(kept)
    failpoint("close_recipients")
    enter(_charges(kept), now)
    failpoint("close_ledger")
    _count(kept)
    _keep_evidence(kept)
    _control(kept, now)
    failpoint("close_counts")


def _move_batches(
    closings: Sequence[Closing], token: str, state: BatchState, now: datetime
) -> set[int]:
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
        "not_before": None,
    }
    if then is not Next.ASK:
        changes["held"] = None
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
        bulk.moment(value) if isinstance(value, datetime) else value for value in changes.values()
    ]
    assignments = ", ".join(f"{name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assignments}, attempts = attempts + %s"  # noqa: S608 - names of our own columns
            f" WHERE id IN ({', '.join(map(str, ids))}) AND token = %s AND state = %s RETURNING id",
            [*values, undone, token, state.value],
        )
        return {row[0] for row in cursor.fetchall()}


def _keep_rest(closings: Sequence[Closing]) -> None:
    """Of what was held for a batch that is done, what was not charged: an SMS that goes out instead
    will take of it.
    """
    rows = [
        (to_units(max(closing.held - _charged(closing), ZERO)), closing.claim.id)
        for closing in closings
        if closing.held is not None and closing.falls_back and closing.judgement.next is Next.DONE
    ]
    bulk.update(Batch._meta.db_table, {}, {"held": "bigint"}, rows)


def _charged(closing: Closing) -> Decimal:
    return sum(
        (
            verdict.price
            for verdict in closing.judgement.accepted.values()
            if verdict.price is not None
        ),
        ZERO,
    )


def _write_outcomes(closings: Sequence[Closing]) -> None:
    """QUEUED -> a final state, by one statement for all who share what is written."""
    accepted: defaultdict[str, list[tuple[str, int | None, int]]] = defaultdict(list)
    ended: defaultdict[Ending, list[tuple[int]]] = defaultdict(list)
    for closing in closings:
        ids = closing.ids
        for reference, (gateway_id, price, currency) in closing.judgement.accepted.items():
            units = None if price is None else to_units(price)
            accepted[currency].append((gateway_id, units, ids[reference]))
        for reference, ending in closing.judgement.ended.items():
            ended[ending].append((ids[reference],))
    for currency, rows in accepted.items():
        constants = {"send_state": SendState.ACCEPTED.value, "currency": currency}
        _write(constants, {"gateway_id": "text", "charged": "bigint"}, rows)
    for ending, people in ended.items():
        _write(
            {
                "send_state": ending.state.value,
                "error_code": ending.error_code,
                "reason": ending.reason,
            },
            {},
            people,
        )


def _write(
    constants: dict[str, Any], columns: dict[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    written = bulk.update(
        RECIPIENT, constants, columns, rows, guard=f"{RECIPIENT}.send_state = 'queued'"
    )
    if written != len(rows):
        raise RuntimeError(
            f"{len(rows) - written} of {len(rows)} recipients were not queued any more"
        )


def _charges(closings: Sequence[Closing]) -> list[Movement]:
    amounts: defaultdict[tuple[int, str, str, Purpose], list[tuple[int, Decimal | None]]] = (
        defaultdict(list)
    )
    for closing in closings:
        claim, ids, accepted = closing.claim, closing.ids, closing.judgement.accepted
        for currency in {verdict.currency for verdict in accepted.values()}:
            amounts[claim.campaign_id, claim.country, currency, closing.purpose] += [
                (ids[reference], price)
                for reference, (_id, price, named) in accepted.items()
                if named == currency
            ]
    return [
        Movement(Kind.CHARGE, Channel.VIBER, campaign_id, country, currency, charged, purpose)
        for (campaign_id, country, currency, purpose), charged in amounts.items()
    ]


def _count(closings: Sequence[Closing]) -> None:
    moves = Moves()
    for closing in closings:
        campaign_id, country = closing.claim.campaign_id, closing.claim.country
        moves.arrive(
            campaign_id, country, SendState.ACCEPTED.value, people=len(closing.judgement.accepted)
        )
        for ending, people in Counter(closing.judgement.ended.values()).items():
            moves.arrive(
                campaign_id, country, ending.state.value,
                error_code=ending.error_code, reason=ending.reason, people=people,
            )  # fmt: skip
    moves.write()


def _keep_evidence(closings: Sequence[Closing]) -> None:
    Evidence.objects.bulk_create(
        Evidence(
            campaign_id=closing.claim.campaign_id,
            batch_number=closing.claim.number,
            what=closing.what[:200],
            http_status=closing.http_status,
            body=_readable(closing.body),
        )
        for closing in closings
        if closing.judgement.notable
    )


def _readable(body: str) -> str:
    """An answer as it may be kept: without the key, should it be in there, and without what no text
    column takes.
    """
    return body.replace("\x00", "").replace(settings.BSG_API_KEY, "•••")


def _control(closings: Sequence[Closing], now: datetime) -> None:
    """What the answers mean beyond their batches: pauses, and everybody's pace, of which a
    rehearsal says nothing.
    """
    for campaign_id, why in {
        (c.claim.campaign_id, c.judgement.pause) for c in closings if c.judgement.pause
    }:
        lifecycle.pause_if_running(campaign_id, why)
    closings = [closing for closing in closings if closing.purpose != Purpose.REHEARSAL]
    if refused := [closing.sent_at for closing in closings if closing.judgement.slow_down]:
        rate_control.slow_down(max(refused), now)
    elif accepted := [closing.sent_at for closing in closings if closing.judgement.accepted]:
        rate_control.speed_up(max(accepted))
