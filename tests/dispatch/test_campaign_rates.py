"""A campaign's own rate holds over all workers, and delays no other campaign."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from campaigns.dispatch.models import AccountRate, Pace
from campaigns.dispatch.send import rate_control
from campaigns.dispatch.send.sender import BatchSender
from tests.dispatch import factory
from tests.sandbox_fixture import RunningSandbox

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 1, 14, 12, 0, tzinfo=UTC)


def allowed(campaign_id: int, wanted: int, at: float, rate: int = 100) -> int:
    """How many batches of `wanted` may leave `at` seconds past noon."""
    return sum(
        rate_control.allow_by_rate(
            [campaign_id] * wanted, {campaign_id: rate}, NOON + timedelta(seconds=at)
        )
    )


def test_rate_holds_over_all_workers() -> None:
    allowed(7, 1, 0)
    # ten seconds, ten times a second, by any worker
    sent = sum(allowed(7, 3, step / 10) for step in range(1, 101))
    assert 1000 <= sent * 50 <= 1050


def test_unused_rate_is_kept_for_one_second() -> None:
    allowed(7, 1, 0)
    assert allowed(7, 100, 3600) == 2


def test_each_campaign_has_its_own_rate() -> None:
    for campaign_id in (7, 8):
        allowed(campaign_id, 1, 0)
    later = NOON + timedelta(seconds=1)
    assert rate_control.allow_by_rate([7, 8, 9, 7, 8, 7], {7: 50, 8: 100}, later) == [
        True, True, True, False, True, False,
    ]  # fmt: skip


def test_unused_allowance_is_returned() -> None:
    allowed(7, 1, 0)
    assert allowed(7, 9, 1) == 2
    rate_control.return_unused({7: 2})
    assert allowed(7, 9, 1) == 2


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def run_rounds(sender: BatchSender, rounds: int, clock: time_machine.Traveller) -> int:
    """Run rounds a tenth of a second apart; return how many recipients were sent to."""
    recipients = 0
    for _round in range(rounds):
        plan = sender._plan_round([], True)
        recipients += sum(batch.claim.size for batch in plan.to_send)
        sender._submit(plan, _NoConnections())  # type: ignore[arg-type]
        sender.outstanding = 0
        sender.prepared = plan.waiting + sender._build_batches(plan.new_claims)
        clock.shift(0.1)
    return recipients


class _NoConnections:
    """A pool from which nothing comes back."""

    def submit(self, *_work: object) -> None: ...


def test_two_senders_share_the_rate_of_a_campaign(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    factory.launched(3000, rate=100)
    senders = [
        BatchSender(sandbox.client(), 8, timezone.now() + timedelta(hours=1))
        for _number in range(2)
    ]
    # ten seconds
    recipients = sum(run_rounds(sender, 1, clock) for _second in range(50) for sender in senders)
    assert 950 <= recipients <= 1050


def test_slow_campaign_does_not_delay_others(
    sandbox: RunningSandbox, clock: time_machine.Traveller
) -> None:
    slow, fast = factory.launched(1500, rate=10), factory.launched(1501)
    sender = BatchSender(sandbox.client(), 8, timezone.now() + timedelta(hours=1))
    run_rounds(sender, 6, clock)
    remaining = {
        campaign.pk: campaign.batches.filter(state="ready").count() for campaign in (slow, fast)
    }
    assert remaining[fast.pk] == 0
    assert remaining[slow.pk] >= 27


def test_a_campaigns_rate_stays_below_the_accounts(
    sandbox: RunningSandbox, clock: time_machine.Traveller, settings: Settings
) -> None:
    settings.SEND_RATE = 50
    factory.launched(3000, rate=1000)
    # ten seconds
    recipients = run_rounds(
        BatchSender(sandbox.client(), 8, timezone.now() + timedelta(hours=1)), 100, clock
    )
    assert 450 <= recipients <= 550
    assert (Pace.objects.count(), AccountRate.objects.count()) == (1, 1)


def test_a_campaign_with_a_rate_reaches_everybody_once(sandbox: RunningSandbox) -> None:
    factory.launched(300, rate=100_000)
    BatchSender(sandbox.client(), 4, timezone.now() + timedelta(seconds=60)).run()
    bill = sandbox.bill()
    assert (bill["messages"], bill["doubled_phones"]) == (300, 0)
