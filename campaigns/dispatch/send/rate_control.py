"""The send rate of a campaign, and the rate at which statuses are asked for.

A rate is a bucket of tokens (a Pace row) that fills by so many recipients a second, over all
workers. The rate of the account, which is learnt, is in account_rate; its bucket works alike.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import F

from campaigns.dispatch.models import Pace
from campaigns.gateway.limits import MAX_RECIPIENTS

BURST = 1.0  # seconds for which an unused rate is kept
LAST_DOUBLING = 5  # of the waits


class Bucket(Protocol):
    """A row with tokens: the recipients that may be sent to, or asked for, at the moment `at`."""

    tokens: float
    at: datetime


def take_batches(bucket: Bucket, wanted: int, rate: float, most: float, now: datetime) -> int:
    """Take the tokens of up to `wanted` batches; return how many may leave. Saves nothing.

    The bucket fills by `rate` tokens a second, up to `most`. A batch may leave while any token is
    left; what it takes beyond that is on credit.
    """
    bucket.tokens = _filled(bucket, rate, most, now)
    bucket.at = max(bucket.at, now)
    granted = 0
    while granted < wanted and bucket.tokens > 0:
        bucket.tokens -= MAX_RECIPIENTS
        granted += 1
    return granted


def _filled(bucket: Bucket, rate: float, most: float, now: datetime) -> float:
    elapsed = max((now - bucket.at).total_seconds(), 0.0)  # another machine's clock may be ahead
    return min(bucket.tokens + elapsed * rate, most)


def doubling_wait(times: int) -> timedelta:
    """How long to wait after so many failures in a row: 1, 2, 4 … 32 seconds."""
    return timedelta(seconds=2 ** min(max(times - 1, 0), LAST_DOUBLING))


def allow_by_rate(
    campaign_ids: Sequence[int], rates: Mapping[int, int], now: datetime
) -> list[bool]:
    """Whether each batch may leave now by its campaign's rate. Call it in a transaction.

    `campaign_ids` names the campaign of each batch, in order. `rates` has the recipients a second
    of campaigns that have a rate of their own, over all workers.
    """
    granted = {
        campaign_id: _take_and_save(
            _lock_bucket(_campaign_scope(campaign_id), now),
            campaign_ids.count(campaign_id),
            rates[campaign_id],
            now,
        )
        for campaign_id in sorted(rates.keys() & set(campaign_ids))
    }
    answers = []
    for campaign_id in campaign_ids:
        is_allowed = campaign_id not in granted or granted[campaign_id] > 0
        if campaign_id in granted:
            granted[campaign_id] -= 1
        answers.append(is_allowed)
    return answers


def return_unused(batches_by_campaign: Mapping[int, int]) -> None:
    """Return the tokens of batches that were allowed by a campaign's rate and did not leave."""
    for campaign_id, batches in sorted(batches_by_campaign.items()):
        Pace.objects.filter(scope=_campaign_scope(campaign_id)).update(
            tokens=F("tokens") + batches * MAX_RECIPIENTS
        )


def _campaign_scope(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


def seconds_to_wait(scope: str, rate: int, now: datetime) -> float:
    """Seconds until tokens may be taken from the bucket `scope`, which fills by `rate` a second.

    A rate of 0 means no limit.
    """
    pace = Pace.objects.filter(scope=scope).first()
    if pace is None:
        return 0.0
    blocked = max((pace.until - now).total_seconds(), 0.0) if pace.until else 0.0
    lacking = -_current_tokens(pace, rate, now) / rate if rate else 0.0
    return max(blocked, lacking, 0.0)


def take_tokens(scope: str, amount: int, rate: int, now: datetime) -> None:
    """Take `amount` tokens from the bucket `scope`, on credit: whoever asks next waits for them.

    A rate of 0 means no limit: nothing is taken.
    """
    if rate and amount:
        with transaction.atomic():
            pace = _lock_bucket(scope, now)
            pace.tokens = _current_tokens(pace, rate, now) - amount
            pace.at = max(pace.at, now)
            pace.save(update_fields=["tokens", "at"])


def back_off(scope: str, now: datetime, requested: float | None = None) -> None:
    """Let nobody take tokens of `scope` for a while, each time in a row twice as long.

    `requested`: the seconds that the gateway asked for, which take precedence.
    """
    with transaction.atomic():
        pace = _lock_bucket(scope, now)
        pace.step = min(pace.step + 1, 1 + LAST_DOUBLING)
        wait = doubling_wait(pace.step) if requested is None else timedelta(seconds=requested)
        pace.until = max(now + wait, pace.until or now)
        pace.save(update_fields=["step", "until"])


def recover(scope: str) -> None:
    """The gateway answers again: the next `back_off` waits briefly."""
    Pace.objects.filter(scope=scope, step__gt=0).update(step=0)


def _current_tokens(pace: Pace, rate: int, now: datetime) -> float:
    return _filled(pace, rate, rate * BURST, now)


def _lock_bucket(scope: str, now: datetime) -> Pace:
    Pace.objects.get_or_create(scope=scope, defaults={"at": now})
    return Pace.objects.select_for_update().get(scope=scope)


def _take_and_save(pace: Pace, wanted: int, rate: int, now: datetime) -> int:
    granted = take_batches(pace, wanted, rate, rate * BURST, now)
    pace.save(update_fields=["tokens", "at"])
    return granted
