"""Which rows of a statistics file are believed, and what contradicts one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns.dispatch.models import Recipient
from campaigns.gateway.types import MessageStatus, StatisticsRow
from campaigns.results.polling.file_rows import (
    NamedRecipient,
    believed,
    contradiction,
    named_recipients,
    sample,
    wrong_phone,
)

PRICE, ENDED = Decimal("0.0230000"), datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
ROW = StatisticsRow("7", "viber", "380970000001", "delivered", PRICE, "EUR", time_dr=ENDED)
RECIPIENT = Recipient(
    pk=1, gateway_id="7", msisdn="380970000001", reference="a", currency="EUR", charged=PRICE
)


def status(**changes: Any) -> MessageStatus:
    return replace(
        MessageStatus("7", "380970000001", "a", "delivered", PRICE, "EUR", time_dr=ENDED), **changes
    )


@pytest.mark.parametrize(
    ("changes", "is_believed"),
    [
        ({}, True),
        ({"status": "read"}, True),
        ({"status": "not_viber_user"}, True),
        ({"price": Decimal("0.0115000")}, False),
        ({"price": Decimal(0), "status": "expired"}, False),
        ({"price": None}, False),
        ({"currency": "USD"}, False),
        ({"status": "teleported"}, False),
        ({"status": "unknown"}, False),
    ],
    ids=str,
)
def test_a_row_is_believed_if_it_changes_no_money(
    changes: dict[str, Any], is_believed: bool
) -> None:
    update = believed(NamedRecipient(RECIPIENT, replace(ROW, **changes)))
    assert (update is not None) == is_believed
    if update:
        assert update.status == status(**changes)


def test_the_newest_price_entered_counts() -> None:
    newer = Recipient(gateway_id="7", currency="EUR", charged=PRICE, viber_price=Decimal(0))
    assert believed(NamedRecipient(newer, ROW)) is None
    assert believed(NamedRecipient(newer, replace(ROW, price=Decimal(0))))
    assert believed(NamedRecipient(Recipient(gateway_id="7", currency="EUR"), ROW)) is None


def test_rows_that_disagree_about_a_message_name_nobody() -> None:
    sms = replace(ROW, channel="sms", status="undeliverable")
    others = replace(ROW, gateway_id="8")
    assert named_recipients([RECIPIENT], [ROW, sms, ROW, others]) == [
        NamedRecipient(RECIPIENT, ROW)
    ]
    for rows in ([ROW, replace(ROW, status="read")], [replace(ROW, status="read"), ROW, ROW]):
        assert named_recipients([RECIPIENT], rows) == []
    assert named_recipients([Recipient(pk=2)], [replace(ROW, gateway_id="")]) == []


@pytest.mark.parametrize(("named", "sampled"), [(1, 1), (299, 3), (400, 4), (1999, 19), (9000, 20)])
def test_one_of_a_hundred_is_sampled(named: int, sampled: int) -> None:
    assert len(sample([NamedRecipient(RECIPIENT, ROW)] * named)) == sampled


@pytest.mark.parametrize(
    ("in_file", "by_itself", "contradicts"),
    [
        ({}, {}, False),
        ({}, {"status": "read", "time_dr": ENDED + timedelta(seconds=9)}, False),
        ({"status": "sent"}, {"status": "not_viber_user", "price": Decimal(0)}, False),
        ({"price": None}, {}, False),
        ({"time_dr": None}, {}, False),
        ({"status": "read"}, {}, True),
        ({"status": "expired"}, {}, True),
        ({"status": "expired"}, {"status": "undeliverable"}, True),
        ({}, {"status": "sent"}, True),
        ({"price": Decimal("0.03")}, {}, True),
        ({"currency": "USD"}, {}, True),
        ({"time_dr": ENDED + timedelta(hours=2)}, {}, True),
    ],
    ids=str,
)
def test_a_message_may_move_on_but_not_back(
    in_file: dict[str, Any], by_itself: dict[str, Any], contradicts: bool
) -> None:
    assert bool(contradiction(replace(ROW, **in_file), status(**by_itself))) == contradicts


def test_a_message_that_a_status_call_does_not_know_contradicts() -> None:
    assert contradiction(ROW, None) == (
        "message 7 is delivered in a file, and unknown to a status call"
    )


def test_a_row_about_another_phone_is_wrong() -> None:
    assert wrong_phone([NamedRecipient(RECIPIENT, ROW)]) == ""
    another = replace(ROW, msisdn="380970000002")
    assert wrong_phone([NamedRecipient(RECIPIENT, another)]) == (
        "message 7 has another phone in a file"
    )
    erased = Recipient(gateway_id="7", msisdn="x1")
    assert wrong_phone([NamedRecipient(erased, ROW)]) == ""
