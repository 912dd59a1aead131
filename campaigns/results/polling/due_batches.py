"""Batches whose messages are due to be asked about, by the poll schedule.

A batch was sent at one moment, so it is due as a whole. A worker claims it by moving its next check
into the future. Batches never asked about and those that are due again are sources of their own, so
that neither waits for all of the other. Within each the batch that has waited longest comes first;
part of each round goes to the campaigns in turn, so that a small one does not wait for a large one.
"""

import math
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import cycle

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.dispatch.models import Batch, BatchState, DeliveryState, Recipient
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.ledger.models import Purpose
from campaigns.results.polling.batch_checks import BatchCheck, record_checks, still_open
from campaigns.results.polling.file_use import waiting
from campaigns.results.polling.poll_schedule import FIRST_CHECK, checks_for_reads

BATCHES_PER_ROUND = 200
BATCHES_REMEMBERED = 10  # of earlier rounds, in the average of open recipients
CLAIM_TIME = timedelta(minutes=3)  # after it, another worker may check the batch
CAMPAIGN_SHARE = 0.25  # of a round, for one campaign after the other
CAMPAIGNS_KNOWN_FOR = 5.0  # seconds until it is looked up again which campaigns have due batches
REHEARSAL_BATCHES = 20
REHEARSAL = Q(campaign__purpose=Purpose.REHEARSAL)


class DueBatches(ABC):
    """A source of questions: due batches, in the order in which they became due."""

    order: str  # the column with the moment from which a batch is due

    def __init__(self) -> None:
        self._open_per_batch = float(MAX_RECIPIENTS)  # recipients to ask about, on average
        self._campaigns: Iterator[int] = iter(())
        self._look_up_at = 0.0  # on the monotonic clock

    @abstractmethod
    def due(self, now: datetime) -> QuerySet[Batch]:
        """The batches that are due, of the account in use and of rehearsals."""

    def is_due(self, now: datetime) -> bool:
        """Whether any batch is due."""
        return self.due(now).exists()

    def take(self, people: int, under_way: Collection[int]) -> list[BatchCheck]:
        """Claim batches with about `people` open messages, none of those `under_way`, nor of those
        that wait for a statistics file.
        """
        now = timezone.now()
        limit = min(math.ceil(people / max(self._open_per_batch, 1.0)), BATCHES_PER_ROUND)
        due = self.due(now).exclude(REHEARSAL).exclude(pk__in=under_way).exclude(waiting(now))
        checks = _planned_checks(self._claim(due, limit, now))
        open_recipients = sum(len(check.recipients) for check in checks)
        self._open_per_batch = (self._open_per_batch * BATCHES_REMEMBERED + open_recipients) / (
            BATCHES_REMEMBERED + len(checks)
        )
        return checks

    def record(self, answered: Sequence[tuple[BatchCheck, Sequence[StatusReply]]]) -> None:
        """Write the answers, and when each batch is due again."""
        record_checks(answered)

    def answer_rehearsals(self) -> bool:
        """Check some batches of rehearsals, whose gateway answers in this process."""
        now = timezone.now()
        claimed = _claim_batches([(self.due(now).filter(REHEARSAL), REHEARSAL_BATCHES)], now)
        checks = _planned_checks(claimed)
        record_checks([(check, _rehearsal_replies(check)) for check in checks])
        return bool(checks)

    def _claim(self, due: QuerySet[Batch], limit: int, now: datetime) -> list[Batch]:
        due = due.order_by(self.order)
        parts = [(due, limit)]
        if campaign_id := self._next_campaign(due):
            parts.insert(0, (due.filter(campaign=campaign_id), math.ceil(limit * CAMPAIGN_SHARE)))
        return _claim_batches(parts, now)

    def _next_campaign(self, due: QuerySet[Batch]) -> int | None:
        """The campaign whose turn it is; None if fewer than two have due batches."""
        if time.monotonic() >= self._look_up_at:
            ids = list(due.order_by().values_list("campaign_id", flat=True).distinct())
            self._campaigns = cycle(sorted(ids)) if len(ids) > 1 else iter(())
            self._look_up_at = time.monotonic() + CAMPAIGNS_KNOWN_FOR
        return next(self._campaigns, None)


class DueAgain(DueBatches):
    """Batches that were asked about before."""

    order = "check_at"

    def due(self, now: datetime) -> QuerySet[Batch]:
        """The batches whose next check is due."""
        return Batch.objects.filter(of_reachable(), check_at__lte=now)


class NeverChecked(DueBatches):
    """Batches that were sent a while ago and never asked about."""

    order = "done_at"

    def due(self, now: datetime) -> QuerySet[Batch]:
        """The batches whose first check is due."""
        return Batch.objects.filter(
            of_reachable(),
            state=BatchState.DONE,
            checks=0,
            check_at__isnull=True,
            done_at__lte=now - FIRST_CHECK,
        )


def _claim_batches(parts: Sequence[tuple[QuerySet[Batch], int]], now: datetime) -> list[Batch]:
    """Claim the first batches of each of `parts`, up to its limit altogether with those before."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        ids: list[int] = []
        for due, limit in parts:
            rows = due.exclude(pk__in=ids).select_for_update(skip_locked=skip, of=("self",))
            ids += rows.values_list("pk", flat=True)[: max(limit - len(ids), 0)]
        if not ids:
            return []
        batches = Batch.objects.filter(pk__in=ids)
        batches.update(check_at=now + CLAIM_TIME)
        return list(batches.select_related("campaign"))


def _planned_checks(batches: Sequence[Batch]) -> list[BatchCheck]:
    """The recipients of `batches` to ask for now, read with one query for each campaign."""
    recipients: defaultdict[int, list[Recipient]] = defaultdict(list)
    for batch, recipient in still_open(batches):
        recipients[batch.pk].append(recipient)
    return [_planned_check(batch, recipients[batch.pk]) for batch in batches]


def _planned_check(batch: Batch, recipients: list[Recipient]) -> BatchCheck:
    """Whom of the open `recipients` to ask for now: delivered ones only in some of the checks."""
    on_the_way = [
        recipient for recipient in recipients if recipient.delivery_state != DeliveryState.DELIVERED
    ]
    if on_the_way and not checks_for_reads(batch.checks):
        return BatchCheck(batch, on_the_way)
    return BatchCheck(batch, recipients)


def _rehearsal_replies(check: BatchCheck) -> list[StatusReply]:
    batch = check.batch
    gateway = RehearsalGateway(batch.campaign).client(
        batch.country, check.recipients, batch.intended_at or batch.done_at
    )
    return [
        StatusReply(gateway.status_by_reference(recipient.reference))
        for recipient in check.recipients
    ]
