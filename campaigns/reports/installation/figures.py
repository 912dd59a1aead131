"""The figures of the installation, by a few statements that take no longer with more recipients.

Recipients are never counted: tallies have their numbers. Of batches only those are counted that are
open or due, each kind by its partial index, and no more than COUNTED_MAX.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum

from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import Import
from campaigns.dispatch.models import Batch, BatchState, Heartbeat, Tally
from campaigns.gateway.key_in_use import using
from campaigns.ledger.models import BalanceReading, Purpose
from campaigns.reports.shared.partial_indexes import SqlLiteral
from campaigns.results.models import StatusHint
from campaigns.results.polling.poll_schedule import FIRST_CHECK
from campaigns.shared import queue
from campaigns.team import accounts
from campaigns.team.alerts import records
from campaigns.team.brand_keys.in_use import keys_in_use
from campaigns.team.models import MailState, OutgoingMail

COUNTED_MAX = 1_000_000  # of one kind; more are shown as so many
CAMPAIGNS_MAX = 50
SHOWN_AFTER_THE_END = timedelta(hours=1)
UNDER_WAY = (CampaignState.PREPARING, CampaignState.SENDING, CampaignState.PAUSED)
READY = Q(state=SqlLiteral(BatchState.READY.value))
OPEN = ~Q(state__in=[SqlLiteral(BatchState.READY.value), SqlLiteral(BatchState.DONE.value)])
NEVER_CHECKED = Q(state=SqlLiteral(BatchState.DONE.value), checks=SqlLiteral(0))


@dataclass(frozen=True, slots=True)
class CampaignCount:
    """How many recipients of a campaign are in a state; `error_code` 0: without an error."""

    campaign_id: int
    state: str
    error_code: int
    recipients: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`heartbeats`: seconds since each, by name. `oldest_request` and `oldest_ready`: seconds since
    the oldest request whose outcome is open, and since the freeze of the oldest campaign that sends
    and has ready batches; None without any. `balances`: the last reading of each account in use, by
    the account's name; "" where there is one alone.
    """

    queue_length: int
    heartbeats: dict[str, float]
    campaigns: dict[str, int]
    recipients: list[CampaignCount]
    batches: dict[str, int]
    oldest_request: float | None
    oldest_ready: float | None
    due_checks: dict[str, int]
    holds: dict[str, Decimal]
    imports: dict[str, int]
    mails: dict[str, int]
    balances: dict[str, BalanceReading]
    alerts: dict[str, int]


def load_figures(now: datetime) -> Figures:
    """The figures as they are now, over all brands. Raises DatabaseError."""
    batches = {BatchState.READY.value: _count(Batch.objects.filter(READY))}
    batches |= dict.fromkeys((BatchState.LEASED, BatchState.SENDING, BatchState.AMBIGUOUS), 0)
    # what waits for the choice of a variant is no request
    batches |= _by_state(Batch.objects.filter(OPEN).exclude(state=BatchState.WAITING))
    imports, mails = Import.objects.all(), OutgoingMail.objects.exclude(state=MailState.SENT)
    return Figures(
        queue_length=queue.waiting(),
        heartbeats={
            name: _seconds_since(at, now)
            for name, at in Heartbeat.objects.filter(until=None).values_list("name", "at")
        },
        campaigns=_by_state(Campaign.objects.filter(purpose=Purpose.CAMPAIGN)),
        recipients=_count_recipients(now),
        batches=batches,
        oldest_request=_oldest_request(now),
        oldest_ready=_oldest_ready(now),
        due_checks=_count_due_checks(now),
        holds=_sum_holds(),
        imports=_by_state(imports),
        mails={MailState.WAITING.value: 0, MailState.FAILED.value: 0} | _by_state(mails),
        balances=_last_balances(),
        alerts=records.count_open(),
    )


def _last_balances() -> dict[str, BalanceReading]:
    keys, readings = keys_in_use(), {}
    for key in keys:
        with using(key):
            known = accounts.cached()
            reading = BalanceReading.objects.filter(known.is_shown()).first()
        if reading:
            readings[known.current.name if known.current and len(keys) > 1 else ""] = reading
    return readings


def _count(rows: QuerySet[Any]) -> int:
    return rows.order_by()[:COUNTED_MAX].count()


def _by_state(
    rows: QuerySet[Batch] | QuerySet[Campaign] | QuerySet[Import] | QuerySet[OutgoingMail],
) -> dict[str, int]:
    return dict(rows.order_by().values_list("state").annotate(Count("pk")))


def _seconds_since(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0)


def _count_recipients(now: datetime) -> list[CampaignCount]:
    """The recipients of campaigns under way, and of those that ended a moment ago, so that the last
    of them are seen.
    """
    is_recent = Q(state__in=UNDER_WAY) | Q(finished_at__gte=now - SHOWN_AFTER_THE_END)
    campaigns = Campaign.objects.filter(is_recent, purpose=Purpose.CAMPAIGN).order_by("-pk")
    ids = list(campaigns.values_list("pk", flat=True)[:CAMPAIGNS_MAX])
    keys = ("campaign_id", "send_state", "error_code")
    tallies = Tally.objects.filter(campaign__in=ids).order_by(*keys).values_list(*keys)
    return [CampaignCount(*row) for row in tallies.annotate(Sum("recipients"))]


def _oldest_request(now: datetime) -> float | None:
    at = Batch.objects.filter(OPEN).aggregate(at=Min("intended_at"))["at"]
    return None if at is None else _seconds_since(at, now)


def _oldest_ready(now: datetime) -> float | None:
    ready = Batch.objects.filter(READY, campaign=OuterRef("pk"))
    sending = Campaign.objects.filter(Exists(ready), state=CampaignState.SENDING)
    at = sending.aggregate(at=Min("frozen_at"))["at"]
    return None if at is None else _seconds_since(at, now)


def _count_due_checks(now: datetime) -> dict[str, int]:
    """The backlog of the questions about results: batches, and messages with a delivery report."""
    never = Batch.objects.filter(NEVER_CHECKED, check_at=None, done_at__lte=now - FIRST_CHECK)
    return {
        "first": _count(never),
        "again": _count(Batch.objects.filter(check_at__lte=now)),
        "reported": _count(StatusHint.objects.all()),
    }


def _sum_holds() -> dict[str, Decimal]:
    """What budgets reserve for messages under way, by currency."""
    held = Batch.objects.filter(held__isnull=False).order_by()
    return dict(held.values_list("held_currency").annotate(Sum("held")))
