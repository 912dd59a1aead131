"""The rate at which the account takes messages, learnt from the gateway's answers by all workers.

- Without refusals nothing limits the account but SEND_RATE, and no worker waits for another.
- Refused as too many (error 11, HTTP 429): answers are counted for a window. If more than NOISE of
  them are such refusals, the rate becomes what was accepted, a little less. From there it grows,
  first slowly and then faster, until it is refused again, or until it limits nothing any more. A
  Retry-After is obeyed by all.
- Down: after several requests without an outcome nothing leaves. The gateway is asked for the
  balance, after 1, 2, 4 ... 32 seconds; when it answers, one batch leaves, and when that is
  accepted, all may.

See docs/sending.md, "Send rate".
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from campaigns.dispatch.models import AccountRate
from campaigns.dispatch.send.rate_control import (
    BURST,
    LAST_DOUBLING,
    doubling_wait,
    take_batches,
)
from campaigns.gateway.limits import MAX_RECIPIENTS
from campaigns.team import accounts

WINDOW = timedelta(seconds=1)  # of answers that are judged together
WINDOW_ANSWERS, LONGEST_WINDOW = 60, timedelta(seconds=60)  # so many, or for so long
NOISE = 0.03  # the share of refused requests that calls for nothing
CUT = 0.97  # of what was accepted
# What was accepted becomes the rate if it is less than this share of the rate, though more than
# that share of it was tried: workers that were idle prove nothing about the account.
CLEARLY_LESS = 0.8
# With a Retry-After each refusal costs a wait: cut more, even more if nobody was accepted since.
CUT_WITH_WAIT, CUT_AGAIN = 0.95, 0.7
LOWEST_RATE, FIRST_RATE = 10.0, 100.0  # recipients a second
# Growth in a second, which doubles every so many seconds since the last cut.
GROWTH, DOUBLED_EVERY, HIGHEST_GROWTH = 0.0015, 20.0, 1.0
LEARNT_BURST = 0.1  # seconds for which an unused rate is kept that was learnt
UNUSED = 4.0  # a rate so many times above what is accepted limits nothing
LONGEST_RETRY_AFTER = timedelta(minutes=10)
TROUBLE_AFTER = timedelta(minutes=60)  # without success
SUCCESS_NOTED_EVERY = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Answers:
    """What the answers of one round say about the account's rate."""

    accepted: int = 0  # recipients
    requests: int = 0  # with an answer that says whether it was too many
    throttled: int = 0  # requests refused as too many
    retry_after: float | None = None  # the longest, in seconds


def allow(wanted: int, now: datetime) -> int:
    """How many of `wanted` batches may leave now, over all workers. Call it in a transaction."""
    if wanted <= 0:
        return 0
    if not settings.SEND_RATE and _is_free(_find(), now):
        return wanted  # without a lock: no worker waits for another
    with _locked(now) as account:
        return _grant(account, wanted, float(settings.SEND_RATE), now)


def record_answers(answers: Answers, now: datetime) -> None:
    """Learn from the answers of one round. Call it in the transaction that records them."""
    found = _find()
    if _is_free(found, now) and not answers.throttled and not (found and found.window_at):
        if answers.accepted and not (
            found and found.success_at and now - found.success_at < SUCCESS_NOTED_EVERY
        ):
            with _locked(now) as account:
                account.success_at = now
        return
    with _locked(now) as account:
        learn(account, answers, now)


def record_failure(sent_at: datetime, now: datetime) -> None:
    """The gateway does not answer requests, of which the last was sent at `sent_at`.

    Those that left before the last failure was recorded do not count.
    """
    with _locked(now) as account:
        if not account.failures or not account.failed_at or sent_at >= account.failed_at:
            _fail(account, now)


def is_down() -> bool:
    """Whether the gateway does not answer, so that it has to be probed."""
    found = _find()
    return found is not None and found.failures > 0


def take_probe(now: datetime) -> bool:
    """Whether the caller is to ask the gateway whether it answers again."""
    found = _find()
    if found is None or not _is_probe_due(found, now):
        return False
    with transaction.atomic(), _locked(now) as account:
        if not _is_probe_due(account, now):
            return False
        account.until = now + doubling_wait(account.failures)
        return True


def record_probe(answered: bool, now: datetime) -> bool:
    """Record whether the gateway answered a probe. Return whether it is in trouble for long."""
    with transaction.atomic(), _locked(now) as account:
        if answered:
            account.until, account.is_trial = None, True
            return False
        _fail(account, now)
        if account.success_at and now - account.success_at < TROUBLE_AFTER:
            return False
        account.success_at = now  # whoever resumes starts afresh
        return True


# On a row, without the database


def learn(account: AccountRate, answers: Answers, now: datetime) -> None:
    """Count `answers`, and change the rate at the end of a window."""
    if answers.accepted:
        account.success_at = now
        if account.failures:
            account.failures, account.until, account.is_trial = 0, None, False
    if account.window_at is None:
        if not answers.throttled:
            return
        account.window_at = now
        account.accepted = account.requests = account.throttled = 0
    account.accepted += answers.accepted
    account.requests += answers.requests
    account.throttled += answers.throttled
    if answers.retry_after is not None:
        _wait_as_asked(account, answers.retry_after, now)
        return
    elapsed = now - account.window_at
    if elapsed >= LONGEST_WINDOW or (elapsed >= WINDOW and account.requests >= WINDOW_ANSWERS):
        _judge(account, elapsed.total_seconds(), now)
        account.accepted = account.requests = account.throttled = 0
        if account.window_at:
            account.window_at = now


def _wait_as_asked(account: AccountRate, seconds: float, now: datetime) -> None:
    """Obey a Retry-After, and lower the rate. Counting begins after the wait."""
    wait = min(timedelta(seconds=seconds), LONGEST_RETRY_AFTER)
    account.until = account.window_at = max(now + wait, account.until or now)
    cut = CUT_WITH_WAIT if account.accepted or account.cut_at is None else CUT_AGAIN
    account.accepted = account.requests = account.throttled = 0
    if account.rate is None:
        account.rate = FIRST_RATE
    else:
        account.rate, account.cut_at = max(account.rate * cut, LOWEST_RATE), now


def _judge(account: AccountRate, seconds: float, now: datetime) -> None:
    """Change the rate by what the window of so many `seconds` has shown."""
    accepted, tried = account.accepted / seconds, account.requests * MAX_RECIPIENTS / seconds
    if account.requests and account.throttled / account.requests >= NOISE:
        if account.rate is None and accepted < FIRST_RATE:
            account.rate = FIRST_RATE  # most of the window was a wait: it says too little
        else:
            rate = account.rate or accepted
            if accepted < rate * CLEARLY_LESS < tried:
                rate = accepted
            account.rate, account.cut_at = max(rate * CUT, LOWEST_RATE), now
    elif account.rate is not None:
        account.rate *= 1 + min(_growth(account, now) * seconds, HIGHEST_GROWTH)
        if account.rate > UNUSED * max(accepted, FIRST_RATE):
            account.rate = None
    if account.rate is None:
        account.window_at = account.cut_at = None


def _growth(account: AccountRate, now: datetime) -> float:
    if account.cut_at is None:
        return HIGHEST_GROWTH
    doublings = min((now - account.cut_at).total_seconds() / DOUBLED_EVERY, 20.0)
    growth: float = GROWTH * 2**doublings
    return growth


def _grant(account: AccountRate, wanted: int, limit: float, now: datetime) -> int:
    """How many batches may leave now; `limit` is SEND_RATE, 0 for none."""
    if account.until and account.until > now:
        return 0
    if account.failures:
        if not account.is_trial:
            return 0
        account.is_trial, account.until = False, now + doubling_wait(account.failures)
        return 1
    if not limit and account.rate is None:
        return wanted
    if account.rate is None or 0 < limit <= account.rate:
        rate, kept = limit, BURST
    else:
        rate, kept = account.rate, LEARNT_BURST
    burst = max(rate * kept, float(MAX_RECIPIENTS))
    return take_batches(account, wanted, rate, burst, now)


def _fail(account: AccountRate, now: datetime) -> None:
    account.failures = min(account.failures + 1, 1 + LAST_DOUBLING)
    account.failed_at, account.is_trial = now, False
    account.until = now + doubling_wait(account.failures)


def _is_free(account: AccountRate | None, now: datetime) -> bool:
    return account is None or (
        account.rate is None
        and not account.failures
        and (account.until is None or account.until <= now)
    )


def _is_probe_due(account: AccountRate, now: datetime) -> bool:
    is_waiting = account.until is not None and account.until > now
    return account.failures > 0 and not account.is_trial and not is_waiting


def _find() -> AccountRate | None:
    return AccountRate.objects.filter(pk=_account_id()).first()


def _account_id() -> int:
    """The account in use: what was learnt about one says nothing about another."""
    current = accounts.cached().current
    return current.pk if current else 0


@contextmanager
def _locked(now: datetime) -> Iterator[AccountRate]:
    """The account's row, locked until the transaction ends; saved at the end of the block."""
    pk = _account_id()
    AccountRate.objects.get_or_create(pk=pk, defaults={"at": now})
    account = AccountRate.objects.select_for_update().get(pk=pk)
    yield account
    account.save()
