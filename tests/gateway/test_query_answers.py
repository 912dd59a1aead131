"""Reading the answers to status, prices, quote and balance."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from campaigns.gateway.bsg import query_answers
from campaigns.gateway.errors import GatewayRefused, GatewayUnreachable, GatewayUnreadable
from campaigns.gateway.types import Balance, FallbackStatus, MessageStatus, PriceRow, Quote
from tests.gateway.requests_made import sample


def answer(name: str) -> Any:
    return query_answers.read_object(200, sample(name).decode())


def test_status_as_documented() -> None:
    assert query_answers.read_status(answer("status.json")) == MessageStatus(
        gateway_id="470093225",
        msisdn="380972920000",
        reference="ext19",
        status="undeliverable",
        price=Decimal("0.00"),
        currency="EUR",
        time_in=datetime(2017, 1, 17, 9, 20, 2, tzinfo=UTC),
        time_sent=datetime(2017, 1, 17, 9, 20, 3, tzinfo=UTC),
        time_dr=None,
        fallback=(FallbackStatus("sms", "470094225", "delivered", Decimal("0.023"), "EUR"),),
    )


def test_status_not_found_is_error_40() -> None:
    with pytest.raises(GatewayRefused) as refused:
        answer("status_not_found.json")
    assert (refused.value.code, refused.value.description) == (40, "Message not found")


def test_an_undocumented_status_is_kept() -> None:
    status = query_answers.read_status({"id": 7, "status": "teleported"})
    assert (status.status, status.price, status.currency, status.fallback) == (
        "teleported",
        None,
        "",
        (),
    )


@pytest.mark.parametrize("written", ["", None, "0000-00-00 00:00:00", "2017-01-17", "yesterday", 7])
def test_status_times_may_be_missing(written: Any) -> None:
    assert query_answers.read_status({"id": 7, "status": "new", "time_in": written}).time_in is None


@pytest.mark.parametrize("route", [None, [], "sms", [7], 0.5])
def test_a_malformed_fallback_does_not_raise(route: Any) -> None:
    assert query_answers.read_status({"id": 7, "status": "new", "alt_route": route}).fallback == ()


@pytest.mark.parametrize("fields", [{}, {"id": 7}, {"status": "new"}, {"id": "", "status": "new"}])
def test_status_without_id_or_status_is_unreadable(fields: dict[str, Any]) -> None:
    with pytest.raises(GatewayUnreadable):
        query_answers.read_status(fields)


def test_prices_as_documented() -> None:
    assert query_answers.read_prices(answer("prices.json"), "viber") == [
        PriceRow("viber", "UA", "Ukraine", "255", "0", Decimal("0.2300000"), "EUR"),
        PriceRow("viber", "", "Other countries", "", "", Decimal("0.1234567"), "EUR"),
    ]


def test_unreadable_price_rows_are_omitted() -> None:
    rows = [
        7,
        {"country": "UA"},
        {"country": "UA", "price": "1"},
        {"country": "RO", "price": "1", "currency": "EUR"},
    ]
    assert [row.country for row in query_answers.read_prices({"prices": rows}, "sms")] == ["RO"]
    with pytest.raises(GatewayUnreadable):
        query_answers.read_prices({"prices": {}}, "sms")


def test_quote_and_balance_as_documented() -> None:
    assert query_answers.read_quote(answer("quote.json")) == Quote(Decimal("0.46"), "EUR")
    assert query_answers.read_balance(answer("balance.json")) == Balance(
        Decimal("-0.2800005"), "EUR", Decimal(10)
    )


@pytest.mark.parametrize(
    "fields", [{}, {"amount": "x", "currency": "EUR"}, {"amount": "1", "totalprice": 1}]
)
def test_quote_and_balance_without_an_amount_are_unreadable(fields: dict[str, Any]) -> None:
    with pytest.raises(GatewayUnreadable):
        query_answers.read_balance(fields)
    with pytest.raises(GatewayUnreadable):
        query_answers.read_quote(fields)


@pytest.mark.parametrize("status", [500, 503])
def test_server_errors_are_unreachable(status: int) -> None:
    with pytest.raises(GatewayUnreachable, match=f"HTTP {status}"):
        query_answers.read_object(status, "{}")


def test_http_429_is_error_11_with_retry_after() -> None:
    with pytest.raises(GatewayRefused) as refused:
        query_answers.read_object(429, "", 3.0)
    assert (refused.value.code, refused.value.retry_after) == (11, 3.0)


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "<html>"), (200, "[]"), (200, "7"), (404, "<html>"), (301, "{}"), (404, "{}")],
)
def test_an_unreadable_answer_is_kept_as_evidence(status: int, text: str) -> None:
    with pytest.raises(GatewayUnreadable) as unreadable:
        query_answers.read_object(status, text)
    assert (unreadable.value.http_status, unreadable.value.body) == (status, text)


def test_http_404_does_not_mean_that_the_message_is_unknown() -> None:
    with pytest.raises(GatewayRefused) as refused:
        query_answers.read_object(404, json.dumps({"code": 404, "message": "Not Found"}))
    assert refused.value.code == 4
