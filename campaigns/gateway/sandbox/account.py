"""The account: what was accepted, what it costs, and how far its messages have come."""

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
TEXTS_KEPT = 16 * 1024 * 1024  # characters of texts, all together; the oldest are forgotten beyond
BODIES_SHARED = 10_000
OVERDRAFT_LIMIT = Decimal(10)


class Submission:
    """One message of one request: what its recipients have in common. `body` is shared by those
    that are alike.
    """

    __slots__ = ("accepted_at", "advanced", "body", "delay", "text")

    def __init__(
        self, body: "Content", text: str, accepted_at: float, advanced: float, delay: float = 0.0
    ) -> None:
        self.body = body
        self.text = text
        self.accepted_at = accepted_at  # wall clock, seconds
        self.advanced = advanced  # how far the lives' clock had been moved by hand
        self.delay = delay  # seconds from there until it is due


class Content(NamedTuple):
    """A message without its text and its recipients."""

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

    @property
    def currency(self) -> str:
        return prices.CURRENCIES[self.tariff]


def content_of(message: Message, tariff: int, validity: int) -> Content:
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
    )


class SentMessage:
    """One accepted message to one phone."""

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
        return prices.viber_price(self.msisdn, self.submission.body.tariff)

    @property
    def sms_price(self) -> Decimal | None:
        """All parts of the SMS fallback together, None without one."""
        body = self.submission.body
        return prices.sms_price(self.msisdn, body.tariff) * body.parts if body.parts else None


class CreateOutcome:
    """What became of one recipient of a create call: `sent`, or `refused`."""

    __slots__ = ("price", "reference", "refused", "sent")

    def __init__(
        self, reference: str, sent: SentMessage | None, price: Decimal, refused: Refusal | None
    ) -> None:
        self.reference = reference
        self.sent = sent
        self.price = price
        self.refused = refused


class Totals:
    """Counts and exact sums of messages in their present state."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.sms_statuses: Counter[str] = Counter()
        self.money: dict[str, dict[str, Decimal]] = {}

    def add(self, sent: SentMessage, state: CourseState) -> None:
        self.statuses[state.status] += 1
        if state.sms_status:
            self.sms_statuses[state.sms_status] += 1
        sums = self.money.setdefault(sent.submission.body.currency, {"viber": ZERO, "sms": ZERO})
        sums["viber"] += state.viber_price
        sums["sms"] += state.sms_price

    def copy(self) -> "Totals":
        other = Totals()
        other.statuses, other.sms_statuses = self.statuses.copy(), self.sms_statuses.copy()
        other.money = {currency: dict(sums) for currency, sums in self.money.items()}
        return other

    def total(self) -> Decimal:
        return sum((sums["viber"] + sums["sms"] for sums in self.money.values()), ZERO)


class Account:
    """The memory of the sandbox. Safe for many threads; the lives' clock runs at `pace` times the
    wall clock.
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
        self._worst = ZERO  # no less than what the messages can come to cost
        self._funds = self._opening
        self._bodies: dict[Content, Content] = {}
        self._texts: deque[Submission] = deque()
        self._texts_size = 0
        self._settled = Totals()
        # not yet at the end of their lives, of the first `_tallied` messages
        self._open: list[SentMessage] = []
        self._tallied = 0
        self._phones: Counter[str] = Counter()
        self._counted = 0

    # Taking messages

    def create(self, read: ReadRequest) -> list[CreateOutcome]:
        """Judges each recipient and takes the good ones. Raises RefusedWhole when there are no
        funds at all.
        """
        with self._lock:
            self.requests += 1
            now = time.time()
            outcomes: list[CreateOutcome] = []
            phones: set[str] = set()
            taken: list[tuple[Submission, list[SentMessage]]] = []
            for message, refusal in zip(read.request.messages, read.refusals, strict=True):
                body = self._shared(content_of(message, read.request.tariff, read.request.validity))
                scheduled = message.scheduled_at
                delay = max(0.0, scheduled.timestamp() - now) if scheduled else 0.0
                submission = Submission(body, message.text, now, self._advanced, delay)
                sent_here: list[SentMessage] = []
                for address in message.to:
                    outcome = self._judge(address, submission, refusal, phones)
                    outcomes.append(outcome)
                    if outcome.sent:
                        sent_here.append(outcome.sent)
                if sent_here:
                    self._keep_text(submission)
                    taken.append((submission, sent_here))
            self._count_refusals(outcomes)
            if taken and self._journal:
                self._journal.write(_event(taken))
        return outcomes

    def _judge(
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
        sent = self._take(address.msisdn, address.reference, submission)
        return CreateOutcome(address.reference, sent, sent.viber_price, None)

    def _memory_breach(self, address: Address, submission: Submission) -> int:
        if address.reference in self._by_reference:
            return 43
        if (
            not self._can_pay(prices.viber_price(address.msisdn, submission.body.tariff))
            or not self._faults.take_funds()
        ):
            return 8
        return 0

    def _can_pay(self, price: Decimal) -> bool:
        limit = self._funds + OVERDRAFT_LIMIT
        return self._worst + price <= limit or self.tally().total() + price <= limit

    def _take(self, msisdn: str, reference: str, submission: Submission) -> SentMessage:
        sent = SentMessage(len(self.messages), msisdn, reference, submission)
        self.messages.append(sent)
        if reference:
            self._by_reference[reference] = sent
        self._worst += max(sent.viber_price, sent.sms_price or ZERO)
        return sent

    def _count_refusals(self, outcomes: list[CreateOutcome]) -> None:
        self.refused.update(outcome.refused.code for outcome in outcomes if outcome.refused)
        first = outcomes[0].refused
        if first and first.code == 8 and all(o.refused and o.refused.code == 8 for o in outcomes):
            raise RequestRefused(8, first.description)

    def _shared(self, body: Content) -> Content:
        """The one that was kept of those that are alike: personal texts mostly share everything
        else.
        """
        if len(self._bodies) >= BODIES_SHARED:
            self._bodies.clear()
        return self._bodies.setdefault(body, body)

    def _keep_text(self, submission: Submission) -> None:
        """Personal texts of a million people would fill the memory: the oldest are given up."""
        self._texts.append(submission)
        self._texts_size += len(submission.text)
        while self._texts_size > TEXTS_KEPT:
            oldest = self._texts.popleft()
            self._texts_size -= len(oldest.text)
            oldest.text = ""

    # The lives' clock

    def advance(self, seconds: float) -> None:
        """Moves the lives' clock on. Raises ValueError for a step backwards."""
        if not 0 <= seconds < 1e9:
            raise ValueError("the clock moves forward only")
        with self._lock:
            self._advanced += seconds
            if self._journal:
                self._journal.write({"advance": seconds})

    def settle(self) -> None:
        """Moves the clock to where every message is at the end of its life."""
        with self._tally_lock:
            self.tally()
            left = (
                self.course(sent).over(bool(sent.submission.body.parts)) - self.age(sent)
                for sent in self._open
            )
            longest = max(left, default=0.0)
        self.advance(max(longest, 0.0) + 1.0)

    def clock(self) -> float:
        """The lives' clock, in seconds."""
        return time.time() * self._pace + self._advanced

    def age(self, sent: SentMessage) -> float:
        """Seconds of the lives' clock since `sent` was due; negative while it is scheduled."""
        submission = sent.submission
        elapsed = (time.time() - submission.accepted_at) * self._pace
        return elapsed + self._advanced - submission.advanced - submission.delay

    def course(self, sent: SentMessage) -> Course:
        return course_of(sent.msisdn, self._seed, sent.submission.body.validity)

    def state(self, sent: SentMessage) -> CourseState:
        """What is true of `sent` now."""
        return state_at(self.course(sent), self.age(sent), sent.viber_price, sent.sms_price)

    # Asking

    def by_reference(self, reference: str) -> SentMessage | None:
        return self._by_reference.get(reference)

    def by_id(self, gateway_id: str) -> SentMessage | None:
        if not re.fullmatch("[0-9]{1,12}", gateway_id):
            return None
        number = int(gateway_id) - FIRST_ID
        return self.messages[number] if 0 <= number < len(self.messages) else None

    def tally(self) -> Totals:
        """All messages in their present state. Those at the end of their lives are summed up once
        and for all.
        """
        with self._tally_lock:
            upto = len(self.messages)
            asked, still_open = self._open + self.messages[self._tallied : upto], []
            present = Totals()
            for sent in asked:
                course, age = self.course(sent), self.age(sent)
                over = age > course.over(bool(sent.submission.body.parts))
                state = state_at(course, age, sent.viber_price, sent.sms_price)
                (self._settled if over else present).add(sent, state)
                if not over:
                    still_open.append(sent)
            self._open, self._tallied = still_open, upto
            return _sum(self._settled, present)

    def tally_of(self, messages: Iterable[SentMessage]) -> Totals:
        tally = Totals()
        for sent in messages:
            tally.add(sent, self.state(sent))
        return tally

    def phones(self) -> Counter[str]:
        """How many messages each phone got."""
        with self._tally_lock:
            upto = len(self.messages)
            self._phones.update(sent.msisdn for sent in self.messages[self._counted : upto])
            self._counted = upto
            return self._phones

    def balance(self) -> Decimal:
        return self._funds - self.tally().total()

    def set_balance(self, amount: Decimal) -> None:
        """Tops the account up (or down) so that it holds `amount` now."""
        self._funds = amount + self.tally().total()

    # Forgetting and remembering

    def reset(self) -> None:
        with self._lock, self._tally_lock:
            self._forget()
            if self._journal:
                self._journal.clear()

    def _apply(self, event: Mapping[str, Any]) -> None:
        """One event of the journal, as it was when it was written."""
        if "advance" in event:
            self._advanced += event["advance"]
            return
        self.requests += 1
        for fields in event["messages"]:
            named = fields["body"]
            sms = SmsFallback(*named["sms"]) if named["sms"] else None
            body = self._shared(Content(**named | {"sms": sms}))
            submission = Submission(
                body, fields["text"], event["at"], self._advanced, fields["delay"]
            )
            self._keep_text(submission)
            for msisdn, reference in fields["to"]:
                self._take(msisdn, reference, submission)


def _event(taken: list[tuple[Submission, list[SentMessage]]]) -> dict[str, Any]:
    """What the journal keeps of a create call."""
    return {
        "at": taken[0][0].accepted_at,
        "messages": [_written(submission, sent) for submission, sent in taken],
    }


def _written(submission: Submission, sent: list[SentMessage]) -> dict[str, Any]:
    body = submission.body
    sms = [body.sms.sender, body.sms.text] if body.sms else None
    return {
        "body": body._asdict() | {"sms": sms},
        "text": submission.text,
        "delay": submission.delay,
        "to": [[one.msisdn, one.reference] for one in sent],
    }


def _sum(one: Totals, other: Totals) -> Totals:
    both = one.copy()
    both.statuses += other.statuses
    both.sms_statuses += other.sms_statuses
    for currency, sums in other.money.items():
        mine = both.money.setdefault(currency, {"viber": ZERO, "sms": ZERO})
        for channel, amount in sums.items():
            mine[channel] += amount
    return both
