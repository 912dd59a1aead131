"""Ask the gateway for the statuses of messages, batch by batch, as a batch is sent at one moment.

A worker claims a batch by moving its next check into the future. It writes the answers only if
nobody else has checked the batch since (`checks` is unchanged), so no adjustment is entered twice.
Recipients with a hint are asked for in between, without the rest of their batch.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch import evidence
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import pause_for_currency
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import (
    Batch,
    BatchState,
    DeliveryState,
    Evidence,
    Recipient,
    SendState,
)
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.rehearsals import RehearsalGateway
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.status_questions import StatusQuestions, StatusReply
from campaigns.gateway.errors import GatewayUnreadable
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import Address
from campaigns.ledger.entries import Movement
from campaigns.results.polling import hints
from campaigns.results.polling.poll_schedule import FIRST_CHECK, checks_for_reads, next_check
from campaigns.results.polling.recording import StatusUpdate, record_updates
from campaigns.shared.money import ZERO

BATCHES_PER_ROUND = 10
HINTS_PER_ROUND = 200  # recipients with a hint
CLAIM_TIME = timedelta(minutes=3)  # after it, another worker may check the batch
LONGEST_SLEEP = 1.0  # seconds, at most, before the rate is looked at again
# Until a batch is asked for again of which the gateway did not answer all questions.
RETRY_AFTER = timedelta(seconds=10)
RETRY_RARELY, RETRY_FOR = timedelta(minutes=10), timedelta(days=30)  # after the plan has ended
RATE_SCOPE = "statuses"  # names the rate that all workers share


@dataclass(slots=True)
class BatchCheck:
    """A batch as it was read, and its recipients to ask for."""

    batch: Batch
    recipients: list[Recipient]
    is_hinted: bool = False  # because of hints; the others are asked for as planned


@dataclass(frozen=True, slots=True)
class PollRun:
    """The polling of one process until `until` or while `may_go_on()`."""

    client: Client
    questions: StatusQuestions
    until: datetime
    may_go_on: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Replies:
    """What the gateway replied about the recipients of one check."""

    updates: list[StatusUpdate]
    has_failures: bool = False  # somebody got no answer, and is to be asked for again
    is_cut_short: bool = False  # the time was over before all were asked for
    unreadable: GatewayUnreadable | None = None  # the first answer that could not be read


def is_due(now: datetime) -> bool:
    """Whether any message is to be asked for now."""
    due_again = Batch.objects.filter(of_reachable(), check_at__lte=now)
    return hints.waiting().exists() or _never_checked(now).exists() or due_again.exists()


def poll(
    client: Client, connections: int, until: datetime, may_go_on: Callable[[], bool] = lambda: True
) -> bool:
    """Ask for what is due, within STATUS_RATE. Return whether some is left at `until`.

    `may_go_on` is called before each batch; polling stops when it returns False.
    """
    with ThreadPoolExecutor(connections, "poll") as pool:
        run = PollRun(client, StatusQuestions(pool, until, may_go_on), until, may_go_on)
        while timezone.now() < until and may_go_on():
            wait = rate_control.seconds_to_wait(RATE_SCOPE, settings.STATUS_RATE, timezone.now())
            if wait:
                time.sleep(min(wait, LONGEST_SLEEP))
            elif not _poll_round(run):
                return False
    return True


def _poll_round(run: PollRun) -> bool:
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
    if claimed and timezone.now() < run.until and run.may_go_on():
        _run_checks(run, [_planned_check(batch) for batch in claimed])
    else:
        _make_due(claimed)
    return bool(hinted or claimed)


def _make_due(batches: Sequence[Batch]) -> None:
    """Make batches due at once that were claimed but not asked for."""
    for batch in batches:
        Batch.objects.filter(pk=batch.pk, checks=batch.checks).update(check_at=timezone.now())


def _never_checked(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(
        of_reachable(),
        state=BatchState.DONE,
        checks=0,
        check_at__isnull=True,
        done_at__lte=now - FIRST_CHECK,
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
                Batch.objects.filter(of_reachable(), check_at__lte=now)
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
            _write(check, Replies(_rehearsal_statuses(check)))
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
    messages = [Address(recipient.msisdn, recipient.reference) for recipient in recipients]
    replies = run.questions.ask(run.client, messages)
    _adapt_rate(replies)
    failpoint("asked")
    remaining = iter(replies)
    for check in checks:
        _write(check, _read_replies(check, remaining))


def _read_replies(check: BatchCheck, replies: Iterator[StatusReply]) -> Replies:
    """The next of `replies`, as many as `check` has recipients."""
    own = list(zip(check.recipients, replies, strict=False))
    return Replies(
        [StatusUpdate(recipient, reply.status) for recipient, reply in own if reply.status],
        has_failures=any(reply.has_failed for _recipient, reply in own),
        is_cut_short=not all(reply.was_asked for _recipient, reply in own),
        unreadable=next(
            (
                reply.error
                for _recipient, reply in own
                if isinstance(reply.error, GatewayUnreadable)
            ),
            None,
        ),
    )


def _adapt_rate(replies: Sequence[StatusReply]) -> None:
    """Ask less often while the gateway asks for that or answers nothing; else at full rate."""
    asked = [reply for reply in replies if reply.was_asked]
    throttled = [reply for reply in asked if reply.is_throttled]
    if throttled:
        requested = [reply.retry_after for reply in throttled if reply.retry_after is not None]
        rate_control.back_off(RATE_SCOPE, timezone.now(), max(requested, default=None))
    elif asked and all(reply.has_failed for reply in asked):
        rate_control.back_off(RATE_SCOPE, timezone.now())
    elif asked:
        rate_control.recover(RATE_SCOPE)


def _write(check: BatchCheck, replies: Replies) -> None:
    """Write `replies` and the batch's next check; nothing if another worker has checked it."""
    batch = check.batch
    campaign = Campaign.objects.get(pk=batch.campaign_id)
    sent_at = batch.intended_at or batch.done_at or timezone.now()
    due_at = sent_at
    if campaign.timing == Timing.GATEWAY and campaign.scheduled_at:
        due_at = max(sent_at, campaign.scheduled_at)  # the gateway has it before it is due
    with transaction.atomic():
        unchanged = Batch.objects.select_for_update().filter(pk=batch.pk, checks=batch.checks)
        if not unchanged.values_list("pk", flat=True).first():
            return
        movements = record_updates(replies.updates, campaign, batch.country, sent_at)
        open_states = (
            set()  # its gateway answers with the final status at once
            if campaign.is_rehearsal
            else set(_open_recipients(batch).values_list("delivery_state", flat=True))
        )
        on_the_way = bool(open_states - {DeliveryState.DELIVERED})
        check_at = (
            _next_check(due_at, campaign.validity, replies, on_the_way=on_the_way)
            if open_states
            else None
        )
        if check_at is None:
            _settle_undelivered(batch)
        changes: dict[str, Any] = {"checks": F("checks") + 1, "check_at": check_at}
        if check_at and check.is_hinted and on_the_way:
            # a hint does not put off the check of the others
            changes["check_at"] = Coalesce(F("check_at"), Value(check_at))
        _save_evidence(batch, replies)
        Batch.objects.filter(pk=batch.pk).update(**changes)
        if batch.worst_case is not None or batch.held is not None:
            holds.recompute([batch.pk])
            _check_currencies(batch, movements)
        failpoint("recorded")


def _settle_undelivered(batch: Batch) -> None:
    """At the end of the plan: an SMS fallback that has not come by now does not come any more.

    Messages without an end stay open, for delivery reports that come late.
    """
    _open_recipients(batch).filter(
        delivery_state__in=[DeliveryState.NOT_DELIVERED, DeliveryState.FALLBACK]
    ).update(final=True)


def _check_currencies(batch: Batch, movements: Sequence[Movement]) -> None:
    """Pause the campaign if something was charged in another currency than was reserved."""
    for movement in movements:
        amounts = [amount for _recipient_id, amount in movement.amounts if amount]
        if movement.currency != batch.held_currency and max(amounts, default=ZERO) > 0:
            pause_for_currency(batch.campaign_id, batch.held_currency, movement.currency)
            return


def _save_evidence(batch: Batch, replies: Replies) -> None:
    """Keep what could not be read, and the text of a price that was rounded."""
    if error := replies.unreadable:
        unreadable = Evidence(
            campaign_id=batch.campaign_id,
            batch_number=batch.number,
            what=f"A status could not be read: {error}",
            http_status=error.http_status,
            body=error.body,
        )
        evidence.save([unreadable])
    rounded = next((update.status for update in replies.updates if update.status.rounded), None)
    if rounded:
        evidence.save_rounded_price(batch.campaign_id, batch.number, rounded.body)


def _next_check(
    due_at: datetime, validity: int, replies: Replies, *, on_the_way: bool
) -> datetime | None:
    """When to ask next; None: not again. Only answers end the plan, failed questions never do."""
    now = timezone.now()
    if replies.is_cut_short:
        return now
    planned = next_check(due_at, now, validity, on_the_way=on_the_way)
    if not replies.has_failures or now > due_at + RETRY_FOR:
        return planned
    if planned and not replies.unreadable:
        return min(planned, now + RETRY_AFTER)
    return planned or now + RETRY_RARELY
