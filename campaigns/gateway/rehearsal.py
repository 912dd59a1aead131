"""The gateway of rehearsals: inside this process and without a socket, so no setting can make it
send anything.

It takes what the contract takes, bills by the prices it is given and lets messages end as the
sandbox does, at once. It remembers nothing: what it had accepted is told to it again by whoever
asks (`Kept`), so there is nothing to lose when a process dies, and any number of machines agree.

The other lock is the reference: those of a rehearsal begin with MARK, a client that has a socket
refuses them, and this one refuses all others.
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
from campaigns.gateway.sandbox.courses import ARRIVES, course_of, state_at
from campaigns.gateway.types import Address, Refusal

BASE_URL = "rehearsal://here"
KEY = "no-key-at-all"  # the account's own is never in hand here
SEED = 1  # two rehearsals of one campaign end alike


@dataclass(frozen=True, slots=True)
class Rates:
    """What a message to the people of one batch costs; `viber` and `sms` (one part) None: not
    known.
    """

    viber: Decimal | None
    sms: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class KnownMessage:
    """A message accepted before, as its recipient's row has it. `parts` of the SMS: 0 without
    one.
    """

    reference: str
    msisdn: str
    accepted_at: datetime
    validity: int
    parts: int


def client(rates: Rates, kept: Sequence[KnownMessage] = ()) -> Client:
    """A client whose calls are answered here. It knows the messages `kept` and no others."""
    return Client(
        BASE_URL, KEY, transport=_InProcessTransport(rates, {one.reference: one for one in kept})
    )


class _InProcessTransport:
    """In the place of `Transport`."""

    def __init__(self, rates: Rates, kept: Mapping[str, KnownMessage]) -> None:
        self._rates = rates
        self._kept = kept

    def exchange(self, prepared: requests.PreparedRequest) -> HttpAnswer:
        """The answer to a call: create, or status by reference; anything else is not for a
        rehearsal (error 4).
        """
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
        said: dict[str, Any] = json.loads(body)
        # which tariffs the account has is for its price list to say, not for the sandbox's
        whole = json.dumps(said | {"tariff": 0}).encode()
        try:
            read = read_request(whole, datetime.now(UTC))
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
        kept = self._kept.get(reference)
        if kept is None:
            return answers.as_json({"error": 40, "errorDescription": "Message not found"})
        course = course_of(kept.msisdn, SEED, kept.validity)
        viber = self._rates.viber
        sms = (
            None
            if not kept.parts
            else Decimal(0)
            if self._rates.sms is None
            else self._rates.sms * kept.parts
        )
        state = state_at(course, course.over(bool(kept.parts)) + 1, viber or Decimal(0), sms)
        shown: dict[str, Any] = {
            "error": 0,
            "id": _id(reference),
            "msisdn": kept.msisdn,
            "reference": reference,
            "time_in": _utc(kept.accepted_at, 0),
            "time_sent": _utc(kept.accepted_at, course.sent),
            "time_dr": _utc(kept.accepted_at, course.ended),
            "status": state.status,
            "currency": self._rates.currency,
        }
        if viber is not None or course.outcome not in ARRIVES:
            # what did not arrive costs nothing, whatever it would have cost
            shown["price"] = str(state.viber_price)
        if state.sms_status:
            route: dict[str, Any] = {
                "channel": "sms",
                "id": _id(reference),
                "status": state.sms_status,
            }
            if self._rates.sms is not None:
                route["price"] = str(state.sms_price)
            shown["alt_route"] = [route]
        return answers.as_json(shown)


def _priced(price: Decimal | None, currency: str) -> dict[str, str]:
    return {} if price is None else {"price": str(price), "currency": currency}


def _id(reference: str) -> str:
    return f"{MARK}{reference[-16:]}"


def _utc(moment: datetime, seconds: float) -> str:
    return (moment + timedelta(seconds=seconds)).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
