"""What a status means, and when a batch is asked for again after its replies."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine

from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch.models import Batch, DeliveryState, Recipient
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.errors import GatewayError, GatewayUnreadable
from campaigns.gateway.types import Address, FallbackStatus, MessageStatus
from campaigns.ledger.models import Purpose
from campaigns.results.polling.batch_checks import (
    RETRY_AFTER,
    RETRY_FOR,
    RETRY_RARELY,
    BatchCheck,
    Replies,
    _next_check,
    read_replies,
)
from campaigns.results.polling.due_batches import _planned_check
from campaigns.results.polling.poll_schedule import (
    AFTER_VALIDITY,
    FIRST_CHECK,
    checks_for_reads,
    next_check,
)
from campaigns.results.polling.statuses import delivery_state, is_final, moves_forward

SENT = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=number) for number in (1, 60, 3600, 86_400))
TICK = timedelta(microseconds=1)


def status(name: str, *sms: str) -> MessageStatus:
    return MessageStatus(
        "1", "", "", name, None, "",
        fallback=tuple(FallbackStatus("sms", "2", sms_status, None) for sms_status in sms),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reported", "state", "final", "final_with_sms"),
    [
        (status("waiting"), "waiting", False, False),
        (status("sent"), "sent", False, False),
        (status("delivered"), "delivered", False, False),
        (status("delivered", "delivered"), "delivered", False, False),
        (status("read"), "read", True, True),
        (status("read", "sent"), "read", False, False),
        (status("expired"), "not_delivered", True, False),
        (status("expired", "sent"), "fallback", False, False),
        (status("expired", ""), "fallback", False, False),
        (status("expired", "delivered"), "sms_delivered", True, True),
        (status("expired", "delivered", "sent"), "sms_delivered", False, False),
        (status("expired", "undelivered", "delivered"), "sms_delivered", True, True),
        (status("expired", "undelivered"), "fallback", True, True),
        (status("of another kind"), "", False, False),
        (status(""), "", False, False),
    ],
)
def test_state_and_end_of_a_status(
    reported: MessageStatus, state: str, final: bool, final_with_sms: bool
) -> None:
    assert delivery_state(reported).value == state
    assert is_final(reported, expects_sms=False) is final
    assert is_final(reported, expects_sms=True) is final_with_sms


def test_states_move_forward_only() -> None:
    for earlier, later in pairwise(DeliveryState):
        assert moves_forward(earlier.value, later)
        assert moves_forward(later.value, later)
        assert not moves_forward(later.value, earlier)


@pytest.mark.parametrize(
    ("age", "step", "read_step"),
    [
        (SECOND, FIRST_CHECK, FIRST_CHECK),
        (10 * SECOND, FIRST_CHECK, 30 * SECOND),
        (100 * SECOND, MINUTE, 5 * MINUTE),
        (HOUR, 36 * MINUTE, 3 * HOUR),
        (10 * HOUR, 4 * HOUR, 14 * HOUR + MINUTE),  # the gateway decides before
        (23 * HOUR, HOUR + MINUTE, HOUR + MINUTE),
        (DAY + MINUTE - TICK, TICK, TICK),
        (DAY + MINUTE, 4 * HOUR, DAY),
        (DAY + AFTER_VALIDITY, 4 * HOUR, DAY),
        (DAY + AFTER_VALIDITY + TICK, None, None),
    ],
)
def test_step_to_the_next_check(
    age: timedelta, step: timedelta | None, read_step: timedelta | None
) -> None:
    now = SENT + age
    for on_the_way, expected in ((True, step), (False, read_step)):
        then = next_check(SENT, now, 86_400, on_the_way=on_the_way)
        assert then == (None if expected is None else now + expected)
    assert next_check(SENT, now, 86_400) == next_check(SENT, now, 86_400, on_the_way=True)


def test_each_third_check_asks_for_delivered_messages_too() -> None:
    assert [checks_for_reads(checks) for checks in range(6)] == [False, False, True] * 2
    sent, read = Recipient(pk=1, delivery_state="sent"), Recipient(pk=2, delivery_state="delivered")
    for checks, asked in ((0, [sent]), (1, [sent]), (2, [sent, read]), (3, [sent])):
        assert _planned_check(Batch(checks=checks), [sent, read]).recipients == asked
        assert _planned_check(Batch(checks=checks), [read]).recipients == [read]


DOWN, UNREADABLE = GatewayError("down"), GatewayUnreadable("odd")
FOUND, NOT_FOUND = StatusReply(status("sent")), StatusReply()
FAILED, NOT_READ = StatusReply(error=DOWN), StatusReply(error=UNREADABLE)
NOT_ASKED = StatusReply(was_asked=False)


@pytest.mark.parametrize(
    ("replies", "found", "has_failures", "is_cut_short", "unreadable"),
    [
        ([], [], False, False, None),
        ([FOUND, NOT_FOUND], [0], False, False, None),
        ([NOT_FOUND, FOUND, FAILED], [1], True, False, None),
        ([FAILED, NOT_READ, FOUND], [2], True, False, UNREADABLE),
        ([FOUND, NOT_ASKED, FOUND], [0, 2], True, True, None),
    ],
)
def test_replies_about_a_batch(
    replies: list[StatusReply],
    found: list[int],
    has_failures: bool,
    is_cut_short: bool,
    unreadable: GatewayUnreadable | None,
) -> None:
    people = [
        Recipient(pk=number, msisdn=f"38097{number}", reference=f"r{number}")
        for number in range(len(replies))
    ]
    check = BatchCheck(Batch(pk=5), people)
    assert (check.batch_id, check.is_hinted) == (5, False)
    assert check.messages == [
        Address(f"38097{number}", f"r{number}") for number in range(len(people))
    ]
    read = read_replies(check, replies)
    assert [update.recipient.pk for update in read.updates] == found
    assert {update.status.status for update in read.updates} <= {"sent"}
    assert (read.has_failures, read.is_cut_short) == (has_failures, is_cut_short)
    assert read.unreadable is unreadable


ANSWERED, SOME_FAILED = Replies([]), Replies([], has_failures=True)
SOME_UNREADABLE = Replies([], has_failures=True, unreadable=UNREADABLE)
CUT_SHORT = Replies([], has_failures=True, is_cut_short=True)
ON_THE_WAY, ARRIVED, NOBODY = {"sent", "delivered"}, {"delivered"}, set[str]()
END = 2 * DAY + TICK  # of the plan


def check_after(
    replies: Replies,
    states: set[str],
    age: timedelta,
    planned: datetime | None = None,
    *,
    is_hinted: bool = False,
    **fields: Any,
) -> timedelta | None:
    """How long after now a batch is asked for again."""
    campaign = Campaign(**{"validity": 86_400, "timing": Timing.NOW, **fields})
    batch = Batch(campaign=campaign, intended_at=SENT, done_at=SENT + 3 * HOUR)
    with time_machine.travel(SENT + age, tick=False):
        check_at = _next_check(BatchCheck(batch, [], is_hinted), replies, states, planned)
    return None if check_at is None else check_at - (SENT + age)


@pytest.mark.parametrize(
    ("replies", "states", "age", "step"),
    [
        (ANSWERED, ON_THE_WAY, HOUR, 36 * MINUTE),
        (ANSWERED, ARRIVED, HOUR, 3 * HOUR),
        (ANSWERED, NOBODY, HOUR, None),
        (SOME_FAILED, NOBODY, HOUR, None),
        (ANSWERED, ON_THE_WAY, END, None),
        (CUT_SHORT, ON_THE_WAY, HOUR, timedelta(0)),
        (CUT_SHORT, NOBODY, HOUR, None),
        (SOME_FAILED, ON_THE_WAY, HOUR, RETRY_AFTER),
        (SOME_FAILED, ON_THE_WAY, DAY + MINUTE - SECOND, SECOND),
        (SOME_UNREADABLE, ON_THE_WAY, HOUR, 36 * MINUTE),  # asking again changes nothing
        (SOME_FAILED, ON_THE_WAY, END, RETRY_RARELY),
        (SOME_UNREADABLE, ARRIVED, END, RETRY_RARELY),
        (SOME_FAILED, ON_THE_WAY, RETRY_FOR, RETRY_RARELY),
        (SOME_FAILED, ON_THE_WAY, RETRY_FOR + TICK, None),
    ],
)
def test_next_check_of_a_batch(
    replies: Replies, states: set[str], age: timedelta, step: timedelta | None
) -> None:
    assert check_after(replies, states, age) == step


def test_rehearsal_is_not_asked_for_again() -> None:
    rehearsal: dict[str, Any] = {"purpose": Purpose.REHEARSAL}
    assert check_after(CUT_SHORT, ON_THE_WAY, HOUR, **rehearsal) is None


def test_hint_does_not_put_off_the_planned_check() -> None:
    planned = SENT + HOUR + 7 * SECOND
    for states, hinted, step in (
        (ON_THE_WAY, True, 7 * SECOND),
        (ARRIVED, True, 3 * HOUR),
        (ON_THE_WAY, False, 36 * MINUTE),
    ):
        assert check_after(ANSWERED, states, HOUR, planned, is_hinted=hinted) == step
    assert check_after(ANSWERED, ON_THE_WAY, HOUR, is_hinted=True) == 36 * MINUTE
    assert check_after(ANSWERED, ON_THE_WAY, END, planned, is_hinted=True) is None


def test_batch_scheduled_at_the_gateway_is_followed_from_its_time() -> None:
    due = SENT + 10 * HOUR
    timing: dict[str, Any] = {"timing": Timing.GATEWAY, "scheduled_at": due}
    assert check_after(ANSWERED, ON_THE_WAY, 11 * HOUR, **timing) == 36 * MINUTE
    assert check_after(ANSWERED, ON_THE_WAY, 10 * HOUR + END - TICK, **timing) == 4 * HOUR
    assert check_after(SOME_FAILED, ON_THE_WAY, 10 * HOUR + RETRY_FOR, **timing) == RETRY_RARELY
