"""What a row says was entered, what a status names, and what the row says then: without entries."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from campaigns.dispatch.models import SEVERAL_CURRENCIES, DeliveryState, Recipient
from campaigns.gateway.types import FallbackStatus, MessageStatus
from campaigns.ledger.models import Kind
from campaigns.results.polling.prices import (
    Change,
    Prices,
    RowPrices,
    entered_sms,
    entered_viber,
    named_sms,
    named_viber,
    price_changes,
    row_prices,
)
from campaigns.results.polling.recording import _times, _updated

D = Decimal
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LEFT, SENT, REPORTED, STORED = (NOW - seconds * SECOND for seconds in (90, 60, 30, 10))
Sms = tuple[str, str | None, str]  # status, price, currency
EUR, USD = {"EUR": D("0.05")}, {"USD": D("0.07")}


def status(
    *sms: Sms, price: str | None = None, currency: str = "", name: str = "sent", **fields: Any
) -> MessageStatus:
    fallback = tuple(
        FallbackStatus("sms", "2", sms_status, None if cost is None else D(cost), sms_currency)
        for sms_status, cost, sms_currency in sms
    )
    cost = None if price is None else D(price)
    return MessageStatus("1", "", "", name, cost, currency, fallback=fallback, **fields)


@pytest.mark.parametrize(
    ("entered", "named", "changes"),
    [
        (None, None, []),
        (EUR, None, []),
        (EUR, {}, []),
        ({}, {}, []),
        (None, {}, [Change(Kind.CHARGE, "GBP", None)]),
        (None, EUR, [Change(Kind.CHARGE, "EUR", D("0.05"))]),
        ({}, EUR, [Change(Kind.ADJUSTMENT, "EUR", D("0.05"), settles=True)]),
        (
            None, USD | EUR,
            [Change(Kind.CHARGE, "EUR", D("0.05")), Change(Kind.ADJUSTMENT, "USD", D("0.07"))],
        ),
        (
            {}, USD | EUR,
            [
                Change(Kind.ADJUSTMENT, "EUR", D("0.05"), settles=True),
                Change(Kind.ADJUSTMENT, "USD", D("0.07")),
            ],
        ),
        (EUR, EUR, []),
        (EUR, {"EUR": D("0.02")}, [Change(Kind.ADJUSTMENT, "EUR", D("-0.03"))]),
        (
            USD, EUR,
            [Change(Kind.ADJUSTMENT, "USD", D("-0.07")), Change(Kind.ADJUSTMENT, "EUR", D("0.05"))],
        ),
        ({"EUR": D(0)}, {"USD": D(0)}, []),
    ],
)  # fmt: skip
def test_changes_lead_from_what_was_entered_to_what_is_named(
    entered: Prices, named: Prices, changes: list[Change]
) -> None:
    assert price_changes(entered, named, "GBP") == changes


@pytest.mark.parametrize(
    ("columns", "viber", "sms"),
    [
        ({}, {}, None),
        ({"charged": D("0.02")}, {"EUR": D("0.02")}, None),
        ({"charged": D("0.02"), "viber_price": D(0)}, {"EUR": D(0)}, None),
        ({"viber_price": D("0.01"), "sms_status": "sent"}, {"EUR": D("0.01")}, {}),
        ({"sms_price": D("0.05"), "sms_status": "sent"}, {}, {"EUR": D("0.05")}),
        ({"sms_price": D("0.07"), "sms_currency": "USD"}, {}, {"USD": D("0.07")}),
    ],
)
def test_row_says_what_was_entered(columns: dict[str, Any], viber: Prices, sms: Prices) -> None:
    recipient = Recipient(pk=3, currency="EUR", **columns)
    assert entered_viber(recipient) == viber
    assert entered_sms([recipient]) == {3: sms}


@pytest.mark.parametrize(
    ("price", "currency", "own", "named"),
    [
        (None, "USD", "EUR", {}),
        ("0", "", "EUR", {"EUR": D(0)}),
        ("0.02", "USD", "EUR", {"USD": D("0.02")}),
        ("0.02", "", "", {}),
    ],
)
def test_price_of_viber(price: str | None, currency: str, own: str, named: Prices) -> None:
    reported = status(price=price, currency=currency)
    assert named_viber(Recipient(currency=own), reported) == named


@pytest.mark.parametrize(
    ("sms", "entered", "named"),
    [
        ([], None, None),
        ([], EUR, {}),
        ([("sent", None, "")], None, {}),
        ([("", None, "USD")], None, None),
        ([("sent", "0.05", "")], None, {"GBP": D("0.05")}),
        ([("", "0.05", "USD")], EUR, {"USD": D("0.05")}),
        ([("sent", "0.05", "EUR"), ("sent", "0.04", "EUR")], EUR, {"EUR": D("0.09")}),
        ([("sent", "0.05", "EUR"), ("sent", "0.07", "USD")], None, EUR | USD),
        # not all of them have a price: it counts only if none was known
        ([("sent", "0.05", "EUR"), ("sent", None, "")], None, EUR),
        ([("sent", None, ""), ("sent", "0.05", "EUR")], {}, EUR),
        ([("sent", "0.05", "EUR"), ("sent", None, "")], USD, {}),
    ],
)
def test_prices_of_all_sms(sms: list[Sms], entered: Prices, named: Prices) -> None:
    recipient = Recipient(currency="EUR")
    assert named_sms(recipient, status(*sms, currency="GBP"), entered) == named


def test_sms_without_any_currency_has_no_price() -> None:
    sms = status(("sent", "0.05", ""))
    assert named_sms(Recipient(currency=""), sms, None) == {}
    assert named_sms(Recipient(currency="EUR"), sms, None) == EUR
    known = Recipient(currency="EUR", sms_status="sent")
    assert named_sms(known, status(), None) == {}


ROW = {"currency": "EUR", "viber_price": D("0.02")}
WITH_SMS = {**ROW, "sms_price": D("0.05"), "sms_status": "sent"}
SEVERAL = {**ROW, "sms_currency": SEVERAL_CURRENCIES, "sms_status": "sent"}


@pytest.mark.parametrize(
    ("columns", "viber", "sms", "expected"),
    [
        (ROW, {}, None, ("EUR", D("0.02"), "", None, "")),
        (ROW, USD, None, ("USD", D("0.07"), "", None, "")),
        (WITH_SMS, USD, {}, ("USD", D("0.07"), "EUR", D("0.05"), "sent")),
        (WITH_SMS, {}, USD, ("EUR", D("0.02"), "USD", D("0.07"), "sent")),
        (WITH_SMS, {}, EUR | USD, ("EUR", D("0.02"), SEVERAL_CURRENCIES, None, "sent")),
        (SEVERAL, {}, {}, ("EUR", D("0.02"), SEVERAL_CURRENCIES, None, "sent")),
        (SEVERAL, {}, EUR, ("EUR", D("0.02"), "EUR", D("0.05"), "sent")),
    ],
)
def test_row_after_prices_were_named(
    columns: dict[str, Any], viber: Prices, sms: Prices, expected: tuple[Any, ...]
) -> None:
    assert row_prices(Recipient(**columns), status(), viber, sms) == RowPrices(*expected)


def test_status_of_the_newest_sms_is_kept_and_cut_to_its_column() -> None:
    recipient = Recipient(sms_status="sent")
    for sms, kept in (
        ([], "sent"),
        ([("", None, "")], "sent"),
        ([("delivered", None, ""), ("", None, "")], "delivered"),
        ([("sent", None, ""), ("x" * 31, None, "")], "x" * 30),
    ):
        assert row_prices(recipient, status(*sms), {}, None).sms_status == kept


NOTHING = RowPrices("", None, "", None, "")


@pytest.mark.parametrize(
    ("before", "name", "expects_sms", "after"),
    [
        (("", "", False), "sent", True, ("sent", "sent", False)),
        (("delivered", "delivered", False), "sent", True, ("delivered", "delivered", False)),
        (("delivered", "delivered", False), "read", True, ("read", "read", True)),
        (("sent", "sent", False), "expired", True, ("not_delivered", "expired", False)),
        (("sent", "sent", False), "expired", False, ("not_delivered", "expired", True)),
        (("sent", "sent", True), "sent", False, ("sent", "sent", True)),
        (("", "", False), "odd" * 20, False, ("", ("odd" * 20)[:30], False)),
        (("sent", "sent", False), "odd", False, ("sent", "sent", False)),
    ],
)
def test_state_moves_forward_and_ends(
    before: tuple[str, str, bool], name: str, expects_sms: bool, after: tuple[str, str, bool]
) -> None:
    state, old_status, final = before
    recipient = Recipient(pk=3, delivery_state=state, status=old_status, final=final)
    result = _updated(recipient, status(name=name), NOTHING, expects_sms, LEFT)
    assert (result.delivery_state.value, result.status, result.final) == after
    assert (result.id, result.prices) == (3, NOTHING)


S = DeliveryState


@pytest.mark.parametrize(
    ("state", "before", "named", "times"),
    [
        (S.NONE, {}, {}, (None, None, None)),
        (S.WAITING, {}, {}, (None, None, None)),
        (S.SENT, {}, {}, (LEFT, None, None)),
        (S.SENT, {"sent_at": STORED}, {}, (STORED, None, None)),
        (S.SENT, {"sent_at": STORED}, {"time_sent": SENT}, (SENT, None, None)),
        (S.NOT_DELIVERED, {}, {"time_dr": REPORTED}, (LEFT, None, None)),
        (S.FALLBACK, {"delivered_at": STORED}, {}, (LEFT, None, None)),
        (S.FALLBACK_DELIVERED, {}, {"time_dr": REPORTED}, (LEFT, NOW, None)),
        (S.FALLBACK_DELIVERED, {"delivered_at": STORED}, {}, (LEFT, STORED, None)),
        (S.DELIVERED, {}, {}, (LEFT, NOW, None)),
        (S.DELIVERED, {}, {"time_dr": REPORTED}, (LEFT, REPORTED, None)),
        (
            S.DELIVERED, {"delivered_at": STORED, "delivery_state": "delivered"},
            {"time_dr": REPORTED}, (LEFT, STORED, None),
        ),
        (
            S.DELIVERED, {"delivered_at": STORED, "delivery_state": "sms_delivered"},
            {"time_dr": REPORTED}, (LEFT, REPORTED, None),
        ),
        (S.READ, {}, {}, (LEFT, NOW, NOW)),
        (S.READ, {}, {"time_dr": REPORTED}, (LEFT, REPORTED, NOW)),
        (
            S.READ, {"delivered_at": REPORTED, "delivery_state": "delivered"},
            {"time_dr": STORED}, (LEFT, REPORTED, STORED),
        ),
        (
            S.READ, {"delivered_at": REPORTED, "delivery_state": "read", "read_at": STORED},
            {"time_dr": NOW}, (LEFT, REPORTED, STORED),
        ),
    ],
)  # fmt: skip
def test_times(
    state: DeliveryState,
    before: dict[str, Any],
    named: dict[str, Any],
    times: tuple[datetime | None, ...],
) -> None:
    with time_machine.travel(NOW, tick=False):
        assert _times(Recipient(**before), status(**named), state, LEFT) == times
