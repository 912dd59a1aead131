"""What a status changes: states, times and hourly counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import time_machine

from campaigns.compose.models import Campaign, Timing
from campaigns.dispatch.models import Recipient, SendState
from campaigns.gateway.types import FallbackStatus, MessageStatus
from campaigns.ledger.models import LedgerEntry
from campaigns.results import campaign_status
from campaigns.results.models import HourCount
from campaigns.results.money.rebuilding import differences, rebuild
from campaigns.results.polling.recording import BatchUpdates, StatusUpdate, record_updates
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
LEFT = datetime(2026, 11, 24, 9, 59, 50, tzinfo=UTC)
SENT, ARRIVED = LEFT + timedelta(seconds=2), LEFT + timedelta(minutes=1)
NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def status(name: str, **changes: Any) -> MessageStatus:
    fields: dict[str, Any] = {
        "price": Decimal("0.02"),
        "currency": "EUR",
        "time_sent": SENT,
        "time_dr": ARRIVED,
    } | changes
    return MessageStatus("1", "", "", name, **fields)


@pytest.fixture
def recipient() -> Recipient:
    """A recipient as sending leaves it: accepted, charged and counted."""
    from campaigns.dispatch.tally import TallyChanges
    from campaigns.ledger.entries import Movement, write_entries
    from campaigns.ledger.models import Channel, Kind

    campaign = factory.launched(1)
    Recipient.objects.update(send_state=SendState.ACCEPTED, charged=Decimal("0.02"), currency="EUR")
    accepted = Recipient.objects.get()
    moves = TallyChanges()
    moves.add(campaign.pk, accepted.country, "accepted")
    moves.write()
    amounts = [(accepted.pk, Decimal("0.02"))]
    write_entries(
        [Movement(Kind.CHARGE, Channel.VIBER, campaign.pk, accepted.country, "EUR", amounts)], LEFT
    )
    return accepted


def record(recipient: Recipient, *statuses: MessageStatus) -> Recipient:
    """Record each of `statuses` in turn, as polling does."""
    campaign = Campaign.objects.get(pk=recipient.campaign_id)
    with time_machine.travel(NOW, tick=False):
        for one_status in statuses:
            update = StatusUpdate(Recipient.objects.get(pk=recipient.pk), one_status)
            record_updates([BatchUpdates([update], campaign, recipient.country, LEFT)])
    return Recipient.objects.get(pk=recipient.pk)


def hours(recipient: Recipient) -> dict[str, int]:
    counted = HourCount.objects.filter(campaign=recipient.campaign_id).exclude(people=0)
    return {
        measure: hour.hour
        for measure, hour, _people in counted.values_list("measure", "hour", "people")
    }


def test_states_only_move_forward_in_any_order(recipient: Recipient) -> None:
    statuses = [status("sent", time_dr=None), status("delivered"), status("read")]
    columns = (
        "delivery_state",
        "status",
        "final",
        "viber_price",
        "sent_at",
        "delivered_at",
        "read_at",
    )
    ends = set()
    for order in permutations(statuses):
        Recipient.objects.update(
            delivery_state="", status="", final=False, sent_at=None, delivered_at=None, read_at=None
        )
        after = record(recipient, *order, *order)
        ends.add(tuple(getattr(after, name) for name in columns))
    assert ends == {("read", "read", True, Decimal("0.02"), SENT, ARRIVED, NOW)}
    assert LedgerEntry.objects.count() == 1


def test_a_late_report_changes_no_count(recipient: Recipient) -> None:
    record(recipient, status("read"))
    before = (
        campaign_status.status(recipient.campaign),
        sorted(HourCount.objects.values_list("measure", "hour", "people")),
    )
    record(recipient, status("delivered"), status("new"), status("sent"))
    assert (
        campaign_status.status(recipient.campaign),
        sorted(HourCount.objects.values_list("measure", "hour", "people")),
    ) == before
    assert differences() == []


def test_an_undocumented_status_is_kept_and_changes_nothing(recipient: Recipient) -> None:
    after = record(recipient, status("teleported"))
    assert (after.delivery_state, after.status, after.final) == ("", "teleported", False)
    after = record(recipient, status("delivered"), status("teleported twice"))
    assert (after.delivery_state, after.status, after.final) == ("delivered", "delivered", False)
    assert differences() == []


def test_hours_are_those_of_the_gateway_and_of_sending(recipient: Recipient) -> None:
    record(recipient, status("delivered"))
    assert hours(recipient) == {"sent": 9, "delivered": 10, "sent_delivered": 9}
    record(recipient, status("read", time_dr=ARRIVED + timedelta(hours=1)))
    assert hours(recipient) == {
        "sent": 9,
        "delivered": 10,
        "sent_delivered": 9,
        "read": 11,
        "sent_read": 9,
    }
    assert differences() == []


def test_missing_times_are_replaced_by_ours(recipient: Recipient) -> None:
    after = record(recipient, status("waiting", time_sent=None, time_dr=None))
    assert (after.sent_at, after.delivered_at) == (None, None)
    after = record(recipient, status("delivered", time_sent=None, time_dr=None))
    assert (after.sent_at, after.delivered_at, after.read_at) == (LEFT, NOW, None)


def test_a_message_scheduled_at_the_gateway_is_sent_at_its_time(recipient: Recipient) -> None:
    later = LEFT + timedelta(hours=8)
    Campaign.objects.update(timing=Timing.GATEWAY, scheduled_at=later)
    assert record(recipient, status("sent", time_sent=None)).sent_at == later


def test_a_fallback_does_not_count_as_delivered_by_viber(recipient: Recipient) -> None:
    sms = FallbackStatus("sms", "2", "delivered", Decimal("0.03"))
    after = record(recipient, status("expired", price=Decimal(0), fallback=(sms,)))
    assert (after.delivery_state, after.sms_price, after.read_at) == (
        "sms_delivered",
        Decimal("0.03"),
        None,
    )
    assert hours(recipient) == {"sent": 9}
    assert differences() == []


def test_wrong_hours_are_found_and_corrected(recipient: Recipient) -> None:
    record(recipient, status("read"))
    HourCount.objects.filter(measure="read").update(people=5)
    HourCount.objects.filter(measure="sent").delete()
    differing = differences()
    assert len(differing) == 2
    assert all(line.startswith("hours ") for line in differing)
    assert rebuild() == differing
    assert differences() == []
