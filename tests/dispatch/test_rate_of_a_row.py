"""What a window of answers, a wait or a failure makes of the account's rate, to the number."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.dispatch.models import AccountRate
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.account_rate import Answers

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
SECOND, TICK = timedelta(seconds=1), timedelta(microseconds=1)
EARLIER = NOW - 20 * SECOND


def row(**fields: Any) -> AccountRate:
    return AccountRate(at=NOW, **fields)


def changes(account: AccountRate, before: dict[str, Any]) -> dict[str, Any]:
    """The columns that differ from those of a row with the values `before`."""
    old = row(**before)
    columns = [field.attname for field in AccountRate._meta.concrete_fields]
    return {
        name: getattr(account, name)
        for name in columns
        if getattr(account, name) != getattr(old, name)
    }


def counted(accepted: int, requests: int, throttled: int, **fields: Any) -> dict[str, Any]:
    return {"accepted": accepted, "requests": requests, "throttled": throttled, **fields}


@pytest.mark.parametrize(
    ("before", "seconds", "expected"),
    [
        # at least three in a hundred are refused: the rate is what was accepted, a little less
        (counted(1000, 100, 3, window_at=EARLIER), 10, {"rate": 97.0, "cut_at": NOW}),
        (counted(999, 100, 3, window_at=EARLIER), 10, {"rate": 100.0}),
        (counted(1000, 100, 2, window_at=EARLIER), 10, {"window_at": None}),
        # accepted less than four fifths of the rate, of more that was tried
        (counted(790, 100, 3, rate=100.0), 10, {"rate": 79 * 0.97, "cut_at": NOW}),
        (counted(800, 100, 3, rate=100.0), 10, {"rate": 97.0, "cut_at": NOW}),
        (counted(790, 16, 1, rate=100.0), 10, {"rate": 97.0, "cut_at": NOW}),
        (counted(790, 17, 1, rate=100.0), 10, {"rate": 79 * 0.97, "cut_at": NOW}),
        (counted(50, 100, 3, rate=10.2), 10, {"rate": 10.0, "cut_at": NOW}),
        # it grows, and limits nothing above four times what is accepted
        (counted(1000, 100, 0, rate=100.0, cut_at=EARLIER), 10, {"rate": 103.0}),
        (counted(1000, 100, 2, rate=100.0), 10, {"rate": 200.0}),
        (counted(0, 0, 0, rate=100.0), 0.5, {"rate": 150.0}),
        (counted(500, 100, 0, rate=200.0), 10, {"rate": 400.0}),
        (
            counted(500, 100, 0, rate=201.0, window_at=EARLIER), 10,
            {"rate": None, "window_at": None},
        ),
        (
            counted(2000, 100, 0, rate=1e3, window_at=EARLIER, cut_at=NOW - 1000 * SECOND), 10,
            {"rate": None, "window_at": None, "cut_at": None},
        ),
    ],
)  # fmt: skip
def test_window_of_answers(
    before: dict[str, Any], seconds: float, expected: dict[str, Any]
) -> None:
    account = row(**before)
    account_rate._judge(account, seconds, NOW)
    found = changes(account, before)
    assert found.keys() == expected.keys()
    assert found.get("rate") == pytest.approx(expected.get("rate"))
    assert found.items() - {("rate", found.get("rate"))} == expected.items() - {
        ("rate", expected.get("rate"))
    }


def test_growth_doubles_every_twenty_seconds_since_the_last_cut() -> None:
    growth = {
        seconds: account_rate._growth(row(cut_at=NOW - seconds * SECOND), NOW)
        for seconds in (0, 10, 20, 40, 400, 4000)
    }
    assert growth == {
        0: 0.0015, 10: pytest.approx(0.0015 * 2**0.5), 20: 0.003, 40: 0.006,
        400: 0.0015 * 2**20, 4000: 0.0015 * 2**20,
    }  # fmt: skip
    assert account_rate._growth(row(), NOW) == 1.0


NOTHING = counted(0, 0, 0)
NINE = {"until": NOW + 9 * SECOND, "window_at": NOW + 9 * SECOND}


@pytest.mark.parametrize(
    ("before", "seconds", "after"),
    [
        ({}, 9, {"rate": 100.0, **NINE}),
        (counted(50, 2, 1, rate=100.0), 9, {"rate": 95.0, "cut_at": NOW, **NINE, **NOTHING}),
        (
            counted(50, 2, 1, rate=100.0, cut_at=EARLIER), 9,
            {"rate": 95.0, "cut_at": NOW, **NINE, **NOTHING},
        ),
        ({"rate": 100.0}, 9, {"rate": 95.0, "cut_at": NOW, **NINE}),
        ({"rate": 100.0, "cut_at": EARLIER}, 9, {"rate": 70.0, "cut_at": NOW, **NINE}),
        ({"rate": 11.0, "cut_at": EARLIER}, 9, {"rate": 10.0, "cut_at": NOW, **NINE}),
        (
            {"until": NOW + 10 * SECOND}, 9,
            {"rate": 100.0, "window_at": NOW + 10 * SECOND},
        ),
        (
            {}, 601,
            {"rate": 100.0, "until": NOW + 600 * SECOND, "window_at": NOW + 600 * SECOND},
        ),
    ],
)  # fmt: skip
def test_retry_after(before: dict[str, Any], seconds: float, after: dict[str, Any]) -> None:
    account = row(**before)
    account_rate._wait_as_asked(account, seconds, NOW)
    assert changes(account, before) == after


MINUTE_AGO = NOW - 60 * SECOND


@pytest.mark.parametrize(
    ("before", "answers", "after"),
    [
        ({}, Answers(), {}),
        ({}, Answers(accepted=50, requests=1), {"success_at": NOW}),
        (
            {"failures": 2, "until": NOW, "is_trial": True}, Answers(accepted=50, requests=1),
            {"success_at": NOW, "failures": 0, "until": None, "is_trial": False},
        ),
        ({"failures": 2, "until": NOW}, Answers(requests=1), {}),
        # the first refusal opens a window
        (
            counted(7, 7, 7), Answers(accepted=50, requests=2, throttled=1),
            {"success_at": NOW, "window_at": NOW, **counted(50, 2, 1)},
        ),
        # which goes on until enough was answered, or for a minute
        (
            counted(100, 3, 1, window_at=NOW - SECOND), Answers(accepted=50, requests=56),
            {"success_at": NOW, "accepted": 150, "requests": 59},
        ),
        (
            counted(100, 3, 2, window_at=NOW - SECOND), Answers(accepted=50, requests=57),
            {"success_at": NOW, "window_at": NOW, "rate": 145.5, "cut_at": NOW, **NOTHING},
        ),
        (
            counted(100, 3, 2, window_at=NOW - SECOND + TICK), Answers(requests=57),
            {"requests": 60},
        ),
        (counted(100, 3, 1, window_at=MINUTE_AGO + TICK), Answers(requests=1), {"requests": 4}),
        (
            counted(100, 9, 0, window_at=MINUTE_AGO), Answers(requests=1),
            {"window_at": None, **NOTHING, "throttled": 0},
        ),
        (
            counted(100, 3, 1, window_at=NOW - SECOND),
            Answers(requests=57, throttled=2, retry_after=9),
            {"rate": 100.0, **NINE, **NOTHING},
        ),
    ],
)  # fmt: skip
def test_answers_of_one_round(
    before: dict[str, Any], answers: Answers, after: dict[str, Any]
) -> None:
    account = row(**before)
    account_rate.learn(account, answers, NOW)
    expected = {name: value for name, value in after.items() if before.get(name, 0) != value}
    assert changes(account, before) == expected


@pytest.mark.parametrize(
    ("before", "limit", "granted"),
    [
        ({}, 0.0, 40),
        ({"until": NOW}, 0.0, 40),
        ({"until": NOW + TICK}, 0.0, 0),
        ({"failures": 1}, 0.0, 0),
        ({"failures": 1, "is_trial": True}, 0.0, 1),
        ({"tokens": 1e6}, 1000.0, 20),  # SEND_RATE, for a second
        ({"tokens": 1e6, "rate": 1000.0}, 1000.0, 20),
        ({"tokens": 1e6, "rate": 999.0}, 1000.0, 2),  # a learnt rate, for a tenth of one
        ({"tokens": 1e6, "rate": 999.0}, 0.0, 2),
        ({"tokens": 1e6, "rate": 1001.0}, 1000.0, 20),
        ({"tokens": 1e6, "rate": 10.0}, 0.0, 1),
        ({"tokens": 1e6, "rate": 0.5}, 0.25, 1),
        ({"tokens": 0.0, "rate": 999.0}, 0.0, 0),
    ],
)
def test_batches_that_may_leave(before: dict[str, Any], limit: float, granted: int) -> None:
    account = row(**before)
    assert account_rate._grant(account, 40, limit, NOW) == granted


def test_trial_is_given_once() -> None:
    before = {"failures": 3, "is_trial": True}
    account = row(**before)
    account_rate._grant(account, 40, 0.0, NOW)
    assert changes(account, before) == {"is_trial": False, "until": NOW + 4 * SECOND}


@pytest.mark.parametrize(("failures", "after", "wait"), [(0, 1, 1), (4, 5, 16), (6, 6, 32)])
def test_failure(failures: int, after: int, wait: int) -> None:
    account = row(failures=failures, is_trial=True)
    account_rate._fail(account, NOW)
    assert (account.failures, account.failed_at, account.is_trial) == (after, NOW, False)
    assert account.until == NOW + wait * SECOND


@pytest.mark.parametrize(
    ("account", "is_free", "is_probe_due"),
    [
        (row(), True, False),
        (row(rate=1e9), False, False),
        (row(until=NOW), True, False),
        (row(until=NOW + TICK), False, False),
        (row(failures=1), False, True),
        (row(failures=1, until=NOW), False, True),
        (row(failures=1, until=NOW + TICK), False, False),
        (row(failures=1, is_trial=True), False, False),
    ],
)
def test_who_may_leave_without_a_lock_and_who_asks(
    account: AccountRate, is_free: bool, is_probe_due: bool
) -> None:
    assert account_rate._is_free(account, NOW) is is_free
    assert account_rate._is_probe_due(account, NOW) is is_probe_due
    assert account_rate._is_free(None, NOW)


def test_send_rate_of_one_a_second_is_the_lower_one() -> None:
    account = AccountRate(at=NOW - SECOND, tokens=-5.0, rate=10.0)
    assert account_rate._grant(account, 40, 1.0, NOW) == 0
    assert account.tokens == -4.0


@pytest.mark.django_db
def test_success_is_noted_twice_a_minute_at_most() -> None:
    account_rate.record_answers(Answers(requests=1), NOW)
    assert not AccountRate.objects.exists()
    taken = Answers(accepted=50, requests=1)
    for seconds, noted in ((0, 0), (29, 0), (30, 30), (31, 30), (61, 61)):
        account_rate.record_answers(taken, NOW + seconds * SECOND)
        account = AccountRate.objects.get()
        assert account.success_at == NOW + noted * SECOND
    assert (account.pk, account.at, account.window_at) == (0, NOW, None)


@pytest.mark.django_db
def test_first_answer_of_an_account_can_be_a_refusal() -> None:
    account_rate.record_answers(Answers(requests=1, throttled=1), NOW)
    account = AccountRate.objects.get()
    assert (account.at, account.window_at, account.success_at) == (NOW, NOW, None)


@pytest.mark.django_db
def test_answers_are_counted_from_the_first_refusal() -> None:
    AccountRate.objects.create(pk=0, at=NOW, until=NOW)  # a wait that is over
    assert account_rate.allow(40, NOW) == 40
    account_rate.record_answers(Answers(accepted=50, requests=1), NOW)
    assert AccountRate.objects.get().requests == 0
    account_rate.record_answers(Answers(requests=1, throttled=1), NOW + SECOND)
    account_rate.record_answers(Answers(accepted=50, requests=1), NOW + 2 * SECOND)
    account = AccountRate.objects.get()
    assert (account.window_at, account.accepted) == (NOW + SECOND, 50)
    assert (account.requests, account.throttled) == (2, 1)


@pytest.mark.django_db
def test_failures_are_told_apart_by_when_they_were_sent() -> None:
    assert [account_rate.allow(wanted, NOW) for wanted in (-1, 0, 1)] == [0, 0, 1]
    assert not account_rate.take_probe(NOW)
    AccountRate.objects.create(pk=0, at=NOW, failed_at=NOW)  # it recovered
    assert not account_rate.is_down()
    for sent_at, failures in ((NOW - SECOND, 1), (NOW - SECOND, 1), (NOW, 2)):
        account_rate.record_failure(sent_at, NOW)
        assert AccountRate.objects.get().failures == failures
    assert account_rate.is_down()
    assert account_rate.record_probe(answered=True, now=NOW) is False
