"""The account: the accepted messages, their cost and their states."""

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from campaigns.gateway.errors import MEANINGS
from campaigns.gateway.limits import address_breach
from campaigns.gateway.sandbox import prices
from campaigns.gateway.sandbox.contract import ReadRequest, RequestRefused
from campaigns.gateway.sandbox.courses import ZERO, Course, CourseState, course_of, state_at
from campaigns.gateway.sandbox.faults import Faults
from campaigns.gateway.sandbox.journal import Journal
from campaigns.gateway.sandbox.parts import sms_parts
from campaigns.gateway.types import Address, Message, Refusal, SmsFallback

FIRST_ID = 470_000_001
TEXTS_KEPT = 16 * 1024 * 1024  # characters of all texts; beyond that the oldest are dropped
CONTENTS_SHARED = 10_000
OVERDRAFT_LIMIT = Decimal(10)


class Submission:
    """One message of one request: what its recipients have in common.

    Messages with the same `content` share the object.
    """

    __slots__ = ("accepted_at", "advanced", "content", "delay", "text")

    def __init__(
        self, content: "Content", text: str, accepted_at: float, advanced: float, delay: float = 0.0
    ) -> None:
        self.content = content
        self.text = text
        self.accepted_at = accepted_at  # wall clock, seconds
        self.advanced = advanced  # how far the message clock had been moved on
        self.delay = delay  # seconds from acceptance until it is due


class Content(NamedTuple):
    """A message without its text and recipients."""

    sender: str
    promotional: bool
    image_url: str
    button_caption: str
    button_url: str
    sms: SmsFallback | None
    parts: int  # of the SMS; 0 without one
    callback_url: str
    tariff: int
    validity: int
    billed_in: str = ""  # a currency other than that of the tariff

    @property
    def currency(self) -> str:
        return self.billed_in or prices.CURRENCIES[self.tariff]


def content_of(message: Message, tariff: int, validity: int, billed_in: str) -> Content:
    return Content(
        message.sender,
        message.promotional,
        message.image_url,
        message.button_caption,
        message.button_url,
        message.sms,
        sms_parts(message.sms.text) if message.sms else 0,
        message.callback_url,
        tariff,
        validity,
        billed_in,
    )


class SentMessage:
    """A message that was accepted for one phone."""

    __slots__ = ("msisdn", "number", "reference", "submission")

    def __init__(self, number: int, msisdn: str, reference: str, submission: Submission) -> None:
        self.number = number
        self.msisdn = msisdn
        self.reference = reference
        self.submission = submission

    @property
    def gateway_id(self) -> str:
        return str(FIRST_ID + self.number)

    @property
    def viber_price(self) -> Decimal:
        return prices.viber_price(self.msisdn, self.submission.content.tariff)

    @property
    def sms_price(self) -> Decimal | None:
        """The price of all parts of the SMS fallback; None without one."""
        content = self.submission.content
        return (
            prices.sms_price(self.msisdn, content.tariff) * content.parts if content.parts else None
        )


class CreateOutcome:
    """The result of a create call for one recipient: `sent` or `refused`."""

    __slots__ = ("price", "reference", "refused", "sent")

    def __init__(
        self, reference: str, sent: SentMessage | None, price: Decimal, refused: Refusal | None
    ) -> None:
        self.reference = reference
        self.sent = sent
        self.price = price
        self.refused = refused


class Totals:
    """Counts and exact sums of messages in their current states."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.sms_statuses: Counter[str] = Counter()
        self.money: dict[str, dict[str, Decimal]] = {}

    def add(self, sent: SentMessage, state: CourseState) -> None:
        self.statuses[state.status] += 1
        if state.sms_status is not None:
            self.sms_statuses[state.sms_status] += 1
        sums = self.money.setdefault(sent.submission.content.currency, {"viber": ZERO, "sms": ZERO})
        sums["viber"] += state.viber_price
        sums["sms"] += state.sms_price or ZERO

    def copy(self) -> "Totals":
        other = Totals()
        other.statuses, other.sms_statuses = self.statuses.copy(), self.sms_statuses.copy()
        other.money = {currency: dict(sums) for currency, sums in self.money.items()}
        return other

    def total(self) -> Decimal:
        return sum((sums["viber"] + sums["sms"] for sums in self.money.values()), ZERO)


class Account:
    """Accepts messages and keeps them. Safe for many threads.

    The message clock, by which messages age, runs `pace` times as fast as the wall clock.
    """

    def __init__(
        self, faults: Faults, seed: int, pace: float, journal: Journal | None, balance: Decimal
    ) -> None:
        self._lock = threading.Lock()
        self._tally_lock = threading.RLock()
        self._faults = faults
        self._seed = seed
        self._pace = pace
        self._journal = journal
        self._opening = balance
        self._forget()
        for event in journal.replay() if journal else ():
            self._apply(event)

    def _forget(self) -> None:
        self.messages: list[SentMessage] = []
        self.refused: Counter[int] = Counter()
        self.requests = 0
        self._by_reference: dict[str, SentMessage] = {}
        self._advanced = 0.0
        self._worst = ZERO  # at least what the messages can cost
        self._funds = self._opening
        self._contents: dict[Content, Content] = {}
        self._texts: deque[Submission] = deque()
        self._texts_size = 0
        self._settled = Totals()
        # of the first `_tallied` messages, those that are not in their final state
        self._open: list[SentMessage] = []
        self._tallied = 0
        self._phones: Counter[str] = Counter()
        self._counted = 0

    # Accept messages

    def create(self, read: ReadRequest) -> list[CreateOutcome]:
        """Accept or refuse each recipient. Raises RequestRefused if there are funds for none."""
        with self._lock:
            self.requests += 1
            now, billed_in = time.time(), self._faults.currency("currency", "")
            outcomes: list[CreateOutcome] = []
            phones: set[str] = set()
            accepted: list[tuple[Submission, list[SentMessage]]] = []
            for message, refusal in zip(read.request.messages, read.refusals, strict=True):
                content = self._shared(
                    content_of(message, read.request.tariff, read.request.validity, billed_in)
                )
                scheduled = message.scheduled_at
                delay = max(0.0, scheduled.timestamp() - now) if scheduled else 0.0
                submission = Submission(content, message.text, now, self._advanced, delay)
                sent_here: list[SentMessage] = []
                if not message.to:
                    outcomes.append(CreateOutcome("", None, ZERO, refusal))
                for address in message.to:
                    outcome = self._accept_or_refuse(address, submission, refusal, phones)
                    outcomes.append(outcome)
                    if outcome.sent:
                        sent_here.append(outcome.sent)
                if sent_here:
                    self._keep_text(submission)
                    accepted.append((submission, sent_here))
            self._count_refusals(outcomes)
            if accepted and self._journal:
                self._journal.write(_event(accepted))
        return outcomes

    def _accept_or_refuse(
        self, address: Address, submission: Submission, refusal: Refusal | None, phones: set[str]
    ) -> CreateOutcome:
        breach = address_breach(address, phones)
        code = (
            breach[1]
            if breach
            else refusal.code
            if refusal
            else self._memory_breach(address, submission)
        )
        if code:
            named = refusal if refusal and not breach else Refusal(code, MEANINGS[code].name)
            return CreateOutcome(address.reference, None, ZERO, named)
        sent = self._accept(address.msisdn, address.reference, submission)
        return CreateOutcome(address.reference, sent, sent.viber_price, None)

    def _memory_breach(self, address: Address, submission: Submission) -> int:
        if address.msisdn == self._faults.text("error5_phone"):
            return 5
        if address.reference in self._by_reference:
            return 43
        if (
            not self._can_pay(prices.viber_price(address.msisdn, submission.content.tariff))
            or not self._faults.take_funds()
        ):
            return 8
        return 0

    def _can_pay(self, price: Decimal) -> bool:
        limit = self._funds + OVERDRAFT_LIMIT
        return self._worst + price <= limit or self.tally().total() + price <= limit

    def _accept(self, msisdn: str, reference: str, submission: Submission) -> SentMessage:
        sent = SentMessage(len(self.messages), msisdn, reference, submission)
        self.messages.append(sent)
        if reference:
            self._by_reference[reference] = sent
        self._worst += sent.viber_price + (sent.sms_price or ZERO)
        return sent

    def _count_refusals(self, outcomes: list[CreateOutcome]) -> None:
        self.refused.update(outcome.refused.code for outcome in outcomes if outcome.refused)
        first = outcomes[0].refused
        if first and first.code == 8 and all(o.refused and o.refused.code == 8 for o in outcomes):
            raise RequestRefused(8, first.description)

    def _shared(self, content: Content) -> Content:
        """The object to share for `content`: messages with personal texts have the same one."""
        if len(self._contents) >= CONTENTS_SHARED:
            self._contents.clear()
        return self._contents.setdefault(content, content)

    def _keep_text(self, submission: Submission) -> None:
        """Keep the text; drop the oldest texts, as a million would fill the memory."""
        self._texts.append(submission)
        self._texts_size += len(submission.text)
        while self._texts_size > TEXTS_KEPT:
            oldest = self._texts.popleft()
            self._texts_size -= len(oldest.text)
            oldest.text = ""

    # The message clock

    def advance(self, seconds: float) -> None:
        """Move the message clock on. Raises ValueError for a step back."""
        if not 0 <= seconds < 1e9:
            raise ValueError("seconds must be 0 or more")
        with self._lock:
            self._advanced += seconds
            if self._journal:
                self._journal.write({"advance": seconds})

    def settle(self) -> None:
        """Move the message clock on until every message is in its final state."""
        with self._tally_lock:
            self.tally()
            remaining = (
                self.course(sent).over(bool(sent.submission.content.parts)) - self.age(sent)
                for sent in self._open
            )
            longest = max(remaining, default=0.0)
        self.advance(max(longest, 0.0) + 1.0)

    def clock(self) -> float:
        """The message clock, in seconds."""
        return time.time() * self._pace + self._advanced

    def age(self, sent: SentMessage) -> float:
        """Seconds of the message clock since `sent` was due; negative while it is scheduled."""
        submission = sent.submission
        elapsed = (time.time() - submission.accepted_at) * self._pace
        return elapsed + self._advanced - submission.advanced - submission.delay

    def course(self, sent: SentMessage) -> Course:
        validity, options = sent.submission.content.validity, self._faults.course_options
        return course_of(sent.msisdn, self._seed, validity, options)

    def state(self, sent: SentMessage) -> CourseState:
        """The current state of `sent`."""
        return state_at(self.course(sent), self.age(sent), sent.viber_price, sent.sms_price)

    # Look up messages

    def by_reference(self, reference: str) -> SentMessage | None:
        return self._by_reference.get(reference)

    def by_id(self, gateway_id: str) -> SentMessage | None:
        if not re.fullmatch("[0-9]{1,12}", gateway_id):
            return None
        number = int(gateway_id) - FIRST_ID
        return self.messages[number] if 0 <= number < len(self.messages) else None

    def tally(self) -> Totals:
        """The totals of all messages; those in their final state are added up only once."""
        with self._tally_lock:
            count = len(self.messages)
            unsettled, still_open = self._open + self.messages[self._tallied : count], []
            current = Totals()
            for sent in unsettled:
                course, age = self.course(sent), self.age(sent)
                over = age > course.over(bool(sent.submission.content.parts))
                state = state_at(course, age, sent.viber_price, sent.sms_price)
                (self._settled if over else current).add(sent, state)
                if not over:
                    still_open.append(sent)
            self._open, self._tallied = still_open, count
            return _sum(self._settled, current)

    def tally_of(self, messages: Iterable[SentMessage]) -> Totals:
        tally = Totals()
        for sent in messages:
            tally.add(sent, self.state(sent))
        return tally

    def phones(self) -> Counter[str]:
        """How many messages each phone got."""
        with self._tally_lock:
            count = len(self.messages)
            self._phones.update(sent.msisdn for sent in self.messages[self._counted : count])
            self._counted = count
            return self._phones

    def balance(self) -> Decimal:
        return self._funds - self.tally().total()

    def set_balance(self, amount: Decimal) -> None:
        """Change the funds so that the account holds `amount` now."""
        self._funds = amount + self.tally().total()

    # Reset and restart

    def reset(self) -> None:
        """Forget all messages, also those in the journal."""
        with self._lock, self._tally_lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def _apply(self, event: Mapping[str, Any]) -> None:
        """Repeat one event of the journal."""
        if "advance" in event:
            self._advanced += event["advance"]
            return
        self.requests += 1
        for fields in event["messages"]:
            body = fields["body"]
            sms = SmsFallback(*body["sms"]) if body["sms"] else None
            content = self._shared(Content(**body | {"sms": sms}))
            submission = Submission(
                content, fields["text"], event["at"], self._advanced, fields["delay"]
            )
            self._keep_text(submission)
            for msisdn, reference in fields["to"]:
                self._accept(msisdn, reference, submission)


def _event(accepted: list[tuple[Submission, list[SentMessage]]]) -> dict[str, Any]:
    """A create call, as the journal keeps it."""
    return {
        "at": accepted[0][0].accepted_at,
        "messages": [_as_json(submission, sent) for submission, sent in accepted],
    }


def _as_json(submission: Submission, sent: list[SentMessage]) -> dict[str, Any]:
    content = submission.content
    sms = [content.sms.sender, content.sms.text] if content.sms else None
    return {
        "body": content._asdict() | {"sms": sms},
        "text": submission.text,
        "delay": submission.delay,
        "to": [[message.msisdn, message.reference] for message in sent],
    }


def _sum(first: Totals, second: Totals) -> Totals:
    total = first.copy()
    total.statuses += second.statuses
    total.sms_statuses += second.sms_statuses
    for currency, sums in second.money.items():
        total_sums = total.money.setdefault(currency, {"viber": ZERO, "sms": ZERO})
        for channel, amount in sums.items():
            total_sums[channel] += amount
    return total
