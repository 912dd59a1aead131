"""Answers to the calls other than send: status, prices, quote, balance (BSG API, Status; Prices,
quote, balance).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from campaigns.gateway import errors, wire
from campaigns.gateway.parsing import read_refusal
from campaigns.gateway.types import Balance, Channel, FallbackStatus, MessageStatus, Price, Quote


def read_object(http_status: int, text: str, retry_after: float | None = None) -> Mapping[str, Any]:
    """The JSON object of an answer without an error.

    Raises GatewayRefused for an error code, GatewayUnreachable for HTTP 5xx, GatewayUnreadable for
    anything else.
    """
    if http_status >= 500:
        raise errors.GatewayUnreachable(f"HTTP {http_status}", http_status=http_status, body=text)
    if http_status == 429:
        raise errors.GatewayRefused(
            errors.TOO_MANY_AT_ONCE,
            "HTTP 429: too many requests",
            retry_after=retry_after,
            http_status=http_status,
            body=text,
        )
    try:
        answer = wire.load(text)
    except wire.Unreadable:
        answer = None
    refusal = read_refusal(answer, http_status)
    if refusal:
        raise errors.GatewayRefused(
            refusal.code,
            refusal.description,
            retry_after=retry_after,
            http_status=http_status,
            body=text,
        )
    if not isinstance(answer, Mapping) or not 200 <= http_status < 300:
        raise errors.GatewayUnreadable(
            f"HTTP {http_status}, not an answer that is documented",
            http_status=http_status,
            body=text,
        )
    return answer


def read_status(answer: Mapping[str, Any]) -> MessageStatus:
    """One message's status. Raises GatewayUnreadable without an id or a status."""
    gateway_id = wire.identifier(answer.get("id"))
    status = wire.text(answer.get("status"), wire.STATUS_MAX)
    if not gateway_id or not status:
        raise errors.GatewayUnreadable("a status without an id or a status")
    price, currency = wire.price(answer)
    return MessageStatus(
        gateway_id=gateway_id,
        msisdn=wire.text(answer.get("msisdn"), 15),
        reference=wire.text(answer.get("reference"), 64),
        status=status,
        price=price,
        currency=currency,
        time_in=wire.moment(answer.get("time_in")),
        time_sent=wire.moment(answer.get("time_sent")),
        time_dr=wire.moment(answer.get("time_dr")),
        fallback=_fallback(answer.get("alt_route"), currency),
    )


def _fallback(found: Any, currency: str) -> tuple[FallbackStatus, ...]:
    routes = found if isinstance(found, list) else [found]
    return tuple(
        FallbackStatus(
            channel=wire.text(route.get("channel"), 10),
            gateway_id=wire.identifier(route.get("id")),
            status=wire.text(route.get("status"), wire.STATUS_MAX),
            price=wire.price(route, currency)[0],
        )
        for route in routes
        if isinstance(route, Mapping)
    )


def read_prices(answer: Mapping[str, Any], channel: Channel) -> list[Price]:
    """The price list; rows whose price cannot be read are left out. Raises GatewayUnreadable if it
    is no list.
    """
    rows = answer.get("prices")
    if not isinstance(rows, list):
        raise errors.GatewayUnreadable("a price list without prices")
    read = (
        _price(row, channel, wire.currency(answer.get("currency")))
        for row in rows
        if isinstance(row, Mapping)
    )
    return [row for row in read if row is not None]


def _price(row: Mapping[str, Any], channel: Channel, currency_of_all: str) -> Price | None:
    price, currency = wire.price(row, currency_of_all)
    if price is None:
        return None
    return Price(
        channel=channel,
        country=wire.text(row.get("country"), 2).upper(),
        country_name=wire.text(row.get("country_name"), 80),
        mcc=wire.text(row.get("mcc"), 3),
        mnc=wire.text(row.get("mnc"), 3),
        price=price,
        currency=currency,
    )


def read_quote(answer: Mapping[str, Any]) -> Quote:
    """What a request would cost. Raises GatewayUnreadable without an amount and its currency."""
    total = wire.amount(answer.get("totalprice", answer.get("total_price")))
    currency = wire.currency(answer.get("currency"))
    if total is None or not currency:
        raise errors.GatewayUnreadable("a quote without an amount")
    return Quote(total, currency)


def read_balance(answer: Mapping[str, Any]) -> Balance:
    """What the account holds. Raises GatewayUnreadable without an amount and its currency."""
    amount = wire.amount(answer.get("amount"))
    currency = wire.currency(answer.get("currency"))
    if amount is None or not currency:
        raise errors.GatewayUnreadable("a balance without an amount")
    return Balance(amount, currency, wire.amount(answer.get("limit")) or Decimal(0))
