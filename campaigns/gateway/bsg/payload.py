"""Write a send request as JSON (docs/gateway-contract.md, "Send a message")."""

import json
from datetime import UTC
from typing import Any

from campaigns.gateway.types import Message, SendRequest

_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def body(request: SendRequest) -> bytes:
    """The JSON of `request` in UTF-8.

    Half a surrogate pair, which UTF-8 cannot encode, becomes a question mark (`limits.violations`
    reports it). Raises ValueError for a `scheduled_at` without a time zone.
    """
    return _encode(
        {
            "tariff": request.tariff,
            "validity": request.validity,
            "messages": [_message(message) for message in request.messages],
        }
    ).encode("utf-8", "replace")


def _message(message: Message) -> dict[str, Any]:
    built: dict[str, Any] = {
        "to": [
            {"msisdn": address.msisdn, "reference": address.reference} for address in message.to
        ],
        "text": message.text,
        "alpha_name": message.sender,
        "is_promotional": message.promotional,
    }
    viber = _viber_options(message)
    if viber:
        built["options"] = {"viber": viber}
    if message.scheduled_at is not None:
        if message.scheduled_at.tzinfo is None:
            raise ValueError("scheduled_at has no time zone")
        built["scheduledDatetime"] = message.scheduled_at.astimezone(UTC).isoformat(
            timespec="seconds"
        )
    if message.callback_url:
        built["callback_url"] = message.callback_url
    return built


def _viber_options(message: Message) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if message.image_url:
        options["img"] = message.image_url
    if message.button_caption:
        options["caption"] = message.button_caption
    if message.button_url:
        options["action"] = message.button_url
    if message.sms:
        options["alt_route"] = {"originator": message.sms.sender, "text": message.sms.text}
    return options
