"""The gateway's calls under /rest: check the key and answer each call."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from campaigns.gateway.sandbox import answers, prices
from campaigns.gateway.sandbox.account import Account, CreateOutcome, SentMessage
from campaigns.gateway.sandbox.answers import Reply, SendForm, StatusForm
from campaigns.gateway.sandbox.callbacks import Callbacks
from campaigns.gateway.sandbox.contract import ReadRequest, RequestRefused, read_request
from campaigns.gateway.sandbox.faults import CallFault, Faults
from campaigns.gateway.sandbox.statistics_files import StatisticsFiles
from campaigns.gateway.types import Address

HTML_ERROR = (
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
)
HTML_NOT_FOUND = (
    b"<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"
)
NO_ANSWER = Reply(b"", manner="none")
PLAIN_STATUS = StatusForm()
CREATE, QUOTE = "/viber/create", "/viber/price"
BALANCES = ("/common/balance", "/viber/balance", "/common/getbalance")  # the first is documented
VIOLATIONS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Violation:
    """What a call had against the contract, though it was answered. `at` is Unix time."""

    at: float
    method: str
    path: str
    what: str


class Calls:
    """Answers calls, from any number of threads. `latency` is in seconds."""

    def __init__(self, account: Account, faults: Faults, pace: float, latency: float) -> None:
        self._account = account
        self._faults = faults
        self._pace = pace
        self._latency = latency
        self._callbacks = Callbacks(account, faults, self.describe)
        self._files = StatisticsFiles(account, faults, self.describe, self._note)
        self._creating = 0
        self._lock = threading.Lock()
        # requests to be accepted later, each with its moment on the message clock
        self._late: list[tuple[float, ReadRequest]] = []
        # what only the vendor's clients send against the contract, oldest first
        self.violations: deque[Violation] = deque(maxlen=VIOLATIONS_KEPT)

    def answer(
        self,
        method: str,
        path: str,
        key: str | None,
        body: bytes,
        wait: Callable[[float], object],
        query: str = "",
    ) -> Reply:
        """The reply to a call; `path` is what follows /rest. `wait` waits so many seconds."""
        self.accept_late()
        if self._faults.number("not_found"):
            return Reply(HTML_NOT_FOUND, 404, answers.HTML)
        refusal = refuse_key(key)
        if refusal:
            return refusal
        is_create = path == CREATE
        fault = self._faults.choose(is_create, _is_status(method, path))
        with self._counted(is_create) as parallel:
            if self._latency + fault.delay:
                wait(self._latency + fault.delay)
            failure = self._fail_before(fault, parallel)
            if failure:
                return failure
            reply = (
                self._create(method, key or "", body, fault)
                if is_create
                else self._files.answer(method, path, query, body)
                or self._ask(method, path, key or "", body)
            )
            return _fail_after(reply, fault)

    def stop(self) -> None:
        self._callbacks.stop()

    def _note(self, method: str, path: str, violations: Iterable[str]) -> None:
        at = time.time()
        self.violations.extend(Violation(at, method, path, what) for what in violations)

    def reset(self) -> None:
        self._callbacks.forget()
        self._files.forget()
        with self._lock:
            self._late.clear()
        self._account.reset()
        self._faults.reset()

    def accept_late(self, *, all_of_them: bool = False) -> None:
        """Accept the requests whose connection was lost before (`lost_late`) and that are due."""
        if not self._late:
            return
        with self._lock:
            clock = self._account.clock()
            due = [read for at, read in self._late if all_of_them or at <= clock]
            self._late = [late for late in self._late if not (all_of_them or late[0] <= clock)]
        for read in due:
            with suppress(RequestRefused):
                self._accept_now(read)

    def describe(self, sent: SentMessage) -> dict[str, Any]:
        """The fields of the status call for `sent`."""
        account = self._account
        return answers.status(
            sent, account.state(sent), account.course(sent), account.age(sent), self._pace
        )

    @contextmanager
    def _counted(self, is_create: bool) -> Iterator[int]:
        """How many create calls are under way, with this one; 0 for any other call."""
        if not is_create:
            yield 0
            return
        with self._lock:
            self._creating += 1
            parallel = self._creating
        try:
            yield parallel
        finally:
            with self._lock:
                self._creating -= 1

    def _fail_before(self, fault: CallFault, parallel: int) -> Reply | None:
        """The answer of a fault that strikes before anything is accepted."""
        limit = self._faults.number("parallel")
        match fault.name:
            case "lost_before":
                return NO_ANSWER
            case "http500":
                return answers.http_error(500, "Internal server error")
            case "http429":
                retry_after = self._faults.number("retry_after")
                return answers.http_error(429, "Too many requests", retry_after)
            case "error5":
                return answers.error(5)
        return answers.error(11) if fault.name == "error11" or 0 < limit < parallel else None

    def _create(self, method: str, key: str, body: bytes, fault: CallFault) -> Reply:
        if method not in ("PUT", "POST"):
            return answers.error(4, "create takes PUT or POST", 405)
        try:
            read = self._read(method, CREATE, body)
            return self._accept(key, read, fault)
        except RequestRefused as refused:
            return answers.error(refused.code, refused.description)

    def _read(self, method: str, path: str, body: bytes) -> ReadRequest:
        read = read_request(body, datetime.now(UTC))
        self._note(method, path, read.violations)
        return read

    def _accept(self, key: str, read: ReadRequest, fault: CallFault) -> Reply:
        currency = prices.CURRENCIES[read.request.tariff]
        if key.startswith("test_"):
            return answers.created(_random_outcomes(read), currency, self._send_form())
        refusal = self._refuse(read)
        if refusal:
            return refusal
        if fault.name == "lost_late":
            due = self._account.clock() + self._faults.number("lost_late_s")
            with self._lock:
                self._late.append((due, read))
            return NO_ANSWER
        outcomes = self._accept_now(read)
        billed = next((o.sent.submission.content.currency for o in outcomes if o.sent), currency)
        if fault.name == "missing":
            outcomes = [outcome for position, outcome in enumerate(outcomes) if position % 3]
        return answers.created(outcomes, billed, self._send_form())

    def _accept_now(self, read: ReadRequest) -> list[CreateOutcome]:
        outcomes = self._account.create(read)
        if any(message.callback_url for message in read.request.messages):
            for outcome in outcomes:
                if outcome.sent and outcome.sent.submission.content.callback_url:
                    self._callbacks.follow(outcome.sent)
        return outcomes

    def _refuse(self, read: ReadRequest) -> Reply | None:
        """The refusal of a well-formed request by a fault that is on."""
        phones = {address.msisdn for message in read.request.messages for address in message.to}
        for status in (400, 422):
            phone = self._faults.text(f"http{status}_phone")
            if phone and phone in phones:
                return answers.http_error(status, HTTPStatus(status).phrase)
        if not self._faults.take_rate(len(phones)):
            if self._faults.choice("rate_answer") == "error11":
                return answers.error(11)
            retry_after = self._faults.number("retry_after")
            return answers.http_error(429, "Too many requests", retry_after)
        code = int(self._faults.number("message_error"))
        if code:
            return answers.as_json({"result": [{"error": code} for _ in read.request.messages]})
        return None

    def _send_form(self) -> SendForm:
        faults = self._faults
        return SendForm(faults.choice("shape"), faults.choice("send_price"), self._price_text())

    def _price_text(self) -> Callable[[Decimal], str]:
        """How the next answer writes prices."""
        return prices.noisy if self._faults.happens("price_noise") else str

    def _ask(self, method: str, path: str, key: str, body: bytes) -> Reply:
        if path == QUOTE:
            return (
                self._quote(method, body)
                if method in ("PUT", "POST")
                else answers.error(4, "price takes PUT or POST", 405)
            )
        if path in BALANCES and method in ("GET", "POST"):
            if (method, path) != ("GET", BALANCES[0]):
                self._note(method, path, ["the balance is not asked with GET /common/balance"])
            return self._balance()
        steps = [unquote(step) for step in path.strip("/").split("/")]
        match steps if method == "GET" else []:
            case [("viber" | "sms") as channel, "prices"]:
                return self._prices(channel, "0")
            case [("viber" | "sms") as channel, "prices", tariff]:
                return self._prices(channel, tariff)
            case ["viber", "reference", asked] | ["viber", asked] if key.startswith("test_"):
                return answers.as_json(answers.random_status(asked))
            case ["viber", "reference", reference]:
                return self._status(self._account.by_reference(reference))
            case ["viber", gateway_id]:
                return self._status(self._account.by_id(gateway_id))
        return answers.error(4, status=404)

    def _quote(self, method: str, body: bytes) -> Reply:
        try:
            read = self._read(method, QUOTE, body)
        except RequestRefused as refused:
            return answers.error(refused.code, refused.description)
        tariff = read.request.tariff
        total = sum(
            (
                prices.viber_price(address.msisdn, tariff)
                for message in read.request.messages
                for address in message.to
            ),
            Decimal(0),
        )
        currency = prices.CURRENCIES[tariff]
        text = (
            f'{{"error":0,"errorDescription":"{answers.NO_ERRORS}",'
            f'"totalprice":{self._price_text()(total)},"currency":"{currency}"}}'
        )
        return Reply(text.encode())

    def _balance(self) -> Reply:
        amount = self._price_text()(self._account.balance())
        return answers.as_json(
            {
                "error": 0,
                "errorDescription": answers.NO_ERRORS,
                "amount": amount,
                "currency": "EUR",
                "limit": "10",
            }
        )

    def _prices(self, channel: str, tariff: str) -> Reply:
        if tariff not in {str(active) for active in prices.ACTIVE_TARIFFS}:
            return answers.error(6)
        rows = list(prices.rows(channel, int(tariff), self._price_text()))
        return answers.as_json({"error": 0, "errorDescription": answers.NO_ERRORS, "prices": rows})

    def _status(self, sent: SentMessage | None) -> Reply:
        if sent is None:
            return answers.as_json({"error": 40, "errorDescription": "Message not found"})
        fields = self.describe(sent)
        form = self._status_form()
        if form != PLAIN_STATUS:
            fields = answers.in_form(fields, form, sent.submission.content.sms)
        return answers.as_json(fields)

    def _status_form(self) -> StatusForm:
        faults = self._faults
        return StatusForm(
            faults.choice("status_id"),
            faults.choice("status_price"),
            faults.choice("status_sms"),
            faults.choice("status_spelling"),
            faults.currency("status_currency", ""),
            self._price_text(),
        )


def _is_status(method: str, path: str) -> bool:
    steps = path.strip("/").split("/")
    is_asked = method == "GET" and path not in BALANCES and path != QUOTE
    return is_asked and steps[0] == "viber" and len(steps) > 1 and steps[1] != "prices"


def refuse_key(key: str | None) -> Reply | None:
    """The refusal of a key, as docs/sandbox.md lists them; None if it is valid."""
    if not key:
        return answers.http_error(401, "X-API-KEY is missing")
    if key == "live_forbidden":
        return answers.http_error(403, "Forbidden")
    if key == "live_blocked":
        return answers.error(2)
    return None if key.startswith(("live_", "test_")) else answers.error(1)


def _fail_after(reply: Reply, fault: CallFault) -> Reply:
    """`reply`, or what a fault makes of it after everything was accepted."""
    match fault.name:
        case "lost":
            return NO_ANSWER
        case "http500_after":
            return answers.http_error(500, "Internal server error")
        case "bad_json":
            return Reply(reply.body[:-1] + b",,", reply.status)
        case "html":
            return Reply(HTML_ERROR, 200, answers.HTML)
        case "half" | "drip":
            return Reply(reply.body, reply.status, reply.content_type, reply.headers, fault.name)
    return reply


def _random_outcomes(read: ReadRequest) -> list[CreateOutcome]:
    """What a test key gets: random ids and prices; nothing is kept."""

    def outcome(address: Address) -> CreateOutcome:
        sent = SentMessage(random.randrange(10**8), address.msisdn, address.reference, None)  # type: ignore[arg-type]  # noqa: S311
        price = Decimal(random.randrange(1, 10**6)).scaleb(-7)  # noqa: S311
        return CreateOutcome(address.reference, sent, price, None)

    return [outcome(address) for message in read.request.messages for address in message.to]
