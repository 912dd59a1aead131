"""The sandbox's own addresses: the bill, the messages, the requests, the faults, the clock; for
tests and people.

GET  /sandbox/bill[?sender=…]        exact sums, counts of messages, phones, doubled phones, states,
refusals GET  /sandbox/messages.json          ?offset=0&limit=100&sender=&msisdn=&reference=, the
newest first GET  /sandbox/requests[?limit=20]    the last bodies under /rest, as they came, the
newest last GET  /sandbox/faults                 what is in force POST /sandbox/faults
{"lost": 5, …} beside what is; {"clear": true} first takes all away POST /sandbox/advance
{"seconds": 30} or {"settle": true} POST /sandbox/balance                {"amount": "100"}: what the
account holds from now on POST /sandbox/reset                  forgets all messages, and the faults
are those of the start
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any
from urllib.parse import parse_qs

from campaigns.gateway.sandbox import answers, page
from campaigns.gateway.sandbox.account import Account, SentMessage, Totals
from campaigns.gateway.sandbox.answers import Reply
from campaigns.gateway.sandbox.calls import Calls
from campaigns.gateway.sandbox.faults import Faults

LIMIT_MAX = 1000
REQUESTS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """One call under /rest as it came, without its key."""

    at: float
    method: str
    path: str
    source: str
    body: bytes


class Control:
    """Answers the sandbox's own addresses."""

    def __init__(self, account: Account, faults: Faults, calls: Calls) -> None:
        self._account = account
        self._faults = faults
        self._calls = calls
        self.received: deque[ReceivedCall] = deque(maxlen=REQUESTS_KEPT)

    def answer(self, method: str, path: str, query: str, body: bytes) -> Reply:
        asked = {name: values[-1] for name, values in parse_qs(query).items()}
        match method, path:
            case "GET", "/":
                return page.show(self._bill(""), self._messages(asked, page.MESSAGES), asked)
            case "GET", "/sandbox/page.css":
                return page.style()
            case "GET", "/sandbox/bill":
                return answers.as_json(self._bill(asked.get("sender", "")))
            case "GET", "/sandbox/messages.json":
                return answers.as_json(self._messages(asked, 100))
            case "GET", "/sandbox/requests":
                return answers.as_json({"requests": self._requests(_count(asked, "limit", 20))})
            case "GET", "/sandbox/faults":
                return answers.as_json(self._faults.shown())
            case "POST", _:
                return self._change(path, body)
        return answers.http_error(404, "Not found")

    def _change(self, path: str, body: bytes) -> Reply:
        try:
            asked = json.loads(body or b"{}")
            if not isinstance(asked, dict):
                raise ValueError("the body is not an object")
            return self._changed(path, asked)
        except (ValueError, TypeError, InvalidOperation) as error:
            return answers.http_error(400, str(error))

    def _changed(self, path: str, asked: dict[str, Any]) -> Reply:
        match path:
            case "/sandbox/faults":
                if asked.pop("clear", False):
                    self._faults.clear()
                self._faults.set(asked)
                return answers.as_json(self._faults.shown())
            case "/sandbox/advance":
                self._account.settle() if asked.get("settle") else self._account.advance(
                    float(asked["seconds"])
                )
            case "/sandbox/balance":
                self._account.set_balance(Decimal(str(asked["amount"])))
            case "/sandbox/reset":
                self._calls.reset()
                self.received.clear()
            case _:
                return answers.http_error(404, "Not found")
        return answers.as_json({"done": True})

    def _bill(self, sender: str) -> dict[str, Any]:
        if sender:
            messages = [
                sent for sent in self._account.messages if sent.submission.body.sender == sender
            ]
            phones: dict[str, int] = {}
            for sent in messages:
                phones[sent.msisdn] = phones.get(sent.msisdn, 0) + 1
            return _bill(self._account.tally_of(messages), len(messages), phones)
        bill = _bill(self._account.tally(), len(self._account.messages), self._account.phones())
        refused = {str(code): count for code, count in sorted(self._account.refused.items())}
        return bill | {"requests": self._account.requests, "refused": refused}

    def _messages(self, asked: Mapping[str, str], usual: int) -> dict[str, Any]:
        offset, limit = _count(asked, "offset", 0), min(_count(asked, "limit", usual), LIMIT_MAX)
        wanted = {
            name: asked[name] for name in ("sender", "msisdn", "reference") if asked.get(name)
        }
        messages = self._account.messages
        found = (
            (sent for sent in reversed(messages) if _is_wanted(sent, wanted))
            if wanted
            else reversed(messages)
        )
        shown = [self._described(sent) for sent in islice(found, offset, offset + limit)]
        return {"total": len(messages), "offset": offset, "limit": limit, "messages": shown}

    def _described(self, sent: SentMessage) -> dict[str, Any]:
        body = sent.submission.body
        status = self._calls.describe(sent)
        del status["error"], status["errorDescription"]
        sms = body.sms
        return status | {
            "sender": body.sender,
            "text": sent.submission.text,
            "promotional": body.promotional,
            "image_url": body.image_url,
            "button_caption": body.button_caption,
            "button_url": body.button_url,
            "sms": {"sender": sms.sender, "text": sms.text, "parts": body.parts} if sms else None,
            "validity": body.validity,
            "tariff": body.tariff,
            "callback_url": body.callback_url,
        }

    def _requests(self, limit: int) -> list[dict[str, Any]]:
        last = list(self.received)[-limit:] if limit else []
        return [
            {
                "at": one.at,
                "method": one.method,
                "path": one.path,
                "source": one.source,
                "body": one.body.decode("utf-8", "replace"),
            }
            for one in last
        ]


def _is_wanted(sent: SentMessage, wanted: Mapping[str, str]) -> bool:
    values = {
        "sender": sent.submission.body.sender,
        "msisdn": sent.msisdn,
        "reference": sent.reference,
    }
    return all(values[name] == value for name, value in wanted.items())


def _bill(tally: Totals, messages: int, phones: Mapping[str, int]) -> dict[str, Any]:
    return {
        "messages": messages,
        "phones": len(phones),
        "doubled_phones": sum(1 for count in phones.values() if count > 1),
        "statuses": dict(tally.statuses),
        "sms_statuses": dict(tally.sms_statuses),
        "spend": {
            currency: {
                "viber": str(sums["viber"]),
                "sms": str(sums["sms"]),
                "total": str(sums["viber"] + sums["sms"]),
            }
            for currency, sums in sorted(tally.money.items())
        },
    }


def _count(asked: Mapping[str, str], name: str, usual: int) -> int:
    value = asked.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else usual
