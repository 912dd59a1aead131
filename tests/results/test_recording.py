"""What is written of a status: states that only move forward, words as they came, times, and counts
by the hour.
"""

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
from campaigns.results.polling.recording import StatusUpdate, record_updates
from tests.dispatch import factory

pytestmark = pytest.mark.django_db
LEFT = datetime(2026, 11, 24, 9, 59, 50, tzinfo=UTC)
SENT, ARRIVED = LEFT + timedelta(seconds=2), LEFT + timedelta(minutes=1)
NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)


def said(word: str, **changes: Any) -> MessageStatus:
    fields: dict[str, Any] = {
        "price": Decimal("0.02"),
        "currency": "EUR",
        "time_sent": SENT,
        "time_dr": ARRIVED,
    } | changes
    return MessageStatus("1", "", "", word, **fields)


@pytest.fixture
def person() -> Recipient:
    """Accepted, and as sending leaves them: charged and counted."""
    from campaigns.dispatch.tally import Moves
    from campaigns.ledger.entries import Movement, enter
    from campaigns.ledger.models import Channel, Kind

    campaign = factory.launched(1)
    Recipient.objects.update(send_state=SendState.ACCEPTED, charged=Decimal("0.02"), currency="EUR")
    found = Recipient.objects.get()
    moves = Moves()
    moves.arrive(campaign.pk, found.country, "accepted")
    moves.write()
    amounts = [(found.pk, Decimal("0.02"))]
    enter([Movement(Kind.CHARGE, Channel.VIBER, campaign.pk, found.country, "EUR", amounts)], LEFT)
    return found


def tell(person: Recipient, *statuses: MessageStatus) -> Recipient:
    """Each of `statuses` in turn, as polling would record it."""
    campaign = Campaign.objects.get(pk=person.campaign_id)
    with time_machine.travel(NOW, tick=False):
        for one in statuses:
            record_updates(
                [StatusUpdate(Recipient.objects.get(pk=person.pk), one)],
                campaign,
                person.country,
                LEFT,
            )
    return Recipient.objects.get(pk=person.pk)


def hours(person: Recipient) -> dict[str, int]:
    counted = HourCount.objects.filter(campaign=person.campaign_id).exclude(people=0)
    return {
        measure: hour.hour
        for measure, hour, _people in counted.values_list("measure", "hour", "people")
    }


def test_states_only_move_forward_in_whatever_order_they_come(person: Recipient) -> None:
    told = [said("sent", time_dr=None), said("delivered"), said("read")]
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
    for order in permutations(told):
        Recipient.objects.update(
            delivery_state="", status="", final=False, sent_at=None, delivered_at=None, read_at=None
        )
        after = tell(person, *order, *order)
        ends.add(tuple(getattr(after, name) for name in columns))
    assert ends == {("read", "read", True, Decimal("0.02"), SENT, ARRIVED, NOW)}
    assert LedgerEntry.objects.count() == 1


def test_a_late_report_moves_no_count(person: Recipient) -> None:
    tell(person, said("read"))
    before = (
        campaign_status.status(person.campaign),
        sorted(HourCount.objects.values_list("measure", "hour", "people")),
    )
    tell(person, said("delivered"), said("new"), said("sent"))
    assert (
        campaign_status.status(person.campaign),
        sorted(HourCount.objects.values_list("measure", "hour", "people")),
    ) == before
    assert differences() == []


def test_an_unknown_word_is_kept_and_believed_to_mean_nothing(person: Recipient) -> None:
    after = tell(person, said("teleported"))
    assert (after.delivery_state, after.status, after.final) == ("", "teleported", False)
    after = tell(person, said("delivered"), said("teleported twice"))
    assert (after.delivery_state, after.status, after.final) == ("delivered", "delivered", False)
    assert differences() == []


def test_hours_are_those_of_the_gateway_and_of_the_sending(person: Recipient) -> None:
    tell(person, said("delivered"))
    assert hours(person) == {"sent": 9, "delivered": 10, "sent_delivered": 9}
    tell(person, said("read", time_dr=ARRIVED + timedelta(hours=1)))
    assert hours(person) == {
        "sent": 9,
        "delivered": 10,
        "sent_delivered": 9,
        "read": 11,
        "sent_read": 9,
    }
    assert differences() == []


def test_where_the_gateway_tells_no_times_ours_are_taken(person: Recipient) -> None:
    after = tell(person, said("waiting", time_sent=None, time_dr=None))
    assert (after.sent_at, after.delivered_at) == (None, None)
    after = tell(person, said("delivered", time_sent=None, time_dr=None))
    assert (after.sent_at, after.delivered_at, after.read_at) == (LEFT, NOW, None)


def test_what_the_gateway_was_to_send_later_left_then(person: Recipient) -> None:
    later = LEFT + timedelta(hours=8)
    Campaign.objects.update(timing=Timing.GATEWAY, scheduled_at=later)
    assert tell(person, said("sent", time_sent=None)).sent_at == later


def test_a_fallback_is_no_delivery_by_viber(person: Recipient) -> None:
    sms = FallbackStatus("sms", "2", "delivered", Decimal("0.03"))
    after = tell(person, said("expired", price=Decimal(0), fallback=(sms,)))
    assert (after.delivery_state, after.sms_price, after.read_at) == (
        "sms_delivered",
        Decimal("0.03"),
        None,
    )
    assert hours(person) == {"sent": 9}
    assert differences() == []


def test_wrong_hours_are_found_and_mended(person: Recipient) -> None:
    tell(person, said("read"))
    HourCount.objects.filter(measure="read").update(people=5)
    HourCount.objects.filter(measure="sent").delete()
    found = differences()
    assert len(found) == 2
    assert all(line.startswith("hours ") for line in found)
    assert rebuild() == found
    assert differences() == []
