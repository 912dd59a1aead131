"""Claim batches for a limited time, and record the intent before a request leaves.

These are steps one and two of claim, intent, send, interpret, record:

- A claim moves a READY batch to LEASED, under the token of the sender, until the lease ends.
- The intent moves it to SENDING. Once that is committed the request may leave, and whoever finds
  the batch after a crash knows that it may have left. Before that, it certainly has not.

Each step is one conditional UPDATE that names the state and the token it expects, so that of two
workers only the first succeeds. The sweep ends leases that ran out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet, Sum

from campaigns.compose.launch.reachable import of_reachable
from campaigns.compose.models import Campaign
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.models import Batch, BatchState
from campaigns.ledger.models import Purpose
from campaigns.shared import bulk
from campaigns.team.holds.models import SendingHold
from campaigns.team.holds.switch import wait_for_hold

# Longer than the wait for a free connection and the deadline of the request together.
LEASE = timedelta(seconds=90)
BATCH = Batch._meta.db_table
CAMPAIGN = Campaign._meta.db_table
HOLD = SendingHold._meta.db_table
# of the campaign `c`: its sending is not held, or it is a rehearsal
NOT_HELD = f"""(c.purpose = 'rehearsal' OR NOT EXISTS (SELECT 1 FROM {HOLD} h
    WHERE h.released_at IS NULL AND (h.brand_id IS NULL OR h.brand_id = c.brand_id)))"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that belongs to one sender until its lease ends."""

    id: int
    campaign_id: int
    number: int
    country: str
    size: int
    attempts: int
    area: str = ""
    variant: str = ""  # "": that of the whole campaign, or of the winner


CLAIM_COLUMNS = ", ".join(Claim.__slots__)


def reconcilable(now: datetime) -> QuerySet[Batch]:
    """AMBIGUOUS batches whose outcome may be asked for now, of the current account."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return Batch.objects.filter(
        free, of_reachable(), state=BatchState.AMBIGUOUS, not_before__lte=now
    )


def claim(
    campaign_id: int, limit: int, token: str, now: datetime,
    places: Collection[Place] | None = None
) -> list[Claim]:  # fmt: skip
    """READY -> LEASED: up to `limit` batches of a campaign, for the holder of `token`. None while
    its sending is held.

    `places`: only batches for these countries and areas.
    """
    locked = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    place_condition, place_params = "", []
    if places is not None:
        place_condition = f"AND (country, area) IN (VALUES {', '.join(['(%s, %s)'] * len(places))})"
        place_params = [text for place in places for text in (place.country, place.area)]
    statement = f"""
        UPDATE {BATCH} SET state = 'leased', token = %s, lease_until = %s WHERE id IN (
            SELECT id FROM {BATCH}
            WHERE campaign_id = %s AND state = 'ready'
                AND (not_before IS NULL OR not_before <= %s) {place_condition}
                AND EXISTS (SELECT 1 FROM {CAMPAIGN} c WHERE c.id = %s AND {NOT_HELD})
            ORDER BY number LIMIT %s {locked})
        RETURNING {CLAIM_COLUMNS}"""  # noqa: S608 - names of our own columns
    return _fetch_claims(
        statement,
        [
            token, bulk.moment(now + LEASE), campaign_id, bulk.moment(now), *place_params,
            campaign_id, limit,
        ],
    )  # fmt: skip


def record_intents(claims: Sequence[Claim], token: str, now: datetime) -> list[Claim]:
    """LEASED -> SENDING: those of `claims` that are still ours, whose campaign still sends, and
    whose sending is not held.

    After the commit a request may leave; before it, none may.
    """
    if not claims:
        return []
    wait_for_hold()
    ids = ", ".join(str(claim.id) for claim in claims)
    statement = f"""
        UPDATE {BATCH} SET state = 'sending', lease_until = %s, in_flight_until = %s, sent_at = %s,
            first_sent_at = COALESCE(first_sent_at, %s), attempts = attempts + 1, asked = 0,
            not_before = NULL
        WHERE id IN ({ids}) AND token = %s AND state = 'leased'
            AND EXISTS (SELECT 1 FROM {CAMPAIGN} c
                WHERE c.id = campaign_id AND c.state = 'sending' AND {NOT_HELD})
        RETURNING {CLAIM_COLUMNS}"""  # noqa: S608 - names of our own columns, numbers
    at = bulk.moment(now)
    lease_end = bulk.moment(now + LEASE)
    return _fetch_claims(statement, [lease_end, lease_end, at, at, token])


def release_claims(ids: Sequence[int], token: str) -> None:
    """LEASED -> READY: batches that were claimed and will not be sent by us."""
    if ids:
        Batch.objects.filter(pk__in=ids, token=token, state=BatchState.LEASED).update(
            state=BatchState.READY, token="", lease_until=None
        )


def count_under_way(brand_id: int | None) -> int:
    """To how many recipients of a brand, of all brands for None, requests may be under way now."""
    batches = Batch.objects.filter(state=BatchState.SENDING)
    batches = batches.exclude(campaign__purpose=Purpose.REHEARSAL)
    own = batches.filter(campaign__brand=brand_id) if brand_id else batches
    return own.aggregate(recipients=Sum("size"))["recipients"] or 0


def claim_ambiguous(
    limit: int, token: str, now: datetime, *, rehearsals: bool = False
) -> list[Batch]:
    """Lease up to `limit` reconcilable batches to the holder of `token`; they stay AMBIGUOUS.

    Those that have waited longest come first. `rehearsals`: of rehearsals, else of no rehearsal.
    """
    due = reconcilable(now)
    is_rehearsal = Q(campaign__purpose=Purpose.REHEARSAL)
    chosen = due.filter(is_rehearsal if rehearsals else ~is_rehearsal)
    ids = list(chosen.order_by("not_before", "pk").values_list("pk", flat=True)[:limit])
    due.filter(pk__in=ids).update(
        token=token, lease_until=now + LEASE, asked=F("asked") + 1, asked_at=now
    )
    return list(Batch.objects.filter(pk__in=ids, token=token, state=BatchState.AMBIGUOUS))


def release_ambiguous(batch_id: int, token: str) -> None:
    """End the lease of an AMBIGUOUS batch that nobody was asked about: it is due at once."""
    Batch.objects.filter(pk=batch_id, token=token, state=BatchState.AMBIGUOUS).update(
        token="", lease_until=None, asked=F("asked") - 1
    )


def _fetch_claims(statement: str, params: Sequence[Any]) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return sorted(
            (Claim(*row) for row in cursor.fetchall()),
            key=lambda claim: (claim.campaign_id, claim.number),
        )
