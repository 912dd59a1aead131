"""Record the outcomes of batches: the last step of claim, intent, send, interpret, record.

One transaction writes everything that an answer means: the recipients' final states, the charges
in the ledger, the counts, the batches' next states, pauses and the send rate. Batches move first,
by an UPDATE that names the expected state and token: a batch whose lease has meanwhile gone to
another worker does not move, and nothing of its outcome is written. No outcome is recorded twice.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import pause_for_currency
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, Evidence, Recipient, SendState
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.interpret_answer import Interpretation, NextStep, NotAccepted
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.tally import TallyChanges
from campaigns.ledger.entries import Movement, write_entries
from campaigns.ledger.models import Channel, Kind, Purpose
from campaigns.shared import bulk
from campaigns.shared.money import to_units

RECIPIENT_TABLE = Recipient._meta.db_table
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
    outcomes: Sequence[BatchOutcome], token: str, state: BatchState = BatchState.SENDING
) -> None:
    """Record the `outcomes` of batches that are still in `state` under `token`; skip the others.

    Call it in a transaction: everything is recorded or nothing.
    """
    now = timezone.now()
    moved = _update_batches(outcomes, token, state, now)
    ours = [outcome for outcome in outcomes if outcome.claim.id in moved]
    failpoint("close_batches")
    _update_recipients(ours)
    holds.recompute([batch_id for batch_id, currency in moved.items() if currency])
    failpoint("close_recipients")
    write_entries(_charge_movements(ours), now)
    failpoint("close_ledger")
    _update_tally(ours)
    _save_evidence(ours)
    _apply_control(ours, now)
    _check_currencies(ours, moved)
    failpoint("close_counts")


def _update_batches(
    outcomes: Sequence[BatchOutcome], token: str, state: BatchState, now: datetime
) -> dict[int, str]:
    """Move SENDING (or AMBIGUOUS) batches to their next state.

    Returns the ids of those moved, each with the currency in which a budget limits it, or "".
    """
    groups: defaultdict[tuple[NextStep, bool, timedelta | None], list[int]] = defaultdict(list)
    for outcome in outcomes:
        result = outcome.interpretation
        groups[result.next_step, result.may_have_been_sent, result.delay].append(outcome.claim.id)
    moved: dict[int, str] = {}
    for (next_step, may_have_been_sent, delay), ids in groups.items():
        changes = _batch_changes(next_step, may_have_been_sent, delay, now)
        moved |= _update_batch_group(ids, token, state, changes)
    return moved


def _batch_changes(
    next_step: NextStep, may_have_been_sent: bool, delay: timedelta | None, now: datetime
) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "state": STATE_AFTER[next_step].value,
        "token": "",
        "lease_until": None,
        "not_before": None,
    }
    if next_step is NextStep.DONE:
        changes["done_at"] = now
    elif next_step is NextStep.ASK or delay:
        changes["not_before"] = now + (delay or timedelta(0))
    if not may_have_been_sent:
        changes["attempts"] = -1
    return changes


def _update_batch_group(
    ids: list[int], token: str, state: BatchState, changes: dict[str, Any]
) -> dict[int, str]:
    """Write `changes` to batches by one statement; "attempts" in it is added to the column.

    Returns as _update_batches does.
    """
    table = Batch._meta.db_table
    changes = dict(changes)
    attempts_change = changes.pop("attempts", 0)
    values = [
        bulk.moment(value) if isinstance(value, datetime) else value for value in changes.values()
    ]
    assignments = ", ".join(f"{name} = %s" for name in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {assignments}, attempts = attempts + %s"  # noqa: S608 - names of our own columns
            f" WHERE id IN ({', '.join(map(str, ids))}) AND token = %s AND state = %s"
            " RETURNING id,"
            " CASE WHEN worst_case IS NULL AND held IS NULL THEN '' ELSE held_currency END",
            [*values, attempts_change, token, state.value],
        )
        return dict(cursor.fetchall())


def _update_recipients(outcomes: Sequence[BatchOutcome]) -> None:
    """QUEUED -> a final state, by one statement for all who get the same values."""
    accepted: defaultdict[str, list[tuple[str, int | None, int]]] = defaultdict(list)
    not_accepted: defaultdict[NotAccepted, list[tuple[int]]] = defaultdict(list)
    for outcome in outcomes:
        ids = outcome.ids
        for reference, (gateway_id, price, currency) in outcome.interpretation.accepted.items():
            units = None if price is None else to_units(price)
            accepted[currency].append((gateway_id, units, ids[reference]))
        for reference, ending in outcome.interpretation.not_accepted.items():
            not_accepted[ending].append((ids[reference],))
    for currency, rows in accepted.items():
        constants = {"send_state": SendState.ACCEPTED.value, "currency": currency}
        _update_queued(constants, {"gateway_id": "text", "charged": "bigint"}, rows)
    for ending, recipient_ids in not_accepted.items():
        _update_queued(
            {
                "send_state": ending.state.value,
                "error_code": ending.error_code,
                "reason": ending.reason,
            },
            {},
            recipient_ids,
        )


def _update_queued(
    constants: dict[str, Any], columns: dict[str, str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Update recipients that are still QUEUED. Raises RuntimeError if one of `rows` is not."""
    updated = bulk.update(
        RECIPIENT_TABLE, constants, columns, rows, guard=f"{RECIPIENT_TABLE}.send_state = 'queued'"
    )
    if updated != len(rows):
        raise RuntimeError(f"{len(rows) - updated} of {len(rows)} recipients were no longer queued")


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


def _save_evidence(outcomes: Sequence[BatchOutcome]) -> None:
    Evidence.objects.bulk_create(
        Evidence(
            campaign_id=outcome.claim.campaign_id,
            batch_number=outcome.claim.number,
            what=outcome.summary[:200],
            http_status=outcome.http_status,
            body=_redact(outcome.body),
        )
        for outcome in outcomes
        if outcome.interpretation.keep_answer
    )


def _redact(body: str) -> str:
    """An answer without the API key, and without the NUL that PostgreSQL's text refuses."""
    return body.replace("\x00", "").replace(settings.BSG_API_KEY, "•••")


def _apply_control(outcomes: Sequence[BatchOutcome], now: datetime) -> None:
    """Pause campaigns, and change the account's send rate; rehearsals say nothing about that."""
    for campaign_id, reason in {
        (outcome.claim.campaign_id, outcome.interpretation.pause_reason)
        for outcome in outcomes
        if outcome.interpretation.pause_reason
    }:
        lifecycle.pause_if_running(campaign_id, reason)
    outcomes = [outcome for outcome in outcomes if outcome.purpose != Purpose.REHEARSAL]
    if slowed := [outcome.sent_at for outcome in outcomes if outcome.interpretation.slow_down]:
        rate_control.slow_down(max(slowed), now)
    elif accepted := [outcome.sent_at for outcome in outcomes if outcome.interpretation.accepted]:
        rate_control.speed_up(max(accepted))


def _check_currencies(outcomes: Sequence[BatchOutcome], limits: Mapping[int, str]) -> None:
    """Pause campaigns with a price in another currency than that of their batch in `limits`."""
    for outcome in outcomes:
        if reserved := limits[outcome.claim.id]:
            accepted = outcome.interpretation.accepted.values()
            charged = {price.currency for price in accepted if price.price is not None}
            if others := charged - {reserved}:
                pause_for_currency(outcome.claim.campaign_id, reserved, min(others))
