"""Ask the gateway for the statuses of messages. A batch, sent at one moment, is due as a whole.

A worker claims a batch by moving its next check into the future. It writes the answers only if
nobody else has checked the batch since (`checks` is unchanged), so no adjustment is entered twice.
Recipients with a hint are asked for in between, without the rest of their batch.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from campaigns.compose.launch.reachable import of_reachable
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
from campaigns.gateway.bsg.status_questions import (
    StartedQuestions,
    StatusQuestions,
    StatusReply,
    requested_wait,
)
from campaigns.gateway.errors import GatewayUnreadable
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.gateway.types import Address
from campaigns.ledger.entries import Movement
from campaigns.results.polling import hints
from campaigns.results.polling.poll_schedule import FIRST_CHECK, checks_for_reads, next_check
from campaigns.results.polling.recording import BatchUpdates, StatusUpdate, record_updates
from campaigns.shared import bulk
from campaigns.shared.money import ZERO

# Recipients to ask for in one round: enough to keep the connections busy while answers are written.
PEOPLE_PER_ROUND, PEOPLE_PER_CONNECTION = 500, 10
BATCHES_PER_ROUND, BATCHES_PER_TRANSACTION = 200, 20
HINTS_PER_ROUND = 200  # recipients with a hint
CLAIM_TIME = timedelta(minutes=3)  # after it, another worker may check the batch
LONGEST_SLEEP = 1.0  # seconds, at most, before the rate is looked at again
# Until a batch is asked for again of which the gateway did not answer all questions.
RETRY_AFTER = timedelta(seconds=10)
RETRY_RARELY, RETRY_FOR = timedelta(minutes=10), timedelta(days=30)  # after the plan has ended
BATCH = Batch._meta.db_table
DELIVERED = {DeliveryState.DELIVERED.value}
RATE_SCOPE = "statuses"  # names the rate that all workers share


@dataclass(slots=True)
class BatchCheck:
    """A batch as it was read, and its recipients to ask for."""

    batch: Batch
    recipients: list[Recipient]
    is_hinted: bool = False  # because of hints; the others are asked for as planned


@dataclass(frozen=True, slots=True)
class Round:
    """Checks whose questions are under way."""

    checks: list[BatchCheck]
    questions: StartedQuestions


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

    `may_go_on` is called again and again; polling stops when it returns False.
    """
    with ThreadPoolExecutor(connections, "poll") as pool:
        questions = StatusQuestions(pool, until, may_go_on)
        poller = Poller(client, questions, connections)
        while True:
            going_on = timezone.now() < until and may_go_on()
            wait = rate_control.seconds_to_wait(RATE_SCOPE, settings.STATUS_RATE, timezone.now())
            if poller.step(start_more=going_on and not wait):
                continue
            if not going_on:
                return True
            if not wait:
                return False
            time.sleep(min(wait, LONGEST_SLEEP))


class Poller:
    """Asks in rounds: while the gateway answers one, the answers of the last are written."""

    def __init__(self, client: Client, questions: StatusQuestions, connections: int) -> None:
        self.client = client
        self.questions = questions
        self.people = max(PEOPLE_PER_CONNECTION * connections, PEOPLE_PER_ROUND)
        self.open_per_batch = float(MAX_RECIPIENTS)  # recipients, in the last round
        self.round: Round | None = None  # under way

    def step(self, *, start_more: bool) -> bool:
        """Start the next round, and write the answers of the last. Return whether there was any."""
        last = self.round
        under_way = {check.batch.pk for check in last.checks} if last else set()
        self.round = self._start_round(under_way) if start_more else None
        if last:
            _finish_round(self.questions, last)
        return bool(last or self.round)

    def _start_round(self, under_way: set[int]) -> Round | None:
        """Ask for some hints and some batches, so that neither waits for the other.

        None if there are none. Batches that are `under_way` are left alone.
        """
        checks = []
        for batch, recipients in hints.take(HINTS_PER_ROUND):
            if batch.pk in under_way:
                hints.put_back(recipients)
            else:
                checks.append(BatchCheck(batch, recipients, is_hinted=True))
        hinted = {check.batch.pk for check in checks}
        claimed = _claim(timezone.now(), self._batches_to_claim(), under_way | hinted)
        planned = _planned_checks(claimed)
        if planned:
            self.open_per_batch = sum(len(check.recipients) for check in planned) / len(planned)
        checks += planned
        at_gateway = [check for check in checks if not check.batch.campaign.is_rehearsal]
        recipients = [recipient for check in at_gateway for recipient in check.recipients]
        rate_control.take_tokens(RATE_SCOPE, len(recipients), settings.STATUS_RATE, timezone.now())
        messages = [Address(recipient.msisdn, recipient.reference) for recipient in recipients]
        started = self.questions.start(self.client, messages)
        for check in checks:
            if check.batch.campaign.is_rehearsal:
                _write([(check, Replies(_rehearsal_statuses(check)))])
        return Round(at_gateway, started) if checks else None

    def _batches_to_claim(self) -> int:
        people = min(self.people, settings.STATUS_RATE or self.people)
        return min(int(people / max(self.open_per_batch, 1.0)) + 1, BATCHES_PER_ROUND)


def _never_checked(now: datetime) -> QuerySet[Batch]:
    return Batch.objects.filter(
        of_reachable(),
        state=BatchState.DONE,
        checks=0,
        check_at__isnull=True,
        done_at__lte=now - FIRST_CHECK,
    )


def _claim(now: datetime, most: int, except_for: set[int]) -> list[Batch]:
    """Up to `most` batches that are due, for this worker alone until CLAIM_TIME.

    Those that are due again and those never asked for get half each, as far as there are any, so
    that neither waits for all of the other; within each the one that has waited longest is first.
    """
    skip = connection.features.has_select_for_update_skip_locked
    again = Batch.objects.filter(of_reachable(), check_at__lte=now).order_by("check_at")
    new = _never_checked(now).order_by("done_at")
    with transaction.atomic():
        ids: list[int] = []
        for due, share in ((again, most // 2), (new, most), (again, most)):
            rows = due.exclude(pk__in={*ids, *except_for}).select_for_update(skip_locked=skip)
            ids += rows.values_list("pk", flat=True)[: max(share - len(ids), 0)]
        batches = Batch.objects.filter(pk__in=ids)
        batches.update(check_at=now + CLAIM_TIME)
        return list(batches.select_related("campaign"))


def _numbers_by_campaign(batches: Sequence[Batch]) -> dict[int, list[int]]:
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for batch in batches:
        numbers[batch.campaign_id].append(batch.number)
    return numbers


def _planned_checks(batches: Sequence[Batch]) -> list[BatchCheck]:
    """The recipients of `batches` to ask for now, read with one query for each campaign."""
    recipients: defaultdict[tuple[int, int], list[Recipient]] = defaultdict(list)
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        for recipient in _still_open(campaign_id, numbers):
            recipients[campaign_id, recipient.batch_number].append(recipient)
    return [_planned_check(batch, recipients[batch.campaign_id, batch.number]) for batch in batches]


def _planned_check(batch: Batch, recipients: list[Recipient]) -> BatchCheck:
    """Whom of the open `recipients` to ask for now: delivered ones only in some of the checks."""
    on_the_way = [
        recipient for recipient in recipients if recipient.delivery_state != DeliveryState.DELIVERED
    ]
    if on_the_way and not checks_for_reads(batch.checks):
        return BatchCheck(batch, on_the_way)
    return BatchCheck(batch, recipients)


def _still_open(campaign_id: int, batch_numbers: Sequence[int]) -> QuerySet[Recipient]:
    return Recipient.objects.filter(
        campaign_id=campaign_id,
        batch_number__in=batch_numbers,
        send_state=SendState.ACCEPTED,
        final=False,
    ).order_by("pk")


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


def _finish_round(questions: StatusQuestions, asked: Round) -> None:
    """Wait for the answers of a round and write them, those of some batches at a time."""
    replies = questions.finish(asked.questions)
    _adapt_rate(replies)
    failpoint("asked")
    remaining = iter(replies)
    answered = [(check, _read_replies(check, remaining)) for check in asked.checks]
    for start in range(0, len(answered), BATCHES_PER_TRANSACTION):
        _write(answered[start : start + BATCHES_PER_TRANSACTION])
    failpoint("checked")


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
        rate_control.back_off(RATE_SCOPE, timezone.now(), requested_wait(throttled))
    elif asked and all(reply.has_failed for reply in asked):
        rate_control.back_off(RATE_SCOPE, timezone.now())
    elif asked:
        rate_control.recover(RATE_SCOPE)


def _write(answered: Sequence[tuple[BatchCheck, Replies]]) -> None:
    """Write the replies of some checks in one transaction, and when each batch is asked for next.

    Nothing is written for a batch that another worker has checked.
    """
    with transaction.atomic():
        planned = _lock_batches([check.batch for check, _replies in answered])
        own = [(check, replies) for check, replies in answered if check.batch.pk in planned]
        moved = record_updates([_batch_updates(check, replies) for check, replies in own])
        failpoint("results_written")
        states = _open_states([check.batch for check, _replies in own])
        rows, ended = [], []
        for check, replies in own:
            batch = check.batch
            check_at = _next_check(check, replies, states[batch.campaign_id, batch.number])
            if check_at is None:
                ended.append(batch)
            elif check.is_hinted and states[batch.campaign_id, batch.number] - DELIVERED:
                # a hint does not put off the check of the others
                check_at = planned[batch.pk] or check_at
            rows.append((check_at and bulk.moment(check_at), batch.checks + 1, batch.pk))
            _save_evidence(batch, replies)
        bulk.update(BATCH, {}, {"check_at": "timestamptz", "checks": "integer"}, rows)
        _settle_undelivered(ended)
        _update_holds([check.batch for check, _replies in own], moved)
        failpoint("recorded")


def _lock_batches(batches: Sequence[Batch]) -> dict[int, datetime | None]:
    """Lock those of `batches` that nobody has checked since; their id and `check_at`."""
    checks = {batch.pk: batch.checks for batch in batches}
    locked = Batch.objects.select_for_update().filter(pk__in=checks).order_by("pk")
    rows = locked.values_list("pk", "checks", "check_at")
    return {pk: check_at for pk, now_checked, check_at in rows if now_checked == checks[pk]}


def _batch_updates(check: BatchCheck, replies: Replies) -> BatchUpdates:
    batch = check.batch
    return BatchUpdates(replies.updates, batch.campaign, batch.country, _sent_at(batch))


def _sent_at(batch: Batch) -> datetime:
    return batch.intended_at or batch.done_at or timezone.now()


def _open_states(batches: Sequence[Batch]) -> defaultdict[tuple[int, int], set[str]]:
    """The delivery states of open recipients, by campaign and number of the batch."""
    states: defaultdict[tuple[int, int], set[str]] = defaultdict(set)
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        rows = _still_open(campaign_id, numbers).order_by()
        for number, state in rows.values_list("batch_number", "delivery_state").distinct():
            states[campaign_id, number].add(state)
    return states


def _settle_undelivered(batches: Sequence[Batch]) -> None:
    """At the end of the plan: an SMS fallback that has not come by now does not come any more.

    Messages without an end stay open, for delivery reports that come late.
    """
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        _still_open(campaign_id, numbers).filter(
            delivery_state__in=[DeliveryState.NOT_DELIVERED, DeliveryState.FALLBACK]
        ).order_by().update(final=True)


def _update_holds(batches: Sequence[Batch], moved: Sequence[Sequence[Movement]]) -> None:
    """Work out what `batches` hold now, and look at the currencies of the money that moved."""
    limited = [
        (batch, movements)
        for batch, movements in zip(batches, moved, strict=True)
        if batch.worst_case is not None or batch.held is not None
    ]
    holds.recompute([batch.pk for batch, _movements in limited])
    for batch, movements in limited:
        _check_currencies(batch, movements)


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


def _next_check(check: BatchCheck, replies: Replies, states: set[str]) -> datetime | None:
    """When to ask next, by the `states` of open recipients; None: not again.

    Only answers end the plan, failed questions never do.
    """
    batch, now = check.batch, timezone.now()
    if not states or batch.campaign.is_rehearsal:  # its gateway names the final status at once
        return None
    if replies.is_cut_short:
        return now
    due_at = batch.campaign.due_at(_sent_at(batch))
    on_the_way = bool(states - DELIVERED)
    planned = next_check(due_at, now, batch.campaign.validity, on_the_way=on_the_way)
    if not replies.has_failures or now > due_at + RETRY_FOR:
        return planned
    if planned and not replies.unreadable:
        return min(planned, now + RETRY_AFTER)
    return planned or now + RETRY_RARELY
