"""Replies about a batch that another worker has checked meanwhile change nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from pytest_django import Settings

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, BatchState, Recipient
from campaigns.gateway.errors import GatewayUnreadable
from campaigns.gateway.types import FallbackStatus, MessageStatus
from campaigns.results.polling import asker, batch_checks, due_batches
from campaigns.results.polling.poll_schedule import FIRST_CHECK
from campaigns.results.polling.recording import StatusUpdate
from tests.results.test_prices import accept
from tests.stored import changes, everything

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 24, 10, 0, 0, 250_000, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def campaign() -> Campaign:
    """A campaign of three accepted batches."""
    campaign, _recipients = accept(6)
    return campaign


def replies(recipients: list[Recipient]) -> batch_checks.Replies:
    """Replies of which each part would write something."""
    sms = (FallbackStatus("sms", "2", "delivered", Decimal("0.05"), "EUR"),)
    status = MessageStatus(
        "1", "", "", "expired", Decimal(0), "EUR", fallback=sms, rounded=True, body="{}"
    )
    updates = [StatusUpdate(one, status) for one in recipients[:-1]]
    return batch_checks.Replies(
        updates, has_failures=True, unreadable=GatewayUnreadable("not JSON")
    )


def claim(now: datetime) -> list[int]:
    """Claim what is due at `now`; return the numbers of the batches."""
    with time_machine.travel(now, tick=False):
        kinds = (due_batches.DueAgain(), due_batches.NeverChecked())
        return [check.batch.number for kind in kinds for check in kind.take(500, set())]


@pytest.mark.parametrize("is_hinted", [False, True])
@pytest.mark.parametrize("since", [1, -1])
def test_replies_about_a_batch_checked_since_change_nothing(
    campaign: Campaign, is_hinted: bool, since: int
) -> None:
    Batch.objects.update(checks=3, check_at=NOW)
    batch = Batch.objects.select_related("campaign").order_by("number")[0]
    recipients = list(Recipient.objects.filter(batch_number=batch.number))
    Batch.objects.filter(pk=batch.pk).update(checks=3 + since)
    before = everything()
    check = batch_checks.BatchCheck(batch, recipients, is_hinted)
    batch_checks.write_checks([(check, replies(recipients))])
    assert everything() == before
    Batch.objects.filter(pk=batch.pk).update(checks=3)
    before = everything()
    batch_checks.write_checks([(check, replies(recipients))])
    assert changes(Batch, before)[batch.pk]["checks"] == 4
    assert set(changes(Batch, before)) == {batch.pk}
    assert set(changes(Recipient, before)) == {one.pk for one in recipients[:-1]}


def test_batches_that_another_worker_polls_are_not_claimed(
    campaign: Campaign, settings: Settings
) -> None:
    settings.STATUS_RATE = 0
    Batch.objects.update(checks=1, check_at=NOW + TICK)
    before = everything()
    assert claim(NOW) == []
    assert everything() == before
    Batch.objects.update(check_at=NOW)
    before = everything()
    assert len(claim(NOW)) == 3
    claimed = {"check_at": NOW + due_batches.CLAIM_TIME}
    assert changes(Batch, before) == dict.fromkeys(before["Batch"], claimed)
    before = everything()
    assert claim(NOW + due_batches.CLAIM_TIME - TICK) == []
    assert everything() == before


@pytest.mark.parametrize("state", list(BatchState))
def test_first_check_is_of_batches_that_are_done_and_old_enough(
    campaign: Campaign, settings: Settings, state: str
) -> None:
    settings.STATUS_RATE = 0
    Batch.objects.update(state=state, checks=0, check_at=None, done_at=NOW - FIRST_CHECK)
    first = Batch.objects.order_by("number")[0]
    Batch.objects.filter(pk=first.pk).update(done_at=NOW - FIRST_CHECK + TICK)
    is_done = state == BatchState.DONE
    assert asker.is_due(NOW) is is_done
    before = everything()
    assert len(claim(NOW)) == (2 if is_done else 0)
    claimed = set(before["Batch"]) - {first.pk} if is_done else set()
    assert set(changes(Batch, before)) == claimed


def test_batch_checked_since_keeps_no_other_from_being_written(campaign: Campaign) -> None:
    """Several are written in one transaction."""
    Batch.objects.update(checks=2, check_at=NOW + due_batches.CLAIM_TIME)
    batches = list(Batch.objects.select_related("campaign").order_by("number"))
    Batch.objects.filter(pk=batches[1].pk).update(checks=3)
    own = {batch.pk: list(Recipient.objects.filter(batch_number=batch.number)) for batch in batches}
    before = everything()
    batch_checks.write_checks(
        [
            (batch_checks.BatchCheck(batch, own[batch.pk]), replies(own[batch.pk]))
            for batch in batches
        ]
    )
    written = {batches[0].pk, batches[2].pk}
    assert set(changes(Batch, before)) == written
    assert set(changes(Recipient, before)) == {one.pk for pk in written for one in own[pk][:-1]}
