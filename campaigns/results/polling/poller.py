"""Ask the gateway what became of messages, batch by batch: the people of a batch were sent to at
the same moment.

A batch is claimed by moving its next check into the future; what was learnt is written only where
nobody else checked it in between (`checks` is still what it was), so no adjustment is ever entered
twice. Those whom a delivery report hints at are asked for in between, alone.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, BatchState, DeliveryState, Recipient, SendState
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.errors import TOO_MANY_AT_ONCE, GatewayError, GatewayRefused
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import MessageStatus
from campaigns.ledger.entries import Movement
from campaigns.results.models import StatusHint
from campaigns.results.polling import hints
from campaigns.results.polling.poll_schedule import FIRST_CHECK, checks_for_reads, next_check
from campaigns.results.polling.recording import StatusUpdate, record_updates
from campaigns.shared.money import ZERO

BATCHES_PER_ROUND = 10  # batches in one round
HINTS_PER_ROUND = 200  # people whom reports hint at, in one round
CLAIM_TIME = timedelta(minutes=3)
LONGEST_SLEEP = 1.0  # seconds at most between two looks whether the rate allows more
THROTTLE_PAUSE = timedelta(seconds=5)  # without asking, after the gateway said that it is too much
RATE_SCOPE = "statuses"  # of the rate that all workers share


@dataclass(slots=True)
class BatchCheck:
    """A batch as it was read, and who of it is asked for."""

    batch: Batch
    people: list[Recipient]
    hinted: bool = False  # these alone; the others of the batch have their turn as planned


@dataclass(slots=True)
class PollRun:
    """One process that asks."""

    client: Client
    pool: ThreadPoolExecutor
    until: datetime
    throttled: bool = False  # the gateway said that it is too much
    cut_short: bool = False  # the time was over before everybody was asked for

    def status(self, person: Recipient) -> MessageStatus | None:
        """None where there is no answer, or where the gateway does not know the message (any
        more).
        """
        if timezone.now() >= self.until:  # a slow gateway must not hold a task beyond its time
            self.cut_short = True
            return None
        try:
            return self.client.status_by_reference(person.reference)
        except GatewayRefused as refused:
            self.throttled = self.throttled or refused.code == TOO_MANY_AT_ONCE
            return None
        except GatewayError:
            return None


def is_due(now: datetime) -> bool:
    """Whether anything is worth asking for now."""
    again = Batch.objects.filter(check_at__lte=now)
    return StatusHint.objects.exists() or _never_checked(now).exists() or again.exists()


def poll(
    client: Client, connections: int, until: datetime, keep: Callable[[], bool] = lambda: True
) -> bool:
    """Ask for what is due, until the moment `until`, within STATUS_RATE. Whether some was left
    then.
    """
    with ThreadPoolExecutor(connections, "ask") as pool:
        asking = PollRun(client, pool, until)
        while timezone.now() < until and keep():
            wait = rate_control.seconds_to_wait(RATE_SCOPE, settings.STATUS_RATE, timezone.now())
            if wait:
                time.sleep(min(wait, LONGEST_SLEEP))
            elif not _poll_round(asking, keep):
                return False
    return True


def _poll_round(asking: PollRun, keep: Callable[[], bool]) -> bool:
    """Some hints and some batches, so that neither waits for the other. Whether there were any."""
    hinted = [
        BatchCheck(batch, people, hinted=True) for batch, people in hints.take(HINTS_PER_ROUND)
    ]
    if hinted:
        _run_checks(asking, hinted)
    claimed = _claim(timezone.now())
    for place, batch in enumerate(claimed):
        if timezone.now() >= asking.until or not keep():
            _make_due(claimed[place:])
            break
        _run_checks(asking, [_planned_check(batch)])
    return bool(hinted or claimed)


def _make_due(batches: Sequence[Batch]) -> None:
    """Due again at once: claimed, and not asked for."""
    for batch in batches:
        Batch.objects.filter(pk=batch.pk, checks=batch.checks).update(check_at=timezone.now())


def _never_checked(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(
        state=BatchState.DONE, checks=0, check_at__isnull=True, done_at__lte=now - FIRST_CHECK
    )


def _claim(now: datetime) -> list[Batch]:
    skip = connection.features.has_select_for_update_skip_locked
    most = (
        BATCHES_PER_ROUND
        if not settings.STATUS_RATE
        else min(BATCHES_PER_ROUND, settings.STATUS_RATE // MAX_RECIPIENTS + 1)
    )
    with transaction.atomic():
        ids = list(
            _never_checked(now)
            .select_for_update(skip_locked=skip)
            .order_by("done_at")
            .values_list("pk", flat=True)[:most]
        )
        if len(ids) < most:
            again = (
                Batch.objects.filter(check_at__lte=now)
                .select_for_update(skip_locked=skip)
                .order_by("check_at")
            )
            ids += again.values_list("pk", flat=True)[: most - len(ids)]
        batches = Batch.objects.filter(pk__in=ids)
        batches.update(check_at=now + CLAIM_TIME)
        return list(batches.select_related("campaign"))


def _planned_check(batch: Batch) -> BatchCheck:
    """Everybody of a batch who is worth asking for in this look."""
    people = list(_open_recipients(batch))
    on_the_way = [person for person in people if person.delivery_state != DeliveryState.DELIVERED]
    return BatchCheck(
        batch, on_the_way if on_the_way and not checks_for_reads(batch.checks) else people
    )


def _open_recipients(batch: Batch) -> QuerySet[Recipient]:
    return Recipient.objects.filter(
        campaign_id=batch.campaign_id,
        batch_number=batch.number,
        send_state=SendState.ACCEPTED,
        final=False,
    )


def _run_checks(asking: PollRun, checks: Sequence[BatchCheck]) -> None:
    """Ask for everybody in `checks` at once, then write down what was learnt, a batch at a time."""
    outside = []
    for check in checks:
        if check.batch.campaign.is_rehearsal:
            _write(check, _rehearsal_statuses(check), cut_short=False)
        else:
            outside.append(check)
    if outside:
        _ask_gateway(asking, outside)
    failpoint("checked")


def _rehearsal_statuses(check: BatchCheck) -> list[StatusUpdate]:
    """What the gateway of a rehearsal says, which is in this house: no rate holds it up."""
    batch = check.batch
    gateway = RehearsalGateway(batch.campaign).client(
        batch.country, check.people, batch.intended_at or batch.done_at
    )
    answers = [(person, gateway.status_by_reference(person.reference)) for person in check.people]
    return [StatusUpdate(person, status) for person, status in answers if status]


def _ask_gateway(asking: PollRun, checks: Sequence[BatchCheck]) -> None:
    people = [person for check in checks for person in check.people]
    rate_control.take(RATE_SCOPE, len(people), settings.STATUS_RATE, timezone.now())
    answers = asking.pool.map(asking.status, people)
    learnt = [
        [StatusUpdate(person, status) for person in check.people if (status := next(answers))]
        for check in checks
    ]
    if asking.throttled:
        asking.throttled = False
        rate_control.rest(RATE_SCOPE, timezone.now() + THROTTLE_PAUSE, timezone.now())
    failpoint("asked")
    for check, news in zip(checks, learnt, strict=True):
        _write(check, news, cut_short=asking.cut_short)


def _write(check: BatchCheck, news: Sequence[StatusUpdate], *, cut_short: bool) -> None:
    batch = check.batch
    campaign = Campaign.objects.get(pk=batch.campaign_id)
    sent_at = batch.intended_at or batch.done_at or timezone.now()
    with transaction.atomic():
        moved = record_updates(news, campaign, batch.country, sent_at)
        # of a rehearsal nothing more comes than what its gateway says at once
        left = (
            set()
            if campaign.is_rehearsal
            else set(_open_recipients(batch).values_list("delivery_state", flat=True))
        )
        on_the_way = bool(left - {DeliveryState.DELIVERED})
        then = (
            next_check(sent_at, timezone.now(), campaign.validity, on_the_way=on_the_way)
            if left
            else None
        )
        if then and cut_short:
            then = timezone.now()
        changes: dict[str, Any] = {"checks": F("checks") + 1, "check_at": then}
        # no SMS will follow
        changes["held"] = _remaining_hold(batch, moved) if then and on_the_way else None
        if then and check.hinted and on_the_way:
            # the others' turn does not wait for hints
            changes["check_at"] = Coalesce(F("check_at"), Value(then))
        if not Batch.objects.filter(pk=batch.pk, checks=batch.checks).update(**changes):
            transaction.set_rollback(True)
        failpoint("recorded")


def _remaining_hold(batch: Batch, moved: Sequence[Movement]) -> Decimal | None:
    """What stays held for the SMS that may follow: `moved` came out of it, so that nothing is
    counted twice.
    """
    if batch.held is None:
        return None
    of_it = [
        amount
        for one in moved
        if one.currency == batch.held_currency
        for _person, amount in one.amounts
    ]
    left: Decimal = batch.held - sum(filter(None, of_it), ZERO)
    return max(left, ZERO)
