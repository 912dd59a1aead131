"""What an answer means whose verdicts differ, and what several answers in a row mean together."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from campaigns.dispatch.models import SendState, Tally
from campaigns.dispatch.send.batch_builder import BatchBuilder, PreparedBatch
from campaigns.dispatch.send.interpret_answer import (
    MISUNDERSTOOD_ATTEMPTS,
    TOTAL_DIFFERS,
    Interpretation,
    NextStep,
    NotAccepted,
    delay_after,
    interpret,
)
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.read_outcome import GATEWAY_DOWN_AFTER, OutcomeReader, PostResult
from campaigns.dispatch.send.record_outcomes import BatchOutcome
from campaigns.gateway.types import (
    Accepted,
    Refusal,
    SendAnswer,
    SendRequest,
    Unknown,
    Verdict,
)
from campaigns.ledger.models import Purpose

D = Decimal
SENT = datetime(2026, 3, 15, 12, tzinfo=UTC)
TAKEN, ALSO_TAKEN = Accepted("id1", D("0.02"), "EUR"), Accepted("id2", D("0.03"), "EUR")
UNPRICED = Accepted("id3", None, "")
LOST = Unknown("time-out")
PAUSES, SAYS_NOTHING, TOO_FAST, NO_SUCH_PHONE, EXISTS, BY_MISTAKE, NO_FUNCTION, NOT_THERE = (
    Refusal(code, "Why") for code in (1, 5, 11, 41, 43, 21, 4, 40)
)
AGAIN, ASK = {"next_step": NextStep.AGAIN}, {"next_step": NextStep.ASK}
KEPT = {"keep_answer": True}
FIVE_SECONDS = {"delay": timedelta(seconds=5)}
A_SECOND = {"delay": timedelta(seconds=1)}


def answer(*verdicts: Verdict, **fields: Any) -> SendAnswer:
    """The references are "0", "1" …"""
    return SendAnswer({str(number): one for number, one in enumerate(verdicts)}, **fields)


def refused(code: int) -> NotAccepted:
    return NotAccepted(SendState.REFUSED, error_code=code)


def differences(result: Interpretation) -> dict[str, Any]:
    """Where `result` differs from what nothing at all would mean."""
    nothing = asdict(Interpretation())
    return {
        name: getattr(result, name)
        for name, value in asdict(result).items()
        if value != nothing[name]
    }


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], {}),
        ([TAKEN, ALSO_TAKEN], {"accepted": {"0": TAKEN, "1": ALSO_TAKEN}}),
        ([TAKEN, NO_SUCH_PHONE], {"accepted": {"0": TAKEN}, "not_accepted": {"1": refused(41)}}),
        ([NO_SUCH_PHONE, NO_SUCH_PHONE], {"not_accepted": {"0": refused(41), "1": refused(41)}}),
        ([TAKEN, LOST], {"accepted": {"0": TAKEN}, **ASK, **KEPT}),
        ([NO_SUCH_PHONE, LOST], {"not_accepted": {"0": refused(41)}, **ASK, **KEPT}),
        ([TAKEN, EXISTS], {"accepted": {"0": TAKEN}, "known_before": ["1"], **ASK, **KEPT}),
        ([EXISTS, EXISTS], {"known_before": ["0", "1"], **ASK, **KEPT}),
        (
            [TAKEN, SAYS_NOTHING],
            {"accepted": {"0": TAKEN}, "has_entry_error": True, **ASK, **KEPT, **FIVE_SECONDS},
        ),
        ([SAYS_NOTHING, SAYS_NOTHING], {"has_failed": True, **ASK, **KEPT, **FIVE_SECONDS}),
        ([SAYS_NOTHING, NOT_THERE], {"has_entry_error": True, **ASK, **KEPT, **FIVE_SECONDS}),
        ([NOT_THERE, NOT_THERE], {"has_failed": True, **ASK, **KEPT, **FIVE_SECONDS}),
        ([SAYS_NOTHING], {"has_entry_error": True, **ASK, **KEPT, **FIVE_SECONDS}),
        ([PAUSES, TAKEN], {"accepted": {"1": TAKEN}, "pause_reason": "error_1", **AGAIN, **KEPT}),
        ([PAUSES, PAUSES], {"pause_reason": "error_1", **AGAIN, **KEPT}),
        ([LOST, PAUSES], {"pause_reason": "error_1", **ASK, **KEPT}),
        ([PAUSES, LOST], {"pause_reason": "error_1", **ASK, **KEPT}),
        ([TOO_FAST, TAKEN], {"accepted": {"1": TAKEN}, "is_throttled": True, **AGAIN, **A_SECOND}),
        ([TOO_FAST, LOST], {"is_throttled": True, **ASK, **A_SECOND}),
        (
            [TOO_FAST, SAYS_NOTHING],
            {"is_throttled": True, "has_entry_error": True, **ASK, **FIVE_SECONDS},
        ),
        (
            [TAKEN, BY_MISTAKE],
            {"accepted": {"0": TAKEN}, "not_accepted": {"1": refused(21)}, **KEPT},
        ),
        (
            [BY_MISTAKE, NO_SUCH_PHONE],
            {"not_accepted": {"0": refused(21), "1": refused(41)}, **KEPT},
        ),
        (
            [NO_SUCH_PHONE, BY_MISTAKE],
            {"not_accepted": {"0": refused(41), "1": refused(21)}, **KEPT},
        ),
        ([BY_MISTAKE, BY_MISTAKE], {"not_understood": 21, **AGAIN, **KEPT, **FIVE_SECONDS}),
        ([BY_MISTAKE], {"not_accepted": {"0": refused(21)}, **KEPT}),
    ],
)  # fmt: skip
def test_each_recipient_has_its_verdict(verdicts: list[Verdict], expected: dict[str, Any]) -> None:
    assert differences(interpret(answer(*verdicts), 1)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            answer(LOST, not_sent=True, rounded=True),
            {"may_have_been_sent": False, "has_failed": True, **AGAIN, **KEPT},
        ),
        (answer(TAKEN, rounded=True), {"accepted": {"0": TAKEN}, "is_rounded": True}),
        (
            answer(LOST, throttled=True, retry_after=7.5),
            {"is_throttled": True, "retry_after": 7.5, "delay": timedelta(seconds=7.5), **ASK},
        ),
        (
            answer(TOO_FAST, throttled=True, retry_after=301, rounded=True),
            {
                "is_throttled": True, "retry_after": 301, "delay": timedelta(minutes=5),
                "is_rounded": True, **AGAIN,
            },
        ),
        (
            answer(BY_MISTAKE, refused_whole=BY_MISTAKE),
            {"not_understood": 21, **AGAIN, **KEPT, **FIVE_SECONDS},
        ),
    ],
)  # fmt: skip
def test_whole_answer(given: SendAnswer, expected: dict[str, Any]) -> None:
    assert differences(interpret(given, 1)) == expected


def test_campaign_pauses_when_it_is_never_understood() -> None:
    whole = answer(BY_MISTAKE, refused_whole=BY_MISTAKE)
    reasons = [interpret(whole, attempts).pause_reason for attempts in (1, 2, 3, 4)]
    assert (MISUNDERSTOOD_ATTEMPTS, reasons) == (3, ["", "", "error_21", "error_21"])
    own = interpret(whole, 3, is_recipients_fault=True)
    assert differences(own) == {"not_accepted": {"0": refused(21)}, **KEPT}


@pytest.mark.parametrize(
    ("verdicts", "total", "differs"),
    [
        ([TAKEN, ALSO_TAKEN], "0.05", False),
        ([TAKEN, ALSO_TAKEN], "0.0500001", True),
        ([TAKEN, ALSO_TAKEN], "0", True),
        ([TAKEN, ALSO_TAKEN], None, False),
        ([TAKEN, UNPRICED], "0.07", False),  # what the second costs is not known
        ([TAKEN, NO_SUCH_PHONE], "0.02", False),
        ([TAKEN, NO_SUCH_PHONE], "0.05", True),
        ([NO_SUCH_PHONE], "0.05", False),
    ],
)
def test_total_that_is_not_the_sum_is_kept(
    verdicts: list[Verdict], total: str | None, differs: bool
) -> None:
    result = interpret(answer(*verdicts, total_price=None if total is None else D(total)), 1)
    assert (result.keep_answer, result.summary) == (differs, TOTAL_DIFFERS if differs else "")


def test_delays_double_up_to_five_minutes() -> None:
    seconds = [delay_after(attempts).total_seconds() for attempts in (0, 1, 2, 3, 6, 7, 8, 5000)]
    assert seconds == [5, 5, 10, 20, 160, 300, 300, 300]


def batch(people: int = 2, attempts: int = 1, campaign: int = 7, **fields: Any) -> PreparedBatch:
    claim = Claim(1, campaign, 1, "UA", people, attempts)
    values: dict[str, Any] = {
        "request": SendRequest((), 60, 0), "ids": {"0": 10, "1": 11}, "not_accepted": {},
    } | fields  # fmt: skip
    return PreparedBatch(claim, **values)


def read(reader: OutcomeReader, of: PreparedBatch, given: SendAnswer | None) -> BatchOutcome:
    builder = cast(BatchBuilder, SimpleNamespace(purpose=Purpose.TEST))
    return reader.read(PostResult(of, SENT, given), builder)


@pytest.mark.parametrize(
    ("given", "summary"),
    [
        (answer(TAKEN, NO_SUCH_PHONE), "Some recipients were refused"),
        (answer(TAKEN, LOST), "time-out"),
        (answer(LOST, not_sent=True), "The gateway could not be reached"),
        (answer(PAUSES, refused_whole=PAUSES), "Refused: 1 Why"),
        (answer(TAKEN, total_price=D(1)), TOTAL_DIFFERS),
    ],
)
def test_outcome_has_what_came_back(given: SendAnswer, summary: str) -> None:
    stopped = {"1": NotAccepted(SendState.CANCELLED, reason="stop_list")}
    prepared = batch(not_accepted=stopped)
    changed = SendAnswer(**{
        name: getattr(given, name) for name in SendAnswer.__slots__
    } | {"http_status": 207, "body": "{}"})  # fmt: skip
    outcome = read(OutcomeReader(gateway_was_down=False), prepared, changed)
    assert (outcome.claim, outcome.ids) == (prepared.claim, {"0": 10, "1": 11})
    assert (outcome.sent_at, outcome.purpose) == (SENT, Purpose.TEST)
    assert (outcome.summary, outcome.http_status, outcome.body) == (summary, 207, "{}")
    assert outcome.interpretation.not_accepted["1"] == stopped["1"]


def test_batch_that_was_not_posted() -> None:
    reader = OutcomeReader(gateway_was_down=False)
    waiting = read(reader, batch(), None)
    assert differences(waiting.interpretation) == {"may_have_been_sent": False, **AGAIN}
    assert (waiting.summary, waiting.http_status, waiting.body) == ("", None, "")
    nobody = read(reader, batch(request=None), None)
    assert differences(nobody.interpretation) == {"may_have_been_sent": False}


def test_gateway_is_down_after_five_unknown_outcomes_in_a_row() -> None:
    def failed(reader: OutcomeReader, *answers: SendAnswer) -> list[bool]:
        return [read(reader, batch(), one).interpretation.has_failed for one in answers]

    lost, partly = answer(LOST, LOST), answer(LOST, TAKEN)
    up = OutcomeReader(gateway_was_down=False)
    assert GATEWAY_DOWN_AFTER == 5
    assert failed(up, lost, lost, lost, lost, partly) == [False] * 5
    assert failed(up, lost, lost, lost, lost, lost, lost) == [False] * 4 + [True] * 2
    was_down = OutcomeReader(gateway_was_down=True)
    assert failed(was_down, lost, partly, lost) == [True, False, False]


def test_mistakes_in_a_row_pause_a_campaign_whatever_the_batch() -> None:
    def reasons(*answers: SendAnswer) -> list[str]:
        reader = OutcomeReader(gateway_was_down=False)
        return [read(reader, batch(), one).interpretation.pause_reason for one in answers]

    mistake, taken = answer(BY_MISTAKE, BY_MISTAKE), answer(TAKEN, NO_SUCH_PHONE)
    assert reasons(mistake, mistake, mistake, mistake) == ["", "", "error_21", "error_21"]
    assert reasons(mistake, mistake, taken, mistake, mistake) == [""] * 5
    assert reasons(mistake, answer(LOST), mistake, mistake)[-1] == "error_21"
    reader = OutcomeReader(gateway_was_down=False)
    in_turn = [read(reader, batch(campaign=number % 2), mistake) for number in range(6)]
    paused = [outcome.interpretation.pause_reason for outcome in in_turn]
    assert paused == ["", "", "", "", "error_21", "error_21"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("accepted", "attempts", "whole", "ending"),
    [
        (1, 3, BY_MISTAKE, {"0": refused(21)}),
        (0, 3, BY_MISTAKE, {}),  # nobody else was accepted: the campaign may be wrong
        (1, 2, BY_MISTAKE, {}),
        (1, 3, NO_FUNCTION, {}),
    ],
)
def test_recipient_by_itself_is_refused_only_where_others_are_accepted(
    accepted: int, attempts: int, whole: Refusal, ending: dict[str, NotAccepted]
) -> None:
    for campaign, state, people in (
        (7, "accepted", accepted),
        (7, "refused", 9),
        (8, "accepted", 9),
    ):
        Tally.objects.create(campaign_id=campaign, send_state=state, recipients=people)
    reader = OutcomeReader(gateway_was_down=False)
    given = answer(whole, refused_whole=whole)
    assert read(reader, batch(1, attempts), given).interpretation.not_accepted == ending
    two = answer(whole, whole, refused_whole=whole)
    assert read(reader, batch(2, attempts), two).interpretation.not_accepted == {}
