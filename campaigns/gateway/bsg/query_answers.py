"""Read the answers to all calls but send.

From docs/gateway-contract.md, "Ask for a status" and "Prices, quote and balance".
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from campaigns.gateway import errors
from campaigns.gateway.bsg import json_values
from campaigns.gateway.bsg.send_answers import read_refusal
from campaigns.gateway.statuses import known_spelling
from campaigns.gateway.types import Balance, Channel, FallbackStatus, MessageStatus, PriceRow, Quote


def read_object(http_status: int, text: str, retry_after: float | None = None) -> Mapping[str, Any]:
    """The JSON object of an answer that has no error.

    Raises GatewayRefused for an error code, GatewayUnreachable for HTTP 5xx, GatewayUnreadable
    for anything else.
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
        answer = json_values.load(text)
    except json_values.NotJson:
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
            f"HTTP {http_status}, the answer is not documented",
            http_status=http_status,
            body=text,
        )
    return answer


def read_status(answer: Mapping[str, Any], asked_msisdn: str = "") -> MessageStatus:
    """The status of one message, which may have no id. Raises GatewayUnreadable without a status.

    `asked_msisdn` is the phone of the message that was asked for, "" if it is not known.
    """
    status = _status(answer)
    if not status:
        raise errors.GatewayUnreadable("no status in the answer")
    gateway_id = json_values.identifier(answer.get("id"))
    msisdn = json_values.msisdn(answer.get("msisdn"))
    if gateway_id.removeprefix("+") in (msisdn, asked_msisdn):
        gateway_id = ""  # some documents show the phone in its place
    price, currency = json_values.price(answer)
    if price is None:
        price, currency = json_values.price(answer, key="total_price")
    routes = _sms_routes(answer)
    return MessageStatus(
        gateway_id=gateway_id,
        msisdn=msisdn,
        reference=json_values.text(answer.get("reference"), 64),
        status=status,
        price=price,
        currency=currency,
        time_in=json_values.moment(answer.get("time_in")),
        time_sent=json_values.moment(answer.get("time_sent")),
        time_dr=json_values.moment(answer.get("time_dr")),
        fallback=tuple(_fallback(route, currency) for route in routes),
        rounded=any(
            json_values.is_rounded(entry.get(key))
            for entry in (answer, *routes)
            for key in ("price", "total_price")
        ),
    )


def _status(entry: Mapping[str, Any]) -> str:
    return known_spelling(json_values.text(entry.get("status"), json_values.STATUS_MAX))


def _sms_routes(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The SMS of `alt_route` and `alt_route_messages`, each once.

    What both name is taken from `alt_route`. Entries of the two are about the same SMS if they have
    the same id, or the same position where one of them has no id: counted twice, an SMS would
    cost twice.
    """
    routes = _routes(answer.get("alt_route"))
    known = len(routes)
    for position, other in enumerate(_routes(answer.get("alt_route_messages"))):
        same = _same_route(routes[:known], other, position)
        if same is None:
            routes.append({"channel": "sms", **other})
        else:
            named = {key: value for key, value in routes[same].items() if value not in (None, "")}
            routes[same] = {"channel": "sms", **other, **named}
    return routes


def _routes(value: Any) -> list[Mapping[str, Any]]:
    routes = value if isinstance(value, list) else [value]
    return [dict(route) for route in routes if isinstance(route, Mapping)]


def _same_route(
    routes: Sequence[Mapping[str, Any]], other: Mapping[str, Any], position: int
) -> int | None:
    """The position in `routes` of the SMS that `other` is about; None for one that is new."""
    other_id = json_values.identifier(other.get("id"))
    ids = [json_values.identifier(route.get("id")) for route in routes]
    if other_id and other_id in ids:
        return ids.index(other_id)
    if position < len(ids) and not (other_id and ids[position]):
        return position
    return None


def _fallback(route: Mapping[str, Any], currency: str) -> FallbackStatus:
    return FallbackStatus(
        json_values.text(route.get("channel"), 10),
        json_values.identifier(route.get("id")),
        _status(route),
        *json_values.price(route, currency),
    )


def read_prices(answer: Mapping[str, Any], channel: Channel) -> list[PriceRow]:
    """The price list, without rows whose price cannot be read. Raises GatewayUnreadable."""
    rows = answer.get("prices")
    if not isinstance(rows, list):
        raise errors.GatewayUnreadable("no price list in the answer")
    read = (
        _price(row, channel, json_values.currency(answer.get("currency")))
        for row in rows
        if isinstance(row, Mapping)
    )
    return [row for row in read if row is not None]


def _price(row: Mapping[str, Any], channel: Channel, currency_of_all: str) -> PriceRow | None:
    price, currency = json_values.price(row, currency_of_all)
    if price is None:
        return None
    return PriceRow(
        channel=channel,
        country=json_values.text(row.get("country"), 2).upper(),
        country_name=json_values.text(row.get("country_name"), 80),
        mcc=json_values.text(row.get("mcc"), 3),
        mnc=json_values.text(row.get("mnc"), 3),
        price=price,
        currency=currency,
    )


def read_quote(answer: Mapping[str, Any]) -> Quote:
    """What a request would cost. Raises GatewayUnreadable without amount and currency."""
    total = json_values.amount(answer.get("totalprice", answer.get("total_price")))
    currency = json_values.currency(answer.get("currency"))
    if total is None or not currency:
        raise errors.GatewayUnreadable("no amount in the quote")
    return Quote(total, currency)


def read_balance(answer: Mapping[str, Any]) -> Balance:
    """What the account holds. Raises GatewayUnreadable without amount and currency."""
    amount = json_values.amount(answer.get("amount"))
    currency = json_values.currency(answer.get("currency"))
    if amount is None or not currency:
        raise errors.GatewayUnreadable("no amount in the balance")
    return Balance(amount, currency, json_values.amount(answer.get("limit")) or Decimal(0))
