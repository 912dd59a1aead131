"""What the replies about one batch mean together: one person in doubt, and nobody is sent to."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch.models import Batch, SendState
from campaigns.dispatch.send.interpret_answer import (
    ENTRY_TRIES,
    FIRST_DELAY,
    Interpretation,
    NextStep,
    NotAccepted,
)
from campaigns.dispatch.send.leases import LEASE
from campaigns.dispatch.send.resolve_unknown import (
    ASK_FOR,
    CANCELLED,
    GRACE,
    RARE_DELAY,
    UNRESOLVED,
    OpenBatch,
    _interpret_replies,
)
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Accepted, Address, MessageStatus

SENT = datetime(2026, 3, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
QUARANTINE = timedelta(seconds=30)
ENDED = SENT + 5 * SECOND  # when the request ended
BELIEVED = ENDED + QUARANTINE
VALIDITY = timedelta(hours=2)
EXPIRED = SENT + VALIDITY + GRACE

FOUND = StatusReply(MessageStatus("id1", "", "", "sent", Decimal("0.02"), "EUR"))
NOT_FOUND = StatusReply()
SILENT = StatusReply(error=GatewayError("down"))
NOT_ASKED = StatusReply(was_asked=False)
ACCEPTED = Accepted("id1", Decimal("0.02"), "EUR")
REFUSED = NotAccepted(SendState.REFUSED, error_code=5)


@pytest.fixture(autouse=True)
def _quarantine(settings: Settings) -> Iterator[None]:
    settings.RECONCILE_QUARANTINE = QUARANTINE.total_seconds()
    with time_machine.travel(SENT, tick=False):
        yield


def meaning(
    replies: list[StatusReply],
    at: datetime,
    codes: dict[int, int] | None = None,
    campaign: dict[str, Any] | None = None,
    **batch: Any,
) -> Interpretation:
    """What `replies` mean at the moment `at`; the references are "0", "1" …

    `codes`: error codes of earlier answers by position.
    """
    columns = {"intended_at": SENT, "first_sent_at": SENT, "in_flight_until": ENDED, "asked": 1}
    settings = {"validity": VALIDITY.total_seconds(), "state": CampaignState.SENDING}
    names = [str(position) for position in range(len(replies))]
    open_batch = OpenBatch(
        Batch(**(columns | batch)),
        Campaign(**(settings | (campaign or {}))),
        [Address("380970000001", name) for name in names],
        {name: position for position, name in enumerate(names)},
        {name: (codes or {}).get(position) for position, name in enumerate(names)},
    )
    return _interpret_replies(open_batch, dict(zip(names, replies, strict=True)), at)


def in_short(result: Interpretation) -> tuple[dict[str, Any], NextStep, timedelta | None]:
    endings: dict[str, Any] = {**result.accepted, **result.not_accepted}
    return endings, result.next_step, result.delay


def test_all_found() -> None:
    result = meaning([FOUND, FOUND], ENDED)
    assert in_short(result) == ({"0": ACCEPTED, "1": ACCEPTED}, NextStep.DONE, None)
    assert not result.keep_answer


def test_nobody_is_sent_to_again_before_the_end_of_the_quarantine() -> None:
    for replies in ([FOUND, NOT_FOUND], [NOT_FOUND, FOUND]):
        endings, step, delay = in_short(meaning(replies, BELIEVED - SECOND))
        assert (list(endings.values()), step, delay) == ([ACCEPTED], NextStep.ASK, SECOND)
        endings, step, delay = in_short(meaning(replies, BELIEVED))
        assert (list(endings.values()), step, delay) == ([ACCEPTED], NextStep.AGAIN, None)


def test_quarantine_begins_with_the_last_moment_at_which_something_was_under_way() -> None:
    later = SENT + LEASE
    assert meaning([NOT_FOUND], BELIEVED, in_flight_until=later).next_step is NextStep.ASK
    # of a batch that the version before sent, that is the end of its lease
    at = later + QUARANTINE
    assert meaning([NOT_FOUND], at - SECOND, in_flight_until=None).next_step is NextStep.ASK
    assert meaning([NOT_FOUND], at, in_flight_until=None).next_step is NextStep.AGAIN


@pytest.mark.parametrize("doubtful", [SILENT, NOT_ASKED])
def test_one_without_an_answer_keeps_all_others_from_being_sent_to(doubtful: StatusReply) -> None:
    for replies in (
        [FOUND, NOT_FOUND, doubtful], [doubtful, NOT_FOUND, FOUND], [NOT_FOUND, doubtful, FOUND],
    ):  # fmt: skip
        result = meaning(replies, BELIEVED)
        endings, step, delay = in_short(result)
        assert (list(endings.values()), step) == ([ACCEPTED], NextStep.ASK)
        assert delay == (FIRST_DELAY if doubtful is SILENT else timedelta(0))
        assert result.keep_answer is (doubtful is SILENT)


def test_silent_gateway_is_asked_ever_more_rarely() -> None:
    for asked, delay in ((1, FIRST_DELAY), (2, 2 * FIRST_DELAY), (3, 4 * FIRST_DELAY)):
        assert meaning([SILENT, SILENT], BELIEVED, asked=asked).delay == delay
    assert meaning([SILENT], EXPIRED - SECOND, asked=1).delay == FIRST_DELAY
    assert meaning([SILENT], EXPIRED, asked=1).delay == RARE_DELAY


def test_silence_alone_ends_nobody_for_thirty_days() -> None:
    replies, until = [SILENT, FOUND, NOT_FOUND], SENT + ASK_FOR
    endings, step, _delay = in_short(meaning(replies, until - SECOND))
    assert (endings, step) == ({"1": ACCEPTED}, NextStep.ASK)
    endings, step, _delay = in_short(meaning(replies, until))
    assert (endings, step) == ({"0": UNRESOLVED, "1": ACCEPTED}, NextStep.AGAIN)


def test_reference_that_the_gateway_had_is_never_sent_again() -> None:
    for replies, codes in (
        ([NOT_FOUND, NOT_FOUND, FOUND], {0: 43}), ([FOUND, NOT_FOUND, NOT_FOUND], {2: 43}),
    ):  # fmt: skip
        known = str(*codes)
        for at in (BELIEVED, EXPIRED - SECOND):
            endings, step, _delay = in_short(meaning(replies, at, codes))
            assert (list(endings.values()), step) == ([ACCEPTED], NextStep.ASK)
        endings, step, _delay = in_short(meaning(replies, EXPIRED, codes))
        assert (endings[known], step) == (UNRESOLVED, NextStep.AGAIN)
        assert len(endings) == 2
    assert in_short(meaning([FOUND], ENDED, {0: 43}))[0] == {"0": ACCEPTED}


def test_cancelled_campaign_ends_with_who_was_surely_not_accepted() -> None:
    replies = [FOUND, NOT_FOUND, SILENT]
    state = {"state": CampaignState.CANCELLED}
    endings, step, _delay = in_short(meaning(replies, BELIEVED - SECOND, campaign=state))
    assert (endings, step) == ({"0": ACCEPTED}, NextStep.ASK)
    endings, step, _delay = in_short(meaning(replies, BELIEVED, campaign=state))
    assert (endings, step) == ({"0": ACCEPTED, "1": CANCELLED}, NextStep.ASK)
    endings, step, _delay = in_short(meaning(replies[:2], BELIEVED, campaign=state))
    assert (endings, step) == ({"0": ACCEPTED, "1": CANCELLED}, NextStep.DONE)


def test_who_is_refused_without_a_reason_again_and_again_is_refused() -> None:
    for errors, ending in ((ENTRY_TRIES - 1, {}), (ENTRY_TRIES, {"1": REFUSED})):
        endings, step, _delay = in_short(meaning([FOUND, NOT_FOUND], BELIEVED, entry_errors=errors))
        assert endings == {"0": ACCEPTED} | ending
        assert step is (NextStep.DONE if ending else NextStep.AGAIN)
    endings, _step, _delay = in_short(
        meaning([NOT_FOUND], BELIEVED - SECOND, entry_errors=ENTRY_TRIES)
    )
    assert endings == {}


def test_message_handed_over_for_later_is_not_missed_before_its_time() -> None:
    due = SENT + timedelta(days=3)
    timing = {"timing": Timing.GATEWAY, "scheduled_at": due}
    result = meaning([NOT_FOUND], due + QUARANTINE - SECOND, campaign=timing)
    assert (result.next_step, result.delay) == (NextStep.ASK, SECOND)
    assert meaning([NOT_FOUND], due + QUARANTINE, campaign=timing).next_step is NextStep.AGAIN
    # and it expires so long after its time
    known, until = {0: 43}, due + VALIDITY + GRACE
    assert meaning([NOT_FOUND], until - SECOND, known, timing).not_accepted == {}
    assert meaning([NOT_FOUND], until, known, timing).not_accepted == {"0": UNRESOLVED}
    # the same time of a campaign that ViberDash itself starts says nothing
    timing["timing"] = Timing.AT
    assert meaning([NOT_FOUND], BELIEVED, campaign=timing).next_step is NextStep.AGAIN


def test_when_a_batch_is_asked_for_again() -> None:
    # a gateway that answers, if not always, is asked soon, quarantine or not
    assert meaning([SILENT, FOUND], BELIEVED - SECOND, asked=4).delay == FIRST_DELAY
    assert meaning([NOT_FOUND], BELIEVED, {0: 43}).delay == FIRST_DELAY
    # whoever is unresolved is followed on
    assert meaning([SILENT, NOT_FOUND], SENT + ASK_FOR).delay == RARE_DELAY
    # the lease of a batch of the version before begins with its intent
    before: dict[str, Any] = {"in_flight_until": None, "intended_at": SENT - 9 * SECOND}
    at = SENT - 9 * SECOND + LEASE + QUARANTINE
    assert meaning([NOT_FOUND], at - SECOND, **before).next_step is NextStep.ASK
    assert meaning([NOT_FOUND], at, **before).next_step is NextStep.AGAIN


@pytest.mark.parametrize(("first", "intended"), [(SENT, SENT + SECOND), (None, SENT), (SENT, None)])
def test_thirty_days_begin_with_the_first_request(
    first: datetime | None, intended: datetime | None
) -> None:
    columns: dict[str, Any] = {"first_sent_at": first, "intended_at": intended}
    assert meaning([SILENT], SENT + ASK_FOR - SECOND, **columns).not_accepted == {}
    assert meaning([SILENT], SENT + ASK_FOR, **columns).not_accepted == {"0": UNRESOLVED}
