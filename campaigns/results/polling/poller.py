"""Ask the gateway for the statuses of messages, batch by batch, as a batch is sent at one moment.

A worker claims a batch by moving its next check into the future. It writes the answers only if
nobody else has checked the batch since (`checks` is unchanged), so no adjustment is entered twice.
Recipients with a hint are asked for in between, without the rest of their batch.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.compose.models import Campaign
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import pause_for_currency
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

BATCHES_PER_ROUND = 10
HINTS_PER_ROUND = 200  # recipients with a hint
CLAIM_TIME = timedelta(minutes=3)  # after it, another worker may check the batch
LONGEST_SLEEP = 1.0  # seconds, at most, before the rate is looked at again
THROTTLE_PAUSE = timedelta(seconds=5)  # without polling, after HTTP 429 or error 11
RATE_SCOPE = "statuses"  # names the rate that all workers share


@dataclass(slots=True)
class BatchCheck:
    """A batch as it was read, and its recipients to ask for."""

    batch: Batch
    recipients: list[Recipient]
    is_hinted: bool = False  # because of hints; the others are asked for as planned


@dataclass(slots=True)
class PollRun:
    """The polling of one process until `until`."""

    client: Client
    pool: ThreadPoolExecutor
    until: datetime
    is_throttled: bool = False  # the gateway answered HTTP 429 or error 11
    is_cut_short: bool = False  # the time was over before all were asked for

    def status(self, recipient: Recipient) -> MessageStatus | None:
        """None if there is no answer, or if the gateway does not know the message."""
        if timezone.now() >= self.until:  # a slow gateway must not keep a task beyond its time
            self.is_cut_short = True
            return None
        try:
            return self.client.status_by_reference(recipient.reference)
        except GatewayRefused as refused:
            self.is_throttled = self.is_throttled or refused.code == TOO_MANY_AT_ONCE
            return None
        except GatewayError:
            return None


def is_due(now: datetime) -> bool:
    """Whether any message is to be asked for now."""
    due_again = Batch.objects.filter(check_at__lte=now)
    return StatusHint.objects.exists() or _never_checked(now).exists() or due_again.exists()


def poll(
    client: Client, connections: int, until: datetime, may_go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Ask for what is due, within STATUS_RATE. Return whether some is left at `until`.

    `may_go_on` is called before each batch; polling stops when it returns False.
    """
    with ThreadPoolExecutor(connections, "poll") as pool:
        run = PollRun(client, pool, until)
        while timezone.now() < until and may_go_on():
            wait = rate_control.seconds_to_wait(RATE_SCOPE, settings.STATUS_RATE, timezone.now())
            if wait:
                time.sleep(min(wait, LONGEST_SLEEP))
            elif not _poll_round(run, may_go_on):
                return False
    return True


def _poll_round(run: PollRun, may_go_on: Callable[[], bool]) -> bool:
    """Ask for some hints and some batches, so that neither waits for the other.

    Return whether there were any.
    """
    hinted = [
        BatchCheck(batch, recipients, is_hinted=True)
        for batch, recipients in hints.take(HINTS_PER_ROUND)
    ]
    if hinted:
        _run_checks(run, hinted)
    claimed = _claim(timezone.now())
    for position, batch in enumerate(claimed):
        if timezone.now() >= run.until or not may_go_on():
            _make_due(claimed[position:])
            break
        _run_checks(run, [_planned_check(batch)])
    return bool(hinted or claimed)


def _make_due(batches: Sequence[Batch]) -> None:
    """Make batches due at once that were claimed but not asked for."""
    for batch in batches:
        Batch.objects.filter(pk=batch.pk, checks=batch.checks).update(check_at=timezone.now())


def _never_checked(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(
        state=BatchState.DONE, checks=0, check_at__isnull=True, done_at__lte=now - FIRST_CHECK
    )


def _claim(now: datetime) -> list[Batch]:
    """Batches that are due, for this worker alone until CLAIM_TIME."""
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
    """The recipients of `batch` to ask for now: delivered ones only in some of the checks."""
    recipients = list(_open_recipients(batch))
    on_the_way = [
        recipient for recipient in recipients if recipient.delivery_state != DeliveryState.DELIVERED
    ]
    if on_the_way and not checks_for_reads(batch.checks):
        return BatchCheck(batch, on_the_way)
    return BatchCheck(batch, recipients)


def _open_recipients(batch: Batch) -> QuerySet[Recipient]:
    return Recipient.objects.filter(
        campaign_id=batch.campaign_id,
        batch_number=batch.number,
        send_state=SendState.ACCEPTED,
        final=False,
    )


def _run_checks(run: PollRun, checks: Sequence[BatchCheck]) -> None:
    """Ask for the recipients of all `checks` at once, then write the answers batch by batch."""
    at_gateway = []
    for check in checks:
        if check.batch.campaign.is_rehearsal:
            _write(check, _rehearsal_statuses(check), is_cut_short=False)
        else:
            at_gateway.append(check)
    if at_gateway:
        _ask_gateway(run, at_gateway)
    failpoint("checked")


def _rehearsal_statuses(check: BatchCheck) -> list[StatusUpdate]:
    """The answers of a rehearsal's gateway, which runs in this process and has no rate."""
    batch = check.batch
    gateway = RehearsalGateway(batch.campaign).client(
        batch.country, check.recipients, batch.intended_at or batch.done_at
    )
    answers = [
        (recipient, gateway.status_by_reference(recipient.reference))
        for recipient in check.recipients
    ]
    return [StatusUpdate(recipient, status) for recipient, status in answers if status]


def _ask_gateway(run: PollRun, checks: Sequence[BatchCheck]) -> None:
    recipients = [recipient for check in checks for recipient in check.recipients]
    rate_control.take_tokens(RATE_SCOPE, len(recipients), settings.STATUS_RATE, timezone.now())
    answers = run.pool.map(run.status, recipients)
    updates = [
        [
            StatusUpdate(recipient, status)
            for recipient in check.recipients
            if (status := next(answers))
        ]
        for check in checks
    ]
    if run.is_throttled:
        run.is_throttled = False
        rate_control.block_until(RATE_SCOPE, timezone.now() + THROTTLE_PAUSE, timezone.now())
    failpoint("asked")
    for check, check_updates in zip(checks, updates, strict=True):
        _write(check, check_updates, is_cut_short=run.is_cut_short)


def _write(check: BatchCheck, updates: Sequence[StatusUpdate], *, is_cut_short: bool) -> None:
    """Write `updates` and the batch's next check; nothing if another worker has checked it."""
    batch = check.batch
    campaign = Campaign.objects.get(pk=batch.campaign_id)
    sent_at = batch.intended_at or batch.done_at or timezone.now()
    with transaction.atomic():
        unchanged = Batch.objects.select_for_update().filter(pk=batch.pk, checks=batch.checks)
        if not unchanged.values_list("pk", flat=True).first():
            return
        movements = record_updates(updates, campaign, batch.country, sent_at)
        open_states = (
            set()  # its gateway answers with the final status at once
            if campaign.is_rehearsal
            else set(_open_recipients(batch).values_list("delivery_state", flat=True))
        )
        on_the_way = bool(open_states - {DeliveryState.DELIVERED})
        check_at = (
            next_check(sent_at, timezone.now(), campaign.validity, on_the_way=on_the_way)
            if open_states
            else None
        )
        if check_at and is_cut_short:
            check_at = timezone.now()
        changes: dict[str, Any] = {"checks": F("checks") + 1, "check_at": check_at}
        if check_at and check.is_hinted and on_the_way:
            # a hint does not put off the check of the others
            changes["check_at"] = Coalesce(F("check_at"), Value(check_at))
        Batch.objects.filter(pk=batch.pk).update(**changes)
        if batch.worst_case is not None or batch.held is not None:
            holds.recompute([batch.pk])
            _check_currencies(batch, movements)
        failpoint("recorded")


def _check_currencies(batch: Batch, movements: Sequence[Movement]) -> None:
    """Pause the campaign if something was charged in another currency than was reserved."""
    for movement in movements:
        amounts = [amount for _recipient_id, amount in movement.amounts if amount]
        if movement.currency != batch.held_currency and max(amounts, default=ZERO) > 0:
            pause_for_currency(batch.campaign_id, batch.held_currency, movement.currency)
            return
