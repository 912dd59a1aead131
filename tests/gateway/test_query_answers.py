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


@pytest.mark.parametrize("fields", [{}, {"id": 7}, {"id": 7, "status": ""}, {"status": None}])
def test_status_answer_without_a_status_is_unreadable(fields: dict[str, Any]) -> None:
    with pytest.raises(GatewayUnreadable, match="no status"):
        query_answers.read_status(fields)


@pytest.mark.parametrize(
    ("named", "gateway_id"),
    [
        ({}, ""),
        ({"id": None}, ""),
        ({"id": ""}, ""),
        ({"id": []}, ""),
        ({"id": "470093225", "msisdn": "380972920000"}, "470093225"),
        ({"id": "380972920000", "msisdn": "380972920000"}, ""),
        ({"id": 380972920000, "msisdn": "380972920000"}, ""),
        ({"id": "380972920000", "msisdn": 380972920000}, ""),
        ({"id": "380972920000", "msisdn": "+380972920000"}, ""),
        ({"id": "380972920000"}, ""),  # that of the phone that was asked for
        ({"id": "380972920001"}, "380972920001"),
    ],
)
def test_status_may_have_no_id_or_the_phone_in_its_place(
    named: dict[str, Any], gateway_id: str
) -> None:
    status = query_answers.read_status({"status": "read"} | named, "380972920000")
    assert (status.gateway_id, status.status) == (gateway_id, "read")


@pytest.mark.parametrize(
    ("written", "spelling"),
    [
        ("DELIVERED", "delivered"),
        ("Not-Viber-User", "not_viber_user"),
        ("not-service-user", "not_service_user"),
        ("Undelivered", "undelivered"),
        ("MODERATION", "moderation"),
        (" sending ", "sending"),
        ("Accepted", "accepted"),
        ("Tele-Ported", "Tele-Ported"),
        (7, "7"),
        ("x" * 40, "x" * 30),
    ],
)
def test_statuses_are_spelled_as_in_the_table_and_unknown_ones_kept(
    written: Any, spelling: str
) -> None:
    answer = {"status": written, "alt_route": {"status": written}}
    status = query_answers.read_status(answer)
    assert (status.status, status.fallback[0].status) == (spelling, spelling)


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({"price": "0.2", "total_price": "0.3"}, "0.2"),
        ({"total_price": 0.3}, "0.3"),
        ({"price": None, "total_price": "0.3"}, "0.3"),
        ({"price": "", "total_price": "0"}, "0"),
        ({"price": "0", "total_price": "0.3"}, "0"),
        ({"total_price": "-1"}, None),
        ({}, None),
    ],
)
def test_status_price_may_be_called_total_price(fields: dict[str, Any], price: str | None) -> None:
    text = json.dumps({"error": 0, "status": "read", "currency": "EUR"} | fields)
    status = query_answers.read_status(query_answers.read_object(200, text))
    assert (status.price, status.currency) == (None if price is None else Decimal(price), "EUR")


SMS = FallbackStatus("sms", "8", "delivered", Decimal("0.023"), "EUR")


@pytest.mark.parametrize(
    ("routes", "fallback"),
    [
        (
            {"alt_route_messages": [{"id": 8, "status": "DELIVERED", "price": "0.023"}]},
            (SMS,),
        ),
        (
            {
                "alt_route": [{"channel": "sms", "id": "8", "status": "scheduled"}],
                "alt_route_messages": [
                    {"id": "8", "status": "delivered", "price": "0.0230000", "currency": "USD"}
                ],
            },
            (FallbackStatus("sms", "8", "scheduled", Decimal("0.023"), "USD"),),
        ),
        (
            {
                "alt_route": {"channel": "sms", "id": "8", "status": "delivered", "price": 0.023},
                "alt_route_messages": [{"id": 9, "status": "failed", "price": "0"}, {"id": 8}],
            },
            (SMS, FallbackStatus("sms", "9", "failed", Decimal(0), "EUR")),
        ),
        (
            {
                "alt_route": [{"status": "delivered", "price": "0.023"}],
                "alt_route_messages": [{"id": "8", "status": "sent", "price": "0.05"}],
            },
            (SMS,),
        ),
        (
            {
                "alt_route": [{"channel": "sms", "id": "8", "status": "delivered", "price": 0.023}],
                "alt_route_messages": [{"status": "delivered", "price": 0.023, "message": "Hi"}],
            },
            (SMS,),
        ),
        ({"alt_route": [], "alt_route_messages": []}, ()),
        ({"alt_route": None, "alt_route_messages": 7}, ()),
    ],
)
def test_sms_of_both_shapes_are_read_and_each_counted_once(
    routes: dict[str, Any], fallback: tuple[FallbackStatus, ...]
) -> None:
    text = json.dumps({"error": 0, "status": "expired", "price": "0", "currency": "EUR"} | routes)
    status = query_answers.read_status(query_answers.read_object(200, text))
    assert status.fallback == fallback


@pytest.mark.parametrize(
    "fields",
    [
        '"price": 0.06899999999999999',
        '"total_price": "0.06899999999999999"',
        '"price": 0.069, "alt_route": [{"price": 0.06899999999999999}]',
        '"price": 0.069, "alt_route_messages": [{"price": 0.06899999999999999}]',
    ],
)
def test_status_tells_that_noise_was_rounded_away(fields: str) -> None:
    text = f'{{"error": 0, "status": "read", "currency": "EUR", {fields}}}'
    status = query_answers.read_status(query_answers.read_object(200, text))
    assert status.rounded
    assert status.price == Decimal("0.069")
    assert all(sms.price == Decimal("0.069") for sms in status.fallback)


def test_prices_as_documented() -> None:
    assert query_answers.read_prices(answer("prices.json"), "viber") == [
        PriceRow("viber", "UA", "Ukraine", "255", "0", Decimal("0.2300000"), "EUR"),
        PriceRow("viber", "", "Other countries", "", "", Decimal("0.1234567"), "EUR"),
    ]


def test_noise_is_rounded_away_in_prices_quote_and_balance() -> None:
    noisy = query_answers.read_object(
        200,
        '{"prices": [{"country": "UA", "price": 0.06899999999999999}], "currency": "EUR",'
        ' "totalprice": 0.30000000000000004, "amount": "-0.28000049999999997",'
        ' "limit": 10.000000000000002}',
    )
    assert [row.price for row in query_answers.read_prices(noisy, "viber")] == [Decimal("0.069")]
    assert query_answers.read_quote(noisy) == Quote(Decimal("0.3"), "EUR")
    assert query_answers.read_balance(noisy) == Balance(Decimal("-0.2800005"), "EUR", Decimal(10))


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
    [(200, "<html>"), (200, "[]"), (200, "7"), (301, "{}"), (418, "<html>"), (418, "{}")],
)
def test_an_unreadable_answer_is_kept_as_evidence(status: int, text: str) -> None:
    with pytest.raises(GatewayUnreadable) as unreadable:
        query_answers.read_object(status, text)
    assert (unreadable.value.http_status, unreadable.value.body) == (status, text)


@pytest.mark.parametrize("text", ['{"code": 404, "message": "HTTP 404"}', "<html>", "{}", "", "7"])
def test_http_404_does_not_mean_that_the_message_is_unknown(text: str) -> None:
    with pytest.raises(GatewayRefused, match="error 4: HTTP 404") as refused:
        query_answers.read_object(404, text)
    assert (refused.value.http_status, refused.value.body) == (404, text)


@pytest.mark.parametrize(
    ("status", "code"), [(400, 7), (401, 1), (403, 1), (404, 4), (405, 4), (422, 7)]
)
def test_http_errors_stand_for_a_code_with_any_body(status: int, code: int) -> None:
    with pytest.raises(GatewayRefused, match=f"error {code}: HTTP {status}"):
        query_answers.read_object(status, "<html>")
