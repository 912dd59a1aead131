"""The account's rate, learnt from a simulated gateway, and what happens while it is down."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from campaigns.dispatch.models import AccountRate
from campaigns.dispatch.send import account_rate
from campaigns.dispatch.send.account_rate import Answers
from campaigns.team import accounts
from campaigns.team.accounts import Accounts
from campaigns.team.models import GatewayAccount

START = datetime(2026, 11, 24, 9, tzinfo=UTC)
TICK = timedelta(milliseconds=50)
SECOND = timedelta(seconds=1)


class LimitedGateway:
    """Takes `rate` recipients a second, in any second; refuses requests beyond."""

    def __init__(self, rate: float, retry_after: float | None = None) -> None:
        self.rate, self.retry_after = rate, retry_after
        self.allowance, self.at = rate, START

    def answer(self, now: datetime) -> bool:
        """Whether a request with 50 recipients is accepted."""
        elapsed = (now - self.at).total_seconds()
        self.allowance = min(self.rate, self.allowance + elapsed * self.rate)
        self.at = now
        if self.allowance < min(50, self.rate):
            return False
        self.allowance -= 50
        return True


def simulate(gateway: LimitedGateway, minutes: int, wanted: int = 40) -> tuple[int, int]:
    """Send as fast as the rate allows; the recipients accepted, and the requests refused, after the
    first minute.
    """
    account, now = AccountRate(at=START), START
    accepted = refused = 0
    while now < START + timedelta(minutes=minutes):
        batches = account_rate._grant(account, wanted, 0.0, now)
        answers = [gateway.answer(now) for _ in range(batches)]
        if answers:
            good = sum(answers)
            account_rate.learn(
                account,
                Answers(
                    50 * good,
                    len(answers),
                    len(answers) - good,
                    gateway.retry_after if good < len(answers) else None,
                ),
                now,
            )
            if now >= START + timedelta(minutes=1):
                accepted, refused = accepted + 50 * good, refused + len(answers) - good
        now += TICK
    return accepted, refused


@pytest.mark.parametrize(
    ("rate", "share"),
    # at less than a batch a second, a request that comes a little early costs the time of another
    [(20, 0.7), (100, 0.9), (150, 0.9), (1_000, 0.9), (10_000, 0.9)],
)
@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_nearly_all_of_the_accounts_limit_is_used(
    rate: float, share: float, retry_after: float | None
) -> None:
    accepted, refused = simulate(LimitedGateway(rate, retry_after), minutes=11)
    assert accepted >= share * rate * 600
    assert rate < 50 or refused <= 0.07 * accepted / 50


def test_refusals_now_and_then_limit_nothing() -> None:
    """One request of a hundred is refused, however slowly they come."""
    chance = random.Random(5)
    account, now = AccountRate(at=START), START
    granted = []
    for _ in range(20 * 60):
        batches = account_rate._grant(account, 40, 0.0, now)
        granted.append(batches)
        throttled = sum(chance.random() < 0.01 for _ in range(batches))
        accepted = 50 * (batches - throttled)
        account_rate.learn(account, Answers(accepted, batches, throttled), now)
        now += TICK
    assert min(granted) == 40


def test_refusals_now_and_then_hardly_slow_a_slow_account() -> None:
    """Three requests of 200 are refused, of seven a second: SEND_RATE is 350."""
    chance = random.Random(5)
    account, now, accepted = AccountRate(at=START), START, 0
    for _ in range(20 * 60 * 30):
        batches = account_rate._grant(account, 40, 350.0, now)
        throttled = sum(chance.random() < 0.015 for _ in range(batches))
        accepted += 50 * (batches - throttled)
        if batches:
            answers = Answers(50 * (batches - throttled), batches, throttled)
            account_rate.learn(account, answers, now)
        now += TICK
    assert accepted >= 0.95 * 350 * 60 * 30


def test_idle_workers_prove_nothing_about_the_account() -> None:
    """A refusal now and then while hardly anything is sent does not lower the rate to that."""
    account, now = AccountRate(at=START, rate=350.0, window_at=START, cut_at=START), START
    for number in range(120):
        account_rate.learn(account, Answers(0 if number % 20 == 0 else 50, 1, not number % 20), now)
        now += SECOND
    assert account.rate is None or account.rate > 300


def test_limit_that_is_lifted_is_noticed() -> None:
    account, now = AccountRate(at=START), START
    gateway = LimitedGateway(100)
    for tick in range(20 * 60 * 6):
        if tick == 20 * 60 * 3:
            gateway = LimitedGateway(1e9)
        batches = account_rate._grant(account, 40, 0.0, now)
        good = sum(gateway.answer(now) for _ in range(batches))
        account_rate.learn(account, Answers(50 * good, batches, batches - good), now)
        now += TICK
    assert account.rate is None
    assert account_rate._grant(account, 40, 0.0, now) == 40


def test_retry_after_is_obeyed_and_has_a_limit() -> None:
    account = AccountRate(at=START)
    account_rate.learn(account, Answers(0, 1, 1, 7.0), START)
    assert account_rate._grant(account, 40, 0.0, START + 6.9 * SECOND) == 0
    assert account_rate._grant(account, 40, 0.0, START + 7 * SECOND) > 0
    account_rate.learn(account, Answers(0, 1, 1, 86_400.0), START)
    assert account.until == START + account_rate.LONGEST_RETRY_AFTER


@pytest.mark.django_db
def test_gateway_that_is_down_is_probed_less_and_less_often() -> None:
    now = START
    account_rate.record_failure(now, now)
    waits = []
    for _ in range(8):
        until = AccountRate.objects.get().until
        assert until
        waits.append((until - now).total_seconds())
        assert not account_rate.take_probe(until - TICK)
        now = until
        assert account_rate.allow(40, now) == 0  # no batch leaves to find out
        assert account_rate.take_probe(now)
        assert not account_rate.take_probe(now)  # one at a time
        account_rate.record_probe(answered=False, now=now)
    assert waits == [1, 2, 4, 8, 16, 32, 32, 32]


@pytest.mark.django_db
def test_answered_probe_lets_one_batch_leave_and_its_success_all() -> None:
    account_rate.record_failure(START, START)
    later = START + SECOND
    assert account_rate.take_probe(later)
    account_rate.record_probe(answered=True, now=later)
    assert account_rate.allow(40, later) == 1
    assert account_rate.allow(40, later) == 0
    account_rate.record_answers(Answers(accepted=50, requests=1), later + SECOND)
    assert account_rate.allow(40, later + SECOND) == 40


@pytest.mark.django_db
def test_failed_trial_waits_longer() -> None:
    account_rate.record_failure(START, START)
    later = START + SECOND
    assert account_rate.take_probe(later)
    account_rate.record_probe(answered=True, now=later)
    assert account_rate.allow(40, later) == 1
    account_rate.record_failure(later, later)
    assert AccountRate.objects.get().until == later + 2 * SECOND
    assert account_rate.allow(40, later + 2 * SECOND) == 0


@pytest.mark.django_db
def test_failures_of_requests_from_before_count_once() -> None:
    for _request in range(40):
        account_rate.record_failure(START, START + TICK)
    assert AccountRate.objects.get().failures == 1


@pytest.mark.django_db
def test_trouble_is_an_hour_without_success_and_counts_anew_after_it() -> None:
    account_rate.record_answers(Answers(accepted=50, requests=1), START)
    account_rate.record_failure(START, START)
    hour = account_rate.TROUBLE_AFTER
    assert not account_rate.record_probe(answered=False, now=START + hour - SECOND)
    assert account_rate.record_probe(answered=False, now=START + hour)
    assert not account_rate.record_probe(answered=False, now=START + hour + SECOND)
    assert account_rate.record_probe(answered=False, now=START + 2 * hour)


@pytest.mark.django_db
def test_send_rate_limits_the_account(settings: pytest.FixtureRequest) -> None:
    settings.SEND_RATE = 100  # type: ignore[attr-defined]
    assert [account_rate.allow(40, START + second * SECOND) for second in range(5)] == [
        0, 2, 2, 2, 2,
    ]  # fmt: skip


@pytest.mark.django_db
def test_each_account_learns_its_own_rate() -> None:
    first, second = (
        GatewayAccount.objects.create(name=name, environment="live") for name in ("A", "B")
    )
    accounts.cache_state(Accounts((first, second), first))
    account_rate.record_failure(START, START)
    assert account_rate.is_down()
    accounts.cache_state(Accounts((first, second), second))
    assert not account_rate.is_down()
    assert account_rate.allow(40, START) == 40
    accounts.cache_state(Accounts((first, second), first))
    assert account_rate.allow(40, START) == 0
