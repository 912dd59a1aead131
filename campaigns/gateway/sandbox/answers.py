"""The sandbox's answers, in the shapes of docs/gateway-contract.md; prices are never floats."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from campaigns.gateway.errors import MEANINGS
from campaigns.gateway.sandbox.account import CreateOutcome, SentMessage
from campaigns.gateway.sandbox.courses import Course, CourseState
from campaigns.gateway.statuses import DELIVERED, READ, SENT

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


def created(outcomes: Iterable[CreateOutcome], currency: str, shape: str) -> Reply:
    """The answer to a create call, shape A or B."""
    return Reply((_shape_b if shape == "B" else _shape_a)(list(outcomes), currency).encode())


def _shape_a(outcomes: list[CreateOutcome], currency: str) -> str:
    total = sum((outcome.price for outcome in outcomes), Decimal(0))
    entries = ",".join(_entry_a(outcome, currency) for outcome in outcomes)
    return f'{{"result":[{entries}],"currency":"{currency}","total_price":{total}}}'


def _entry_a(outcome: CreateOutcome, currency: str) -> str:
    if outcome.refused:
        return json.dumps(
            {"error": outcome.refused.code, "errorDescription": outcome.refused.description}
            | ({"reference": outcome.reference} if outcome.reference else {})
        )
    reference = f'"reference":"{outcome.reference}",' if outcome.reference else ""
    gateway_id = outcome.sent.gateway_id if outcome.sent else ""
    return (
        f'{{"error":0,"errorDescription":"{NO_ERRORS}",{reference}"id":"{gateway_id}",'
        f'"price":{outcome.price},"currency":"{currency}"}}'
    )


def _shape_b(outcomes: list[CreateOutcome], currency: str) -> str:
    """Strings instead of numbers; no references if all recipients were accepted."""
    all_accepted = all(outcome.sent for outcome in outcomes)
    return json.dumps(
        [
            {
                "error": "0",
                "messages": [_entry_b(outcome, currency, not all_accepted) for outcome in outcomes],
            }
        ]
    )


def _entry_b(outcome: CreateOutcome, currency: str, with_reference: bool) -> dict[str, str]:
    entry = {"reference": outcome.reference} if with_reference and outcome.reference else {}
    if outcome.refused:
        return entry | {
            "error": str(outcome.refused.code),
            "errorDescription": outcome.refused.description,
        }
    gateway_id = outcome.sent.gateway_id if outcome.sent else ""
    return entry | {"id": gateway_id, "price": str(outcome.price), "currency": currency}


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
    if state.sms_status:
        fields["alt_route"] = [
            {
                "channel": "sms",
                "id": str(int(sent.gateway_id) + 1_000_000_000),
                "status": state.sms_status,
                "price": str(state.sms_price),
            }
        ]
    return fields


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
