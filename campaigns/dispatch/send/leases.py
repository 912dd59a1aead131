"""Whose batch it is: claims with a lease, and the intent that is committed before a request leaves.

Every step is a conditional UPDATE that names the state and the token it expects; whoever comes
second gets nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.models import Batch, BatchState
from campaigns.shared import bulk

# longer than waiting for a free connection and the request's deadline together
LEASE = timedelta(seconds=90)
BATCH = Batch._meta.db_table
CAMPAIGN = Campaign._meta.db_table


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that is ours until its lease ends."""

    id: int
    campaign_id: int
    number: int
    country: str
    size: int
    attempts: int
    area: str = ""


CLAIMED = ", ".join(Claim.__slots__)


def askable(now: datetime) -> QuerySet[Batch]:
    """AMBIGUOUS batches whose outcome may be asked for now."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now)
    return Batch.objects.filter(free, state=BatchState.AMBIGUOUS, not_before__lte=now)


def claim(
    campaign_id: int, how_many: int, token: str, now: datetime,
    places: Collection[Place] | None = None
) -> list[Claim]:  # fmt: skip
    """READY -> LEASED: up to `how_many` batches of a campaign, for the holder of `token`; where
    given, of `places`.
    """
    locked = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    there, where = "", []
    if places is not None:
        there = f"AND (country, area) IN (VALUES {', '.join(['(%s, %s)'] * len(places))})"
        where = [text for place in places for text in (place.country, place.area)]
    statement = f"""
        UPDATE {BATCH} SET state = 'leased', token = %s, lease_until = %s WHERE id IN (
            SELECT id FROM {BATCH}
            WHERE campaign_id = %s AND state = 'ready'
                AND (not_before IS NULL OR not_before <= %s) {there}
            ORDER BY number LIMIT %s {locked})
        RETURNING {CLAIMED}"""  # noqa: S608 - names of our own columns
    return _claims(
        statement,
        [token, bulk.moment(now + LEASE), campaign_id, bulk.moment(now), *where, how_many],
    )


def intend(claims: Sequence[Claim], token: str, now: datetime) -> list[Claim]:
    """LEASED -> SENDING: those of `claims` that are still ours and whose campaign still sends.

    Once this is committed a request may leave; until it is, none may.
    """
    if not claims:
        return []
    ids = ", ".join(str(one.id) for one in claims)
    statement = f"""
        UPDATE {BATCH} SET state = 'sending', lease_until = %s, sent_at = %s,
            first_sent_at = COALESCE(first_sent_at, %s), attempts = attempts + 1, asked = 0,
            not_before = NULL
        WHERE id IN ({ids}) AND token = %s AND state = 'leased'
            AND EXISTS (SELECT 1 FROM {CAMPAIGN} c WHERE c.id = campaign_id AND c.state = 'sending')
        RETURNING {CLAIMED}"""  # noqa: S608 - names of our own columns, numbers
    at = bulk.moment(now)
    return _claims(statement, [bulk.moment(now + LEASE), at, at, token])


def release(ids: Sequence[int], token: str) -> None:
    """LEASED -> READY: what was claimed and will not be sent by us."""
    if ids:
        Batch.objects.filter(pk__in=ids, token=token, state=BatchState.LEASED).update(
            state=BatchState.READY, token="", lease_until=None, held=None
        )


def claim_ambiguous(how_many: int, token: str, now: datetime) -> list[Batch]:
    """AMBIGUOUS batches whose outcome may be asked for now, leased to the holder of `token`; they
    stay AMBIGUOUS.
    """
    ids = list(askable(now).order_by("pk").values_list("pk", flat=True)[:how_many])
    askable(now).filter(pk__in=ids).update(
        token=token, lease_until=now + LEASE, asked=F("asked") + 1
    )
    return list(Batch.objects.filter(pk__in=ids, token=token, state=BatchState.AMBIGUOUS))


def _claims(statement: str, params: Sequence[Any]) -> list[Claim]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return sorted(
            (Claim(*row) for row in cursor.fetchall()),
            key=lambda one: (one.campaign_id, one.number),
        )
