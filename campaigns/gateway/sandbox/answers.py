"""The sandbox's answers, in the shapes of docs/gateway-contract.md; prices are never floats."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from campaigns.gateway.errors import MEANINGS
from campaigns.gateway.sandbox.account import CreateOutcome, SentMessage
from campaigns.gateway.sandbox.courses import Course, CourseState
from campaigns.gateway.statuses import DELIVERED, READ, SENT
from campaigns.gateway.types import SmsFallback

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
NO_ERRORS = "No errors"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP answer.

    `manner`: "whole", "half" (then the connection is closed), "drip" (byte by byte) or "none" (the
    connection is closed at once).
    """

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: str = "whole"


def as_json(value: Any, status: int = 200) -> Reply:
    """`value` as a JSON answer."""
    return Reply(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"), status)


def error(code: int, description: str = "", status: int = 200) -> Reply:
    """Shape C: the whole request is refused."""
    return as_json(
        {"error": str(code), "errorDescription": description or MEANINGS[code].name}, status
    )


def http_error(status: int, message: str, retry_after: float = 0) -> Reply:
    """Shape H: an HTTP error. `retry_after` is in seconds, 0 for no such header."""
    body = json.dumps({"code": status, "message": message, "errors": {}}).encode()
    return Reply(body, status, headers={"Retry-After": f"{retry_after:g}"} if retry_after else {})


class SendForm(NamedTuple):
    """How the answer to a create call is written.

    `shape` is A or B; `price` says whether prices are "named", or the "currency" alone, or "none"
    of both; `text_of` writes a price.
    """

    shape: str = "A"
    price: str = "named"
    text_of: Callable[[Decimal], str] = str

    def amount(self, name: str, amount: Decimal, currency: str) -> str:
        """The fields for `amount` in JSON, each with a comma before it."""
        named = f',"{name}":{self.text_of(amount)}' if self.price == "named" else ""
        return named if self.price == "none" else f'{named},"currency":"{currency}"'


def created(outcomes: Iterable[CreateOutcome], currency: str, form: SendForm) -> Reply:
    """The answer to a create call."""
    write = _shape_b if form.shape == "B" else _shape_a
    return Reply(write(list(outcomes), currency, form).encode())


def _shape_a(outcomes: list[CreateOutcome], currency: str, form: SendForm) -> str:
    total = sum((outcome.price for outcome in outcomes), Decimal(0))
    entries = ",".join(_entry_a(outcome, currency, form) for outcome in outcomes)
    around = "" if form.price == "none" else f',"currency":"{currency}"'
    if form.price == "named":
        around += f',"total_price":{form.text_of(total)}'
    return f'{{"result":[{entries}]{around}}}'


def _entry_a(outcome: CreateOutcome, currency: str, form: SendForm) -> str:
    if outcome.refused:
        return json.dumps(
            {"error": outcome.refused.code, "errorDescription": outcome.refused.description}
            | ({"reference": outcome.reference} if outcome.reference else {})
        )
    reference = f'"reference":"{outcome.reference}",' if outcome.reference else ""
    gateway_id = outcome.sent.gateway_id if outcome.sent else ""
    return (
        f'{{"error":0,"errorDescription":"{NO_ERRORS}",{reference}"id":"{gateway_id}"'
        f"{form.amount('price', outcome.price, currency)}}}"
    )


def _shape_b(outcomes: list[CreateOutcome], currency: str, form: SendForm) -> str:
    """Strings instead of numbers; no references if all recipients were accepted."""
    all_accepted = all(outcome.sent for outcome in outcomes)
    return json.dumps(
        [
            {
                "error": "0",
                "messages": [
                    _entry_b(outcome, currency, form, not all_accepted) for outcome in outcomes
                ],
            }
        ]
    )


def _entry_b(
    outcome: CreateOutcome, currency: str, form: SendForm, with_reference: bool
) -> dict[str, str]:
    entry = {"reference": outcome.reference} if with_reference and outcome.reference else {}
    if outcome.refused:
        return entry | {
            "error": str(outcome.refused.code),
            "errorDescription": outcome.refused.description,
        }
    gateway_id = outcome.sent.gateway_id if outcome.sent else ""
    entry |= {"id": gateway_id}
    if form.price == "named":
        entry["price"] = form.text_of(outcome.price)
    return entry if form.price == "none" else entry | {"currency": currency}


def random_status(asked: str) -> dict[str, Any]:
    """What a test key gets for any id or reference: random data."""
    price = Decimal(random.randrange(1, 10**6)).scaleb(-7)  # noqa: S311 - not a secret
    status = random.choice((SENT, DELIVERED, READ))  # noqa: S311
    return {
        "error": 0,
        "errorDescription": NO_ERRORS,
        "id": asked if asked.isdigit() else str(random.randrange(10**8)),  # noqa: S311
        "status": status,
        "price": str(price),
        "currency": "EUR",
    }


def status(
    sent: SentMessage, state: CourseState, course: Course, age: float, pace: float
) -> dict[str, Any]:
    """The fields of the status call and of a delivery report.

    `age` is in seconds of the message clock, `pace` how fast that runs.
    """
    started = sent.submission.accepted_at + sent.submission.delay
    fields: dict[str, Any] = {
        "error": 0,
        "errorDescription": NO_ERRORS,
        "id": sent.gateway_id,
        "msisdn": sent.msisdn,
        "reference": sent.reference,
        "time_in": _utc(sent.submission.accepted_at),
        "time_sent": _utc(started + course.sent / pace) if age >= course.sent else "",
        "time_dr": _utc(started + course.ended / pace) if age >= course.ended else "",
        "status": state.status,
        "price": str(state.viber_price),
        "currency": sent.submission.content.currency,
    }
    if state.sms_status is not None:
        route = {
            "channel": "sms",
            "id": str(int(sent.gateway_id) + 1_000_000_000),
            "status": state.sms_status,
        }
        if state.sms_price is not None:
            route["price"] = str(state.sms_price)
        fields["alt_route"] = [route]
    return fields


class StatusForm(NamedTuple):
    """How the answer to a status call is written; each field is a choice of `Faults`.

    `currency` "" is that of the message; `text_of` writes a price.
    """

    gateway_id: str = "own"
    price: str = "price"
    sms: str = "alt_route"
    spelling: str = "plain"
    currency: str = ""
    text_of: Callable[[Decimal], str] = str


_SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "capitals": str.title,
    "hyphens": lambda status: status.replace("_", "-"),
}


def in_form(fields: Mapping[str, Any], form: StatusForm, sms: SmsFallback | None) -> dict[str, Any]:
    """`fields` of a status answer, written in `form`; `sms` is the SMS fallback."""
    answer, spelled = dict(fields), _SPELLINGS[form.spelling]
    answer["status"] = spelled(answer["status"])
    answer["currency"] = form.currency or answer["currency"]
    price = form.text_of(Decimal(answer.pop("price")))
    if form.price in ("price", "total_price"):
        answer[form.price] = price
    if form.price == "none":
        del answer["currency"]
    if form.gateway_id == "none":
        del answer["id"]
    elif form.gateway_id == "msisdn":
        answer["id"] = answer["msisdn"]
    routes = [_route_in_form(route, form) for route in answer.pop("alt_route", [])]
    if routes and form.sms in ("alt_route", "both"):
        answer["alt_route"] = routes
    if routes and sms and form.sms in ("messages", "both"):
        currency = form.currency or fields["currency"]
        answer["alt_route_messages"] = [
            _as_message(route, answer, currency, sms) for route in routes
        ]
    return answer


def _route_in_form(route: Mapping[str, str], form: StatusForm) -> dict[str, str]:
    written = dict(route) | {"status": _SPELLINGS[form.spelling](route["status"])}
    if "price" in route:
        written["price"] = form.text_of(Decimal(route["price"]))
    return written


def _as_message(
    route: Mapping[str, str], answer: Mapping[str, Any], currency: str, sms: SmsFallback
) -> dict[str, str]:
    """`route` as an entry of alt_route_messages."""
    message = {name: answer[name] for name in ("time_in", "time_sent", "time_dr")}
    message |= {name: value for name, value in route.items() if name != "channel"}
    return message | {"currency": currency, "message": sms.text, "sender": sms.sender}


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
