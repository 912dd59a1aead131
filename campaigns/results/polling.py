"""Ask the gateway what became of messages, batch by batch: the people of a batch were sent to at the same moment.

A batch is claimed by moving its next check into the future; what was learnt is written only where nobody else checked
it in between (`checks` is still what it was), so no adjustment is ever entered twice.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch.failpoints import reach
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState
from campaigns.gateway.client import Client
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import MessageStatus
from campaigns.results.plan import FIRST, next_check
from campaigns.results.recording import News, record

AT_ONCE = 10  # batches in one round
CLAIM = timedelta(minutes=3)
BATCH = Batch._meta.db_table


@dataclass(frozen=True, slots=True)
class Check:
    """A batch whose open messages are to be asked for."""

    id: int
    campaign_id: int
    number: int
    country: str
    checks: int
    sent_at: datetime


def due(now: datetime) -> bool:
    """Whether any batch is worth asking for now."""
    return _never_checked(now).exists() or Batch.objects.filter(check_at__lte=now).exists()


def poll(client: Client, connections: int, until: datetime, keep: Callable[[], bool] = lambda: True) -> bool:
    """Ask for the batches that are due, until the moment `until`. Whether some were left then."""
    with ThreadPoolExecutor(connections, "ask") as pool:
        while timezone.now() < until and keep():
            checks = _claim(timezone.now())
            if not checks:
                return False
            for check in checks:
                _check(client, pool, check)
    return True


def _never_checked(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(state=BatchState.DONE, checks=0, check_at__isnull=True, done_at__lte=now - FIRST)


def _claim(now: datetime) -> list[Check]:
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        ids = list(
            _never_checked(now)
            .select_for_update(skip_locked=skip)
            .order_by("done_at")
            .values_list("pk", flat=True)[:AT_ONCE]
        )
        if len(ids) < AT_ONCE:
            again = Batch.objects.filter(check_at__lte=now).select_for_update(skip_locked=skip).order_by("check_at")
            ids += again.values_list("pk", flat=True)[: AT_ONCE - len(ids)]
        batches = Batch.objects.filter(pk__in=ids)
        batches.update(check_at=now + CLAIM)
        return [
            Check(b.pk, b.campaign_id, b.number, b.country, b.checks, b.sent_at or b.done_at or now) for b in batches
        ]


def _check(client: Client, pool: ThreadPoolExecutor, check: Check) -> None:
    people = list(
        Recipient.objects.filter(
            campaign_id=check.campaign_id, batch_number=check.number, send_state=SendState.ACCEPTED, final=False
        )
    )
    news = list(zip(people, pool.map(lambda person: _ask(client, person.reference), people), strict=True))
    campaign = Campaign.objects.get(pk=check.campaign_id)
    reach("asked")
    with transaction.atomic():
        settled = record([News(person, status) for person, status in news if status], campaign, check.country)
        then = None if settled == len(people) else next_check(check.sent_at, timezone.now(), campaign.validity)
        changes: dict[str, Any] = {"checks": F("checks") + 1, "check_at": then}
        if then is None:
            changes["held"] = None  # no SMS will follow
        if not Batch.objects.filter(pk=check.id, checks=check.checks).update(**changes):
            transaction.set_rollback(True)
        reach("recorded")
    reach("checked")


def _ask(client: Client, reference: str) -> MessageStatus | None:
    """None where there is no answer, or where the gateway does not know the message (any more)."""
    try:
        return client.status_by_reference(reference)
    except GatewayError:
        return None
