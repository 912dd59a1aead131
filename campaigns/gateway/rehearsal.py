"""The gateway of rehearsals: it runs in this process without a socket, so it cannot send anything.

It accepts what the contract allows, bills by the prices it is given, and gives each message the
final status of the sandbox at once. It stores nothing: who asks for a status passes the messages
that were accepted before (`KnownMessage`). So nothing is lost when a process dies, and any number
of machines get the same answers.

The references of rehearsals are a second safeguard: they begin with MARK, a client with a socket
refuses them, and this gateway refuses all others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import requests

from campaigns.gateway.bsg.client import REHEARSAL_MARK as MARK
from campaigns.gateway.bsg.client import Client
from campaigns.gateway.bsg.transport import HttpAnswer
from campaigns.gateway.limits import address_breach
from campaigns.gateway.sandbox import answers
from campaigns.gateway.sandbox.contract import RequestRefused, read_request
from campaigns.gateway.sandbox.courses import ARRIVES, CourseState, course_of, state_at
from campaigns.gateway.types import Address, Refusal

BASE_URL = "rehearsal://here"
KEY = "no-key-at-all"  # the real key is not needed here
SEED = 1  # always the same, so two rehearsals of one campaign end alike


@dataclass(frozen=True, slots=True)
class Rates:
    """What a Viber message and an SMS part to the recipients of a batch cost; None: not known."""

    viber: Decimal | None
    sms: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message that was accepted before. `validity` is in seconds, `parts` 0 without an SMS."""

    reference: str
    msisdn: str
    accepted_at: datetime
    validity: int
    parts: int


def client(rates: Rates, messages: Sequence[KnownMessage] = ()) -> Client:
    """A client whose calls are answered here. `messages` are those that it can be asked about."""
    known = {message.reference: message for message in messages}
    return Client(BASE_URL, KEY, transport=_InProcessTransport(rates, known))


class _InProcessTransport:
    """Answers requests in place of `Transport`."""

    def __init__(self, rates: Rates, messages: Mapping[str, KnownMessage]) -> None:
        self._rates = rates
        self._messages = messages

    def exchange(self, prepared: requests.PreparedRequest) -> HttpAnswer:
        """The answer to create and to status by reference; to any other call, error 4."""
        path = (prepared.url or "").removeprefix(BASE_URL)
        if path == "/viber/create":
            body = prepared.body or b""
            reply = self._create(body if isinstance(body, bytes) else body.encode())
        elif path.startswith("/viber/reference/"):
            reply = self._status(path.rpartition("/")[2])
        else:
            reply = answers.error(4)
        return HttpAnswer(reply.status, {}, reply.body)

    def close(self) -> None:
        """Nothing is open."""

    def _create(self, body: bytes) -> answers.Reply:
        fields: dict[str, Any] = json.loads(body)
        # The account decides which tariffs exist, not the sandbox's price list.
        checked_body = json.dumps(fields | {"tariff": 0}).encode()
        try:
            read = read_request(checked_body, datetime.now(UTC))
        except RequestRefused as refused:
            return answers.error(refused.code, refused.description)
        phones: set[str] = set()
        entries = [
            self._entry(address, refusal, phones)
            for message, refusal in zip(read.request.messages, read.refusals, strict=True)
            for address in message.to
        ]
        return answers.as_json({"result": entries, "currency": self._rates.currency})

    def _entry(self, address: Address, refusal: Refusal | None, phones: set[str]) -> dict[str, Any]:
        breach = address_breach(address, phones)
        code = breach[1] if breach else refusal.code if refusal else 0
        if not address.reference.startswith(MARK):
            code = 47
        if code:
            return {"error": code, "errorDescription": f"{code}", "reference": address.reference}
        entry = {"error": 0, "reference": address.reference, "id": _id(address.reference)}
        return entry | _priced(self._rates.viber, self._rates.currency)

    def _status(self, reference: str) -> answers.Reply:
        message = self._messages.get(reference)
        if message is None:
            return answers.as_json({"error": 40, "errorDescription": "Message not found"})
        course = course_of(message.msisdn, SEED, message.validity)
        viber, end = self._rates.viber, course.over(bool(message.parts)) + 1
        state = state_at(course, end, viber or Decimal(0), self._sms_price(message))
        answer: dict[str, Any] = {
            "error": 0,
            "id": _id(reference),
            "msisdn": message.msisdn,
            "reference": reference,
            "time_in": _utc(message.accepted_at, 0),
            "time_sent": _utc(message.accepted_at, course.sent),
            "time_dr": _utc(message.accepted_at, course.ended),
            "status": state.status,
            "currency": self._rates.currency,
        }
        if viber is not None or course.outcome not in ARRIVES:
            # a message that did not arrive costs nothing, even if its price is not known
            answer["price"] = str(state.viber_price)
        if state.sms_status:
            answer["alt_route"] = [self._alt_route(reference, state)]
        return answers.as_json(answer)

    def _sms_price(self, message: KnownMessage) -> Decimal | None:
        """The price of the whole SMS, 0 if it is not known; None without an SMS."""
        if not message.parts:
            return None
        return (self._rates.sms or Decimal(0)) * message.parts

    def _alt_route(self, reference: str, state: CourseState) -> dict[str, Any]:
        route = {"channel": "sms", "id": _id(reference), "status": state.sms_status}
        if self._rates.sms is not None and state.sms_price is not None:
            route["price"] = str(state.sms_price)
        return route


def _priced(price: Decimal | None, currency: str) -> dict[str, str]:
    return {} if price is None else {"price": str(price), "currency": currency}


def _id(reference: str) -> str:
    return f"{MARK}{reference[-16:]}"


def _utc(moment: datetime, seconds: float) -> str:
    return (moment + timedelta(seconds=seconds)).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
