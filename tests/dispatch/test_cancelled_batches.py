"""What a cancelled campaign has not sent is cancelled, and nothing else."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch import sweep
from campaigns.dispatch.models import Batch, BatchState, Recipient, SendState, Tally
from campaigns.results.money.rebuilding import differences, rebuild
from tests.dispatch import factory
from tests.stored import changes, everything

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
CANCELLED = {"send_state": "cancelled", "reason": "cancelled"}
S = BatchState


def cancelled(people: int, **columns: Any) -> Campaign:
    """A cancelled campaign whose batches were not looked at yet."""
    campaign = factory.launched(people, **columns)
    Campaign.objects.filter(pk=campaign.pk).update(state=CampaignState.CANCELLED)
    return campaign


def decide(recipients: list[Recipient]) -> dict[int, SendState]:
    """Give the first recipients each of the final states; return the states by id."""
    states = [SendState.ACCEPTED, SendState.REFUSED, SendState.UNRESOLVED]
    decided = dict(zip((one.pk for one in recipients), states, strict=False))
    for pk, state in decided.items():
        Recipient.objects.filter(pk=pk).update(send_state=state, gateway_id="id", reason="why")
    return decided


def test_accepted_and_refused_recipients_stay_as_they_are() -> None:
    campaign = cancelled(15)  # five in each of three batches
    decided: dict[int, SendState] = {}
    for batch in campaign.batches.all():
        decided |= decide(list(campaign.recipients.filter(batch_number=batch.number)))
    before = everything()
    with time_machine.travel(NOW, tick=False):
        assert sweep._cancel_next_batches(campaign.pk) == 3
    queued = [pk for pk in before["Recipient"] if pk not in decided]
    assert len(queued) == 15 - 9
    assert changes(Recipient, before) == dict.fromkeys(queued, CANCELLED)
    done = {"state": "done", "done_at": NOW}
    assert changes(Batch, before) == dict.fromkeys(before["Batch"], done)
    columns = ("country", "send_state", "reason", "error_code", "recipients")
    assert list(Tally.objects.order_by("country").values_list(*columns)) == [
        (country, "cancelled", "cancelled", 0, 2) for country in ("BG", "RO", "UA")
    ]
    rebuild()
    assert differences() == []


@pytest.mark.parametrize("state", sorted(set(S) - {S.READY}))
def test_batches_that_a_sender_has_are_left_to_it(state: str) -> None:
    campaign = cancelled(6)
    held = campaign.batches.order_by("number")[1]
    soon = timezone.now() + timedelta(minutes=1)
    Batch.objects.filter(pk=held.pk).update(state=state, token="theirs", lease_until=soon)
    before = everything()
    assert sweep._cancel_next_batches(campaign.pk) == 2
    others = campaign.recipients.exclude(batch_number=held.number)
    assert set(changes(Recipient, before)) == set(others.values_list("pk", flat=True))
    assert held.pk not in changes(Batch, before)


@pytest.mark.parametrize("state", sorted(set(CampaignState) - {CampaignState.CANCELLED}))
def test_campaigns_that_are_not_cancelled_are_left_alone(state: str) -> None:
    campaign = factory.launched(6)
    Campaign.objects.filter(pk=campaign.pk).update(state=state)
    over = cancelled(3)
    before = everything()
    sweep.cancel_remaining()
    assert not over.recipients.filter(send_state=SendState.QUEUED).exists()
    other = set(campaign.recipients.values_list("pk", flat=True))
    assert len(other) == 6
    assert other.isdisjoint(changes(Recipient, before))
    assert campaign.batches.filter(state=S.READY).count() == 3


def test_a_part_at_a_time_is_cancelled_until_nothing_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sweep, "BATCHES_PER_TRANSACTION", 2)
    campaign = cancelled(9)
    queued = campaign.recipients.filter(send_state=SendState.QUEUED)
    assert (sweep._cancel_next_batches(campaign.pk), queued.count()) == (2, 3)
    assert (sweep._cancel_next_batches(campaign.pk), queued.count()) == (1, 0)
    before = everything()
    assert sweep._cancel_next_batches(campaign.pk) == 0
    assert everything() == before


def test_cancelled_recipients_hold_nothing_and_accepted_ones_what_their_sms_may_cost() -> None:
    campaign = cancelled(2, sms_sender="Shop", sms_text="Hello by SMS")
    first, second = campaign.batches.order_by("number")
    Batch.objects.update(worst_case=Decimal("0.4"), held=Decimal("0.4"), held_currency="EUR")
    campaign.recipients.filter(batch_number=first.number).update(
        send_state=SendState.ACCEPTED, charged=Decimal("0.1"), currency="EUR"
    )
    sweep.cancel_remaining()
    held = dict(Batch.objects.values_list("number", "held"))
    assert held == {first.number: Decimal("0.3"), second.number: None}
