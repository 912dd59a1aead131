"""What is charged, counted and learnt of several answers together, in two currencies and more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.compose.launch.pause_reasons import Pause
from campaigns.compose.models import Campaign
from campaigns.dispatch import evidence
from campaigns.dispatch.models import Batch, BatchState, SendState
from campaigns.dispatch.send import account_rate, record_outcomes, resolve_unknown
from campaigns.dispatch.send.account_rate import Answers
from campaigns.dispatch.send.interpret_answer import Interpretation, NextStep, NotAccepted
from campaigns.dispatch.send.leases import Claim
from campaigns.dispatch.send.record_outcomes import BatchChange, BatchOutcome
from campaigns.dispatch.send.resolve_unknown import OpenBatch
from campaigns.gateway.bsg.status_questions import StatusReply
from campaigns.gateway.errors import GatewayError
from campaigns.gateway.types import Accepted, Address, MessageStatus
from campaigns.ledger.entries import Movement
from campaigns.ledger.models import Channel, Kind, Purpose

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
D = Decimal


def euro(amount: str) -> Accepted:
    return Accepted("id", D(amount), "EUR")


DOLLAR, UNPRICED = Accepted("id", D("0.07"), "USD"), Accepted("id", None, "")


def outcome(
    *accepted: Accepted,
    campaign: int = 7,
    country: str = "UA",
    purpose: Purpose = Purpose.CAMPAIGN,
    first: int = 1,
    sent_at: datetime = NOW,
    **interpretation: Any,
) -> BatchOutcome:
    """The recipients' ids count from `first`, which is also the batch's."""
    names = {f"r{number}": number for number in range(first, first + len(accepted))}
    result = Interpretation(dict(zip(names, accepted, strict=True)), **interpretation)
    claim = Claim(first, campaign, 1, country, 50, 1)
    return BatchOutcome(claim, names, result, sent_at, purpose)


def charge(
    currency: str,
    *amounts: tuple[int, Decimal | None],
    campaign: int = 7,
    country: str = "UA",
    purpose: Purpose = Purpose.CAMPAIGN,
) -> Movement:
    return Movement(Kind.CHARGE, Channel.VIBER, campaign, country, currency, list(amounts), purpose)


def test_charges_are_kept_apart_by_campaign_country_currency_and_purpose() -> None:
    movements = record_outcomes._charge_movements([
        outcome(euro("0.02"), DOLLAR, euro("0.03"), UNPRICED),
        outcome(euro("0.04"), first=11),
        outcome(euro("0.05"), first=21, country="RO"),
        outcome(euro("0.06"), first=31, campaign=8),
        outcome(euro("0.07"), first=41, purpose=Purpose.TEST),
        outcome(first=51),
    ])  # fmt: skip
    expected = [
        charge("EUR", (1, D("0.02")), (3, D("0.03")), (11, D("0.04"))),
        charge("USD", (2, D("0.07"))),
        charge("", (4, None)),
        charge("EUR", (21, D("0.05")), country="RO"),
        charge("EUR", (31, D("0.06")), campaign=8),
        charge("EUR", (41, D("0.07")), purpose=Purpose.TEST),
    ]
    assert sorted(map(repr, movements)) == sorted(map(repr, expected))


def test_price_in_another_currency_than_was_reserved_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        record_outcomes,
        "pause_for_currency",
        lambda campaign, *currencies: Pause(campaign, *currencies) if campaign < 6 else None,
    )
    outcomes = [
        outcome(euro("0.02"), first=1, campaign=1),
        outcome(euro("0.02"), DOLLAR, Accepted("id", D(1), "GBP"), first=11, campaign=2),
        outcome(UNPRICED, first=21, campaign=3),  # it is not known what it costs
        outcome(DOLLAR, first=31, campaign=4),  # no budget limits it
        outcome(DOLLAR, first=41, campaign=5),
        outcome(DOLLAR, first=51, campaign=6),  # its budget was removed meanwhile
    ]
    limits = {1: "EUR", 11: "EUR", 21: "EUR", 31: "", 41: "EUR", 51: "EUR"}
    pauses = list(record_outcomes._currency_pauses(outcomes, limits))
    assert pauses == [(2, "EUR", "GBP"), (5, "EUR", "USD")]


def test_each_campaign_pauses_once_for_each_reason() -> None:
    reasons = [(7, "error_1"), (7, "error_1"), (8, "error_6"), (9, "")]
    pauses = record_outcomes._pauses(
        [outcome(campaign=campaign, pause_reason=reason) for campaign, reason in reasons]
    )
    assert pauses == {Pause(7, "error_1"), Pause(8, "error_6")}


def learnt(monkeypatch: pytest.MonkeyPatch, *outcomes: BatchOutcome) -> tuple[Any, Any]:
    """The failure and the answers that the account's rate learns from."""
    failures: list[Any] = [None]
    answers: list[Any] = [None]
    monkeypatch.setattr(account_rate, "record_failure", lambda *values: failures.append(values))
    monkeypatch.setattr(account_rate, "record_answers", lambda *values: answers.append(values))
    record_outcomes._learn_rate(outcomes, NOW)
    assert len(failures) <= 2 >= len(answers)
    return failures[-1], answers[-1]


def test_rate_learns_from_all_answers_of_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    refused: dict[str, Any] = {"is_throttled": True}
    assert learnt(monkeypatch) == (None, None)
    assert learnt(monkeypatch, outcome(), outcome(has_entry_error=True)) == (None, None)
    assert learnt(
        monkeypatch,
        outcome(euro("1"), euro("1")),
        outcome(DOLLAR, **refused),
        outcome(**refused, retry_after=3.0),
        outcome(**refused, retry_after=8.0),
        outcome(**refused, retry_after=5.0),
        outcome(retry_after=99.0),
        outcome(DOLLAR, DOLLAR, DOLLAR, purpose=Purpose.REHEARSAL, has_failed=True, **refused),
    ) == (None, (Answers(accepted=3, requests=5, throttled=4, retry_after=8.0), NOW))
    assert learnt(monkeypatch, outcome(**refused)) == (None, (Answers(0, 1, 1, None), NOW))
    failed = [outcome(has_failed=True, sent_at=NOW - seconds * SECOND) for seconds in (9, 2, 5)]
    assert learnt(monkeypatch, *failed) == ((NOW - 2 * SECOND, NOW), None)


FREED = {"token": "", "lease_until": None, "not_before": None}


@pytest.mark.parametrize(
    ("change", "state", "expected"),
    [
        (
            BatchChange(NextStep.DONE, True, False, None), BatchState.SENDING,
            {"state": "done", "attempts": 0, "entry_errors": 0, "done_at": NOW},
        ),
        (
            BatchChange(NextStep.AGAIN, False, False, None), BatchState.SENDING,
            {"state": "ready", "attempts": -1, "entry_errors": 0},
        ),
        (
            BatchChange(NextStep.AGAIN, True, True, 7 * SECOND), BatchState.SENDING,
            {"state": "ready", "attempts": 0, "entry_errors": 1, "not_before": NOW + 7 * SECOND},
        ),
        (
            BatchChange(NextStep.ASK, True, False, None), BatchState.SENDING,
            {
                "state": "ambiguous", "attempts": 0, "entry_errors": 0, "not_before": NOW,
                "in_flight_until": NOW,
            },
        ),
        (
            BatchChange(NextStep.ASK, True, False, 7 * SECOND), BatchState.AMBIGUOUS,
            {
                "state": "ambiguous", "attempts": 0, "entry_errors": 0,
                "not_before": NOW + 7 * SECOND,
            },
        ),
    ],
)  # fmt: skip
def test_next_state_of_a_batch(
    change: BatchChange, state: BatchState, expected: dict[str, Any]
) -> None:
    assert record_outcomes._batch_changes(change, state, NOW) == FREED | expected


def test_outcome_of_a_question_has_the_first_error_as_evidence() -> None:
    messages = [Address(f"38097000000{number}", f"r{number}") for number in range(3)]
    ids = {message.reference: number for number, message in enumerate(messages)}
    columns = {
        "pk": 3, "campaign_id": 7, "number": 9, "country": "UA", "size": 50, "attempts": 2,
        "intended_at": NOW - SECOND, "first_sent_at": NOW - SECOND, "in_flight_until": NOW,
    }  # fmt: skip
    campaign = Campaign(pk=7, purpose=Purpose.TEST, validity=60)
    batch = OpenBatch(Batch(**columns), campaign, messages, ids, dict.fromkeys(ids))
    found = StatusReply(MessageStatus("id1", "", "", "sent", D("0.02"), "EUR"))
    errors = [GatewayError("down", http_status=503, body="Why"), GatewayError("up")]
    replies = dict(zip(ids, [found, *(StatusReply(error=error) for error in errors)], strict=True))
    result = resolve_unknown._outcome(batch, replies, NOW)
    assert result.claim == Claim(3, 7, 9, "UA", 50, 2)
    assert (result.ids, result.sent_at, result.purpose) == (ids, NOW - SECOND, Purpose.TEST)
    assert (result.summary, result.http_status, result.body) == (str(errors[0]), 503, "Why")
    assert result.interpretation.accepted == {"r0": Accepted("id1", D("0.02"), "EUR")}
    assert result.interpretation.next_step is NextStep.ASK
    quiet = resolve_unknown._outcome(batch, dict.fromkeys(ids, found), NOW)
    assert (quiet.summary, quiet.http_status, quiet.body) == ("", None, "")


def test_evidence_of_what_was_kept_tested_or_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[Any, ...]] = []
    rounded: list[tuple[int, int, str]] = []
    columns = ("campaign_id", "batch_number", "what", "http_status", "body")
    monkeypatch.setattr(
        evidence,
        "save",
        lambda rows: saved.extend(tuple(getattr(row, name) for name in columns) for row in rows),
    )
    monkeypatch.setattr(evidence, "save_rounded_price", lambda *values: rounded.append(values))
    answered: dict[str, Any] = {"summary": "Why", "http_status": 503, "body": "{}"}
    record_outcomes._save_evidence([
        replace(outcome(keep_answer=True), **answered),
        replace(outcome(campaign=8, is_rounded=True), **answered),
        replace(outcome(campaign=9, purpose=Purpose.TEST), **answered),
        outcome(campaign=10, purpose=Purpose.TEST),
        replace(outcome(campaign=11), **answered),
    ])  # fmt: skip
    assert saved == [(7, 1, "Why", 503, "{}"), (9, 1, evidence.TEST_ANSWER, 503, "{}")]
    assert rounded == [(8, 1, "{}")]


def test_everybody_is_counted_by_state_and_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[Any, ...]] = []

    class Changes:
        def add(self, *key: Any, **fields: Any) -> None:
            counted.append((*key, fields))

        def write(self) -> None:
            counted.append(("written",))

    monkeypatch.setattr(record_outcomes, "TallyChanges", Changes)
    refused = NotAccepted(SendState.REFUSED, error_code=41)
    stopped = NotAccepted(SendState.CANCELLED, reason="stop_list")
    endings = {"a": refused, "b": refused, "c": stopped}
    record_outcomes._update_tally([outcome(DOLLAR, DOLLAR, not_accepted=endings)])
    assert counted == [
        (7, "UA", "accepted", {"recipients": 2}),
        (7, "UA", "refused", {"error_code": 41, "reason": "", "recipients": 2}),
        (7, "UA", "cancelled", {"error_code": None, "reason": "stop_list", "recipients": 1}),
        ("written",),
    ]
