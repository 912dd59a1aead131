"""How fast: the account's rate, and the brake that all workers pull together when the gateway asks
for less.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from campaigns.dispatch.models import Pace
from campaigns.gateway.limits import MAX_RECIPIENTS

ACCOUNT = "account"
BURST = timedelta(seconds=1)  # what was not used of the rate is kept for so long
STEP_MAX = 6  # waits of 1, 2, 4 … 32 seconds between probes


def allowance(wanted: int, now: datetime) -> int:
    """How many batches of the `wanted` may leave now, over all workers. Call it in a transaction.

    At full speed that is all of them, within the rate; under the brake one, for whoever asks first
    after each wait.
    """
    if wanted <= 0 or (not settings.SEND_RATE and not braked()):
        return max(wanted, 0)  # without a lock: at full speed nobody waits for anybody
    pace = _locked(ACCOUNT, now)
    if pace.step:
        return _probe(pace, now)
    return _within_rate(pace, wanted, settings.SEND_RATE, now) if settings.SEND_RATE else wanted


def within_rates(wanted: Sequence[int], rates: Mapping[int, int], now: datetime) -> list[bool]:
    """For a batch of each of the campaigns `wanted`, in order, whether it may leave now. Call it in
    a transaction.

    `rates`: recipients a second by campaign, for those that have a limit of their own, over all
    workers.
    """
    granted = {
        campaign_id: _within_rate(
            _locked(_scope(campaign_id), now), wanted.count(campaign_id), rates[campaign_id], now
        )
        for campaign_id in sorted(rates.keys() & set(wanted))
    }
    answers = []
    for campaign_id in wanted:
        may = campaign_id not in granted or granted[campaign_id] > 0
        if campaign_id in granted:
            granted[campaign_id] -= 1
        answers.append(may)
    return answers


def give_back(unused: Mapping[int, int]) -> None:
    """Batches, by campaign, that its rate allowed and that did not leave: what they took of it is
    there again.
    """
    for campaign_id, batches in sorted(unused.items()):
        Pace.objects.filter(scope=_scope(campaign_id)).update(
            tokens=F("tokens") + batches * MAX_RECIPIENTS
        )


def _scope(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


def seconds_to_wait(scope: str, rate: int, now: datetime) -> float:
    """How long until something may be taken of `scope`, whose bucket fills by `rate` a second (0:
    no limit).
    """
    pace = Pace.objects.filter(scope=scope).first()
    if pace is None:
        return 0.0
    resting = max((pace.until - now).total_seconds(), 0.0) if pace.until else 0.0
    lacking = -_filled(pace, rate, now) / rate if rate else 0.0
    return max(resting, lacking, 0.0)


def take(scope: str, amount: int, rate: int, now: datetime) -> None:
    """Take `amount` of what fills by `rate` a second (0: no limit), on credit: who asks next waits
    for it.
    """
    if rate and amount:
        with transaction.atomic():
            pace = _locked(scope, now)
            pace.tokens, pace.at = _filled(pace, rate, now) - amount, now
            pace.save(update_fields=["tokens", "at"])


def rest(scope: str, until: datetime, now: datetime) -> None:
    """Nobody takes anything of `scope` before `until`."""
    with transaction.atomic():
        pace = _locked(scope, now)
        pace.until = max(until, pace.until or until)
        pace.save(update_fields=["until"])


def _filled(pace: Pace, rate: int, now: datetime) -> float:
    filled = pace.tokens + (now - pace.at).total_seconds() * rate
    return min(filled, rate * BURST.total_seconds())


def slow_down(sent_at: datetime, now: datetime) -> None:
    """Pull the brake, because of what was sent at `sent_at`. What had left before it was last
    pulled does not count.
    """
    pace = _locked(ACCOUNT, now)
    if pace.step and sent_at < pace.at:
        return
    pace.step = min(pace.step + 1, STEP_MAX)
    pace.until = now + _wait(pace.step)
    pace.at = now
    pace.save(update_fields=["step", "until", "at"])


def speed_up(sent_at: datetime) -> None:
    """The gateway accepted what was sent at `sent_at`: full speed, unless the brake was pulled
    after that.
    """
    if braked():
        Pace.objects.filter(scope=ACCOUNT, step__gt=0, at__lte=sent_at).update(step=0, until=None)


def braked() -> bool:
    """Whether the brake is on."""
    return Pace.objects.filter(scope=ACCOUNT, step__gt=0).exists()


def _locked(scope: str, now: datetime) -> Pace:
    Pace.objects.get_or_create(scope=scope, defaults={"at": now})
    return Pace.objects.select_for_update().get(scope=scope)


def _wait(step: int) -> timedelta:
    return timedelta(seconds=2 ** (step - 1))


def _probe(pace: Pace, now: datetime) -> int:
    if pace.until and pace.until > now:
        return 0
    pace.until = now + _wait(pace.step)
    pace.save(update_fields=["until"])
    return 1


def _within_rate(pace: Pace, wanted: int, rate: int, now: datetime) -> int:
    """A bucket of recipients that fills by `rate` a second; a batch may leave while anything is in
    it, on credit.
    """
    pace.tokens = _filled(pace, rate, now)
    pace.at = now
    granted = 0
    while granted < wanted and pace.tokens > 0:
        pace.tokens -= MAX_RECIPIENTS
        granted += 1
    pace.save(update_fields=["tokens", "at"])
    return granted
