"""Checks of batches: whom is asked about, and how the replies are recorded.

The replies are written only if nobody else has checked the batch since (`checks` is unchanged), so
no adjustment is entered twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import timezone

from campaigns.compose.launch import lifecycle
from campaigns.dispatch import evidence
from campaigns.dispatch.budgets import holds
from campaigns.dispatch.budgets.reservations import pause_for_currency
from campaigns.dispatch.failpoints import failpoint
from campaigns.dispatch.models import Batch, DeliveryState, Evidence, Recipient, SendState
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.errors import GatewayUnreadable
from campaigns.gateway.types import Address
from campaigns.ledger.entries import Movement
from campaigns.results.polling.poll_schedule import next_check
from campaigns.results.polling.recording import BatchUpdates, StatusUpdate, record_updates
from campaigns.shared import bulk
from campaigns.shared.money import ZERO

BATCHES_PER_TRANSACTION = 20
# Until a batch is asked for again of which the gateway did not answer all questions.
RETRY_AFTER = timedelta(seconds=10)
RETRY_RARELY, RETRY_FOR = timedelta(minutes=10), timedelta(days=30)  # after the plan has ended
BATCH = Batch._meta.db_table
BATCH_COLUMNS = {
    "check_at": "timestamptz", "checks": "integer", "asked_at": "timestamptz",
    "answered_at": "timestamptz",
}  # fmt: skip
DELIVERED = {DeliveryState.DELIVERED.value}


@dataclass(frozen=True, slots=True)
class BatchCheck:
    """A batch as it was read, and its recipients to ask for."""

    batch: Batch
    recipients: list[Recipient]
    is_hinted: bool = False  # because of hints; the others are asked for as planned

    @property
    def batch_id(self) -> int:
        """The batch."""
        return self.batch.pk

    @property
    def messages(self) -> list[Address]:
        """The messages to ask about."""
        return [Address(recipient.msisdn, recipient.reference) for recipient in self.recipients]


@dataclass(frozen=True, slots=True)
class Replies:
    """What the gateway replied about the recipients of one check."""

    updates: list[StatusUpdate]
    has_failures: bool = False  # somebody got no answer, and is to be asked for again
    is_cut_short: bool = False  # the time was over before all were asked for
    unreadable: GatewayUnreadable | None = None  # the first answer that could not be read


def record_checks(answered: Sequence[tuple[BatchCheck, Sequence[StatusReply]]]) -> None:
    """Write the replies about each check, those of some batches at a time."""
    write_all([(check, read_replies(check, replies)) for check, replies in answered])


def write_all(checked: Sequence[tuple[BatchCheck, Replies]]) -> None:
    """Write what was replied, that of some batches at a time."""
    for start in range(0, len(checked), BATCHES_PER_TRANSACTION):
        write_checks(checked[start : start + BATCHES_PER_TRANSACTION])


def still_open(batches: Sequence[Batch]) -> Iterator[tuple[Batch, Recipient]]:
    """The accepted recipients of `batches` whose status may change, each with its batch.

    One query for each campaign.
    """
    by_number = {(batch.campaign_id, batch.number): batch for batch in batches}
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        for recipient in _open_recipients(campaign_id, numbers):
            yield by_number[campaign_id, recipient.batch_number], recipient


def count_open(batches: Sequence[Batch]) -> Counter[int]:
    """How many recipients `still_open` would give for each batch, by the batch's id."""
    by_number = {(batch.campaign_id, batch.number): batch.pk for batch in batches}
    counts: Counter[int] = Counter()
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        rows = _open_recipients(campaign_id, numbers).order_by().values_list("batch_number")
        for number, count in rows.annotate(Count("pk")):
            counts[by_number[campaign_id, number]] = count
    return counts


def _numbers_by_campaign(batches: Sequence[Batch]) -> dict[int, list[int]]:
    numbers: defaultdict[int, list[int]] = defaultdict(list)
    for batch in batches:
        numbers[batch.campaign_id].append(batch.number)
    return numbers


def _open_recipients(campaign_id: int, batch_numbers: Sequence[int]) -> QuerySet[Recipient]:
    return Recipient.objects.filter(
        campaign_id=campaign_id,
        batch_number__in=batch_numbers,
        send_state=SendState.ACCEPTED,
        final=False,
    ).order_by("pk")


def read_replies(check: BatchCheck, replies: Sequence[StatusReply]) -> Replies:
    """What `replies`, one for each recipient of `check`, mean."""
    own = list(zip(check.recipients, replies, strict=True))
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


def write_checks(answered: Sequence[tuple[BatchCheck, Replies]]) -> None:
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
            open_states = states[batch.campaign_id, batch.number]
            check_at = _next_check(check, replies, open_states, planned[batch.pk])
            if check_at is None:
                ended.append(batch)
            rows.append(_batch_row(batch, check_at, replies))
            _save_evidence(batch, replies)
        bulk.update(BATCH, {}, BATCH_COLUMNS, rows)
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
        rows = _open_recipients(campaign_id, numbers).order_by()
        for number, state in rows.values_list("batch_number", "delivery_state").distinct():
            states[campaign_id, number].add(state)
    return states


def _settle_undelivered(batches: Sequence[Batch]) -> None:
    """At the end of the plan: an SMS fallback that has not come by now does not come any more.

    Messages without an end stay open, for delivery reports that come late.
    """
    for campaign_id, numbers in _numbers_by_campaign(batches).items():
        _open_recipients(campaign_id, numbers).filter(
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
            pause = pause_for_currency(batch.campaign_id, batch.held_currency, movement.currency)
            if pause:
                lifecycle.pause_if_running(*pause)
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


def _batch_row(batch: Batch, check_at: datetime | None, replies: Replies) -> tuple[object, ...]:
    now = timezone.now()
    answered_at = batch.answered_at if replies.has_failures else now
    moments = (None if each is None else bulk.moment(each) for each in (check_at, now, answered_at))
    check_at_text, *asked_and_answered = moments
    return check_at_text, batch.checks + 1, *asked_and_answered, batch.pk


def _next_check(
    check: BatchCheck, replies: Replies, states: set[str], planned_before: datetime | None
) -> datetime | None:
    """When to ask next, by the `states` of open recipients; None: not again.

    A hint does not put off the check of the other recipients, which is at `planned_before`.
    """
    check_at = _next_check_of_batch(check.batch, replies, states)
    if check_at and check.is_hinted and states - DELIVERED:
        return planned_before or check_at
    return check_at


def _next_check_of_batch(batch: Batch, replies: Replies, states: set[str]) -> datetime | None:
    """As above. Only answers end the plan, failed questions never do."""
    now = timezone.now()
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
