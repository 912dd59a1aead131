"""Read the body of a create or price call, as strictly as docs/gateway-contract.md allows.

What the vendor's own clients send against its rules is taken and noted: `ReadRequest.violations`.

- Errors of the form (3, 7, 12, 44) and of the whole request (6, 9, 48) refuse the request.
- Errors of one message (10, 45, 46, 49) are in the entries of its recipients. If every message has
  the same one, it refuses the request, except for 46. A message without recipients (44) has an
  entry of its own.
- Errors of one recipient (41, 47, 51) are in its entry.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from campaigns.gateway.errors import MEANINGS
from campaigns.gateway.limits import (
    MAX_RECIPIENTS,
    VALIDITY_MIN,
    message_breaches,
    request_breaches,
)
from campaigns.gateway.sandbox.prices import ACTIVE_TARIFFS, INACTIVE_TARIFF
from campaigns.gateway.types import Address, Message, Refusal, SendRequest, SmsFallback

UNREGISTERED = "unregistered"  # senders that begin with this, in any case, are not registered (45)
PAST_GRACE = timedelta(seconds=60)
_ENTRY_CODES = (46,)
_EMPTY_TO = Refusal(44, "to is empty")
_EXAMPLE_VALIDITY = 1  # seconds, in examples of the vendor's clients
_ROUTE_EXTRAS = ("callback_url", "reference")
_MESSAGE_FIELDS = {
    "to",
    "text",
    "alpha_name",
    "is_promotional",
    "options",
    "scheduledDatetime",
    "callback_url",
}


class RequestRefused(Exception):  # noqa: N818 - reads as what it is
    """The whole request is refused; nothing of it was accepted."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A well-formed request; `refusals` has one element for each message.

    `violations` name what only the vendor's clients send: each once, however often it occurs.
    """

    request: SendRequest
    refusals: tuple[Refusal | None, ...]
    violations: tuple[str, ...] = ()


def read_request(body: bytes, now: datetime) -> ReadRequest:
    """The request in the body of a create or price call. Raises RequestRefused."""
    root = _object(_load(body), "the body", {"tariff", "validity", "messages"}, code=7)
    if "messages" not in root:
        raise RequestRefused(3, "messages is missing")
    messages = _list(root["messages"], "messages")
    if not messages:
        raise RequestRefused(44, "messages is empty")
    noted: dict[str, None] = {}  # in their order
    if (
        sum(len(m["to"]) for m in messages if isinstance(m, dict) and isinstance(m.get("to"), list))
        > MAX_RECIPIENTS
    ):
        raise RequestRefused(12, f"more than {MAX_RECIPIENTS} recipients")
    request = SendRequest(
        tuple(_message(message, noted) for message in messages),
        validity=_integer(root.get("validity", 86_400), 48, "validity", noted),
        tariff=_tariff(root, noted),
    )
    _raise_breach(request, noted)
    if request.tariff == INACTIVE_TARIFF:
        raise RequestRefused(9, MEANINGS[9].name)
    if request.tariff not in ACTIVE_TARIFFS:
        raise RequestRefused(6, MEANINGS[6].name)
    refusals = tuple(_refusal(message, now) for message in request.messages)
    _raise_common_refusal(refusals)
    return ReadRequest(request, refusals, tuple(noted))


def _raise_breach(request: SendRequest, noted: dict[str, None]) -> None:
    """Refuse the request for the first limit that it breaks as a whole."""
    if request.validity == _EXAMPLE_VALIDITY:
        noted["validity is 1"] = None
        request = replace(request, validity=VALIDITY_MIN)
    for _field, code, _text in request_breaches(request):
        raise RequestRefused(code, MEANINGS[code].name)


def _tariff(root: Mapping[str, Any], noted: dict[str, None]) -> int:
    if "tariff" in root and root["tariff"] is None:
        noted["tariff is null"] = None
        return 0
    return _integer(root.get("tariff", 0), 7, "tariff", noted)


def _raise_common_refusal(refusals: tuple[Refusal | None, ...]) -> None:
    """Refuse the whole request if all messages are refused for the same reason."""
    first = refusals[0]
    if first in (None, _EMPTY_TO) or first.code in _ENTRY_CODES:
        return
    if all(refusal == first for refusal in refusals):
        raise RequestRefused(first.code, first.description)


def _refusal(message: Message, now: datetime) -> Refusal | None:
    if not message.to:
        return _EMPTY_TO
    for field, code, _text in message_breaches(message):
        return Refusal(code, f"{MEANINGS[code].name} ({field})")
    if message.sender.lower().startswith(UNREGISTERED):
        return Refusal(45, MEANINGS[45].name)
    if message.scheduled_at and message.scheduled_at < now - PAST_GRACE:
        return Refusal(10, MEANINGS[10].name)
    return None


def _load(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestRefused(7, "the body is not JSON in UTF-8") from error


def _object(value: Any, name: str, fields: set[str], code: int = 44) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RequestRefused(code, f"{name} is not an object")
    for field in value:
        if field not in fields:
            raise RequestRefused(code, f"{name} has an unknown field: {field}")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise RequestRefused(44, f"{name} is not an array")
    return value


def _integer(value: Any, code: int, name: str, noted: dict[str, None]) -> int:
    """An integer, or a string of digits, as in some of the vendor's documents."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 9:
        noted[f"{name} is a string"] = None
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise RequestRefused(code, f"{name} is not an integer")
    return value


def _text(source: Mapping[str, Any], field: str, *, required: bool = False) -> str:
    if field not in source:
        if required:
            raise RequestRefused(3, f"{field} is missing")
        return ""
    value = source[field]
    if not isinstance(value, str):
        raise RequestRefused(44, f"{field} is not a string")
    return value


def _message(value: Any, noted: dict[str, None]) -> Message:
    source = _object(value, "a message", _MESSAGE_FIELDS)
    if "to" not in source:
        raise RequestRefused(3, "to is missing")
    promotional = _is_promotional(source, noted)
    viber = _viber_options(source)
    to = tuple(_address(recipient, noted) for recipient in _list(source["to"], "to"))
    callback_url = _text(source, "callback_url")
    if callback_url and not all(address.reference for address in to):
        raise RequestRefused(44, "callback_url needs a reference on each recipient")
    return Message(
        to=to,
        text=_text(source, "text", required=True),
        sender=_text(source, "alpha_name", required=True),
        promotional=promotional,
        image_url=_text(viber, "img"),
        button_caption=_text(viber, "caption"),
        button_url=_text(viber, "action"),
        sms=_sms(viber, noted),
        scheduled_at=_moment(source),
        callback_url=callback_url,
    )


def _is_promotional(source: Mapping[str, Any], noted: dict[str, None]) -> bool:
    """True if it is missing: one of the vendor's clients sends it only when it is false."""
    value = source.get("is_promotional")
    if isinstance(value, bool):
        return value
    if "is_promotional" not in source:
        noted["is_promotional is missing"] = None
        return True
    if value not in (0, 1):
        raise RequestRefused(44, "is_promotional is not a boolean")
    noted["is_promotional is a number"] = None
    return bool(value)


def _viber_options(source: Mapping[str, Any]) -> Mapping[str, Any]:
    options = _object(source.get("options", {}), "options", {"viber"})
    return _object(
        options.get("viber", {}), "options.viber", {"img", "caption", "action", "alt_route"}
    )


def _address(value: Any, noted: dict[str, None]) -> Address:
    if not isinstance(value, dict) or not value.keys() <= {"msisdn", "reference"}:
        raise RequestRefused(44, "a recipient is not an object of msisdn and reference")
    msisdn, reference = value.get("msisdn", ""), value.get("reference", "")
    if isinstance(msisdn, int) and not isinstance(msisdn, bool):
        noted["msisdn is a number"] = None
        msisdn = str(msisdn)
    if not isinstance(msisdn, str) or not isinstance(reference, str):
        raise RequestRefused(44, "msisdn and reference are strings")
    return Address(msisdn, reference)


def _sms(viber: Mapping[str, Any], noted: dict[str, None]) -> SmsFallback | None:
    if "alt_route" not in viber:
        return None
    fields = {"originator", "text", *_ROUTE_EXTRAS}
    route = _object(viber["alt_route"], "alt_route", fields, code=49)
    noted.update({f"alt_route has {name}": None for name in _ROUTE_EXTRAS if name in route})
    return SmsFallback(_text(route, "originator"), _text(route, "text"))


def _moment(source: Mapping[str, Any]) -> datetime | None:
    text = _text(source, "scheduledDatetime")
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestRefused(10, "scheduledDatetime is not ISO 8601") from error
    # without an offset it is left naive, which message_breaches refuses (10)
    return moment.astimezone(UTC) if moment.tzinfo else moment
