"""The sandbox's own addresses: bill, messages, requests, faults and clock, for tests and people.

docs/sandbox.md lists them under "Addresses for tests and people".
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from ipaddress import ip_address
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from campaigns.gateway.sandbox import answers, page
from campaigns.gateway.sandbox.account import Account, SentMessage, Totals
from campaigns.gateway.sandbox.answers import Reply
from campaigns.gateway.sandbox.calls import Calls
from campaigns.gateway.sandbox.faults import Faults

LIMIT_MAX = 1000
REQUESTS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A call under /rest as it came, without its key. `at` is Unix time."""

    at: float
    method: str
    path: str
    source: str
    body: bytes


def refuse_visitor(headers: Mapping[str, str], own_name: str) -> Reply | None:
    """The refusal of a page of another site that calls the control addresses; else None.

    - Host must be an IP address, localhost or `own_name`, the name that the sandbox listens on: a
      foreign name that resolves to this machine (DNS rebinding) makes a foreign page look like one
      of the sandbox.
    - Origin, if a browser sends it, must be this address.
    """
    host = headers.get("Host", "")
    if not _is_own(host, own_name):
        return answers.http_error(403, "the Host header must be the sandbox's own address")
    origin = headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        return answers.http_error(403, "the Origin header must be the sandbox's own address")
    return None


def _is_own(host: str, own_name: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in ("localhost", own_name):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


class Control:
    """Answers the sandbox's own addresses."""

    def __init__(self, account: Account, faults: Faults, calls: Calls) -> None:
        self._account = account
        self._faults = faults
        self._calls = calls
        self.received: deque[ReceivedCall] = deque(maxlen=REQUESTS_KEPT)

    def answer(self, method: str, path: str, query_string: str, body: bytes) -> Reply:
        """The reply to a request for an address outside of /rest."""
        self._calls.accept_late()
        query = {name: values[-1] for name, values in parse_qs(query_string).items()}
        match method, path:
            case "GET", "/":
                return page.show(self._bill(""), self._messages(query, page.MESSAGES), query)
            case "GET", "/sandbox/page.css":
                return page.style()
            case "GET", "/sandbox/bill":
                return answers.as_json(self._bill(query.get("sender", "")))
            case "GET", "/sandbox/messages.json":
                return answers.as_json(self._messages(query, 100))
            case "GET", "/sandbox/requests":
                return answers.as_json({"requests": self._requests(_count(query, "limit", 20))})
            case "GET", "/sandbox/violations":
                violations = [asdict(violation) for violation in list(self._calls.violations)]
                return answers.as_json({"violations": violations})
            case "GET", "/sandbox/faults":
                return answers.as_json(self._faults.shown())
            case "POST", _:
                return self._change(path, body)
        return answers.http_error(404, "Not found")

    def _change(self, path: str, body: bytes) -> Reply:
        try:
            changes = json.loads(body or b"{}")
            if not isinstance(changes, dict):
                raise ValueError("the body is not an object")
            return self._apply(path, changes)
        except (ValueError, TypeError, InvalidOperation) as error:
            return answers.http_error(400, str(error))

    def _apply(self, path: str, changes: dict[str, Any]) -> Reply:
        match path:
            case "/sandbox/faults":
                if changes.pop("clear", False):
                    self._faults.clear()
                self._faults.set(changes)
                return answers.as_json(self._faults.shown())
            case "/sandbox/advance":
                if changes.get("settle"):
                    self._calls.accept_late(all_of_them=True)
                    self._account.settle()
                else:
                    self._account.advance(float(changes["seconds"]))
            case "/sandbox/balance":
                self._account.set_balance(Decimal(str(changes["amount"])))
            case "/sandbox/violations":
                if changes.get("clear"):
                    self._calls.violations.clear()
            case "/sandbox/reset":
                self._calls.reset()
                self.received.clear()
            case _:
                return answers.http_error(404, "Not found")
        return answers.as_json({"done": True})

    def _bill(self, sender: str) -> dict[str, Any]:
        if sender:
            messages = [
                sent for sent in self._account.messages if sent.submission.content.sender == sender
            ]
            phones: dict[str, int] = {}
            for sent in messages:
                phones[sent.msisdn] = phones.get(sent.msisdn, 0) + 1
            return _bill(self._account.tally_of(messages), len(messages), phones)
        bill = _bill(self._account.tally(), len(self._account.messages), self._account.phones())
        refused = {str(code): count for code, count in sorted(self._account.refused.items())}
        return bill | {
            "requests": self._account.requests,
            "refused": refused,
            "faults": self._faults.met(),
        }

    def _messages(self, query: Mapping[str, str], default_limit: int) -> dict[str, Any]:
        offset = _count(query, "offset", 0)
        limit = min(_count(query, "limit", default_limit), LIMIT_MAX)
        filters = {
            name: query[name] for name in ("sender", "msisdn", "reference") if query.get(name)
        }
        messages = self._account.messages
        matching = (
            (sent for sent in reversed(messages) if _matches(sent, filters))
            if filters
            else reversed(messages)
        )
        shown = [self._described(sent) for sent in islice(matching, offset, offset + limit)]
        return {"total": len(messages), "offset": offset, "limit": limit, "messages": shown}

    def _described(self, sent: SentMessage) -> dict[str, Any]:
        content = sent.submission.content
        status = self._calls.describe(sent)
        del status["error"], status["errorDescription"]
        sms = content.sms
        return status | {
            "sender": content.sender,
            "text": sent.submission.text,
            "promotional": content.promotional,
            "image_url": content.image_url,
            "button_caption": content.button_caption,
            "button_url": content.button_url,
            "sms": {"sender": sms.sender, "text": sms.text, "parts": content.parts}
            if sms
            else None,
            "validity": content.validity,
            "tariff": content.tariff,
            "callback_url": content.callback_url,
        }

    def _requests(self, limit: int) -> list[dict[str, Any]]:
        last = list(self.received)[-limit:] if limit else []
        return [
            {
                "at": call.at,
                "method": call.method,
                "path": call.path,
                "source": call.source,
                "body": call.body.decode("utf-8", "replace"),
            }
            for call in last
        ]


def _matches(sent: SentMessage, filters: Mapping[str, str]) -> bool:
    values = {
        "sender": sent.submission.content.sender,
        "msisdn": sent.msisdn,
        "reference": sent.reference,
    }
    return all(values[name] == value for name, value in filters.items())


def _bill(totals: Totals, messages: int, phones: Mapping[str, int]) -> dict[str, Any]:
    return {
        "messages": messages,
        "phones": len(phones),
        "doubled_phones": sum(1 for count in phones.values() if count > 1),
        "most_to_a_phone": max(phones.values(), default=0),
        "statuses": dict(totals.statuses),
        "sms_statuses": dict(totals.sms_statuses),
        "spend": {
            currency: {
                "viber": str(sums["viber"]),
                "sms": str(sums["sms"]),
                "total": str(sums["viber"] + sums["sms"]),
            }
            for currency, sums in sorted(totals.money.items())
        },
    }


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default
