"""What happens to a message: a pure function of its phone, the seed and its age.

The state of a message follows from its age whenever somebody asks. So a million messages need no
timer, runs with the same seed agree, and a restart changes nothing.

OUTCOMES are chosen by a hash of phone and seed; FORCED by the last four digits of the phone. Both
are described in docs/sandbox.md, "What happens to a message".
"""

from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

from campaigns.gateway.statuses import (
    DELETED,
    DELIVERED,
    EXPIRED,
    FAILED,
    NEW,
    NOT_VIBER_USER,
    READ,
    REJECTED,
    SCHEDULED,
    SENT,
    UNDELIVERABLE,
    WAITING,
)

UNDOCUMENTED = "teleported"  # a status that the contract does not have
OUTCOMES = (  # (below this hash of 0 to 99, the final status)
    (62, READ),
    (85, DELIVERED),
    (95, NOT_VIBER_USER),
    (99, EXPIRED),
    (100, UNDELIVERABLE),
)
FORCED = {
    "9001": DELIVERED, "9002": READ, "9003": NOT_VIBER_USER, "9004": NOT_VIBER_USER,
    "9005": EXPIRED, "9006": UNDELIVERABLE, "9007": REJECTED, "9008": FAILED,
    "9009": EXPIRED, "9010": UNDOCUMENTED, "9011": DELETED, "9012": DELIVERED,
}  # fmt: skip
ARRIVES = frozenset({DELIVERED, READ, UNDOCUMENTED})
FALLS_BACK = frozenset({NOT_VIBER_USER, EXPIRED, UNDELIVERABLE})
EXPIRY = 45.0  # seconds at pace 1, or the validity if that is shorter
ZERO = Decimal(0)
# How an SMS first appears: sent and priced, scheduled without a price, priced without a status.
FIRST_SMS_STAGES = ("sent", "scheduled", "priced")
FIRST_STAGE = 1.0  # seconds


class CourseOptions(NamedTuple):
    """Faults that change what happens to messages (docs/sandbox.md, "Faults").

    `sms_late` is in seconds after Viber's end, `viber_charged` in percent of the phones that the
    message does not reach; `sms_first` is one of FIRST_SMS_STAGES, or "mixed".
    """

    sms_late: float = 0.0
    sms_first: str = "sent"
    viber_charged: float = 0.0


USUAL = CourseOptions()


class Course(NamedTuple):
    """What happens to one message when; all times are seconds since it was due."""

    outcome: str  # its final status
    sent: float
    ended: float  # when it arrived or failed
    read: float | None
    sms_starts: float  # when the SMS appears
    sms_sent: float  # when its first stage ends
    sms_ended: float
    sms_arrives: bool
    waiting: str  # its status before it is sent
    half_price: bool = False
    sms_first: str = "sent"
    stays_charged: bool = False  # although it did not arrive

    def over(self, has_sms: bool) -> float:
        """The age at which nothing more happens."""
        if has_sms and self.outcome in FALLS_BACK:
            return self.sms_ended
        return self.ended if self.read is None else self.read


class CourseState(NamedTuple):
    """Statuses and prices of a message at one moment.

    `sms_status` None: there is no SMS; "": its status is not named yet. `sms_price` None: its price
    is not named yet, or there is no SMS.
    """

    status: str
    viber_price: Decimal
    sms_status: str | None = None
    sms_price: Decimal | None = None


def course_of(msisdn: str, seed: int, validity: int, options: CourseOptions = USUAL) -> Course:
    """What happens to a message to `msisdn` with `validity` in seconds."""
    digest = blake2b(f"{seed}:{msisdn}".encode(), digest_size=8).digest()
    forced = msisdn[-4:] if msisdn[-4:] in FORCED else ""
    outcome = FORCED.get(forced) or _outcome((digest[0] * 256 + digest[1]) % 100)
    sent = 0.5 + digest[2] / 170  # to 2 s
    ended = sent + 1 + digest[3] / 51  # 1 to 6 s later
    if outcome == EXPIRED:
        ended = float(validity) if forced == "9009" else max(min(EXPIRY, validity), sent)
    sms_starts = ended + options.sms_late
    first = options.sms_first
    if first not in FIRST_SMS_STAGES:
        first = FIRST_SMS_STAGES[digest[7] % len(FIRST_SMS_STAGES)]
    return Course(
        outcome=outcome,
        sent=ended if forced == "9009" else sent,
        ended=ended,
        read=ended + 2 + digest[4] / 6.7 if outcome == READ else None,  # 2 to 40 s later
        sms_starts=sms_starts,
        sms_sent=sms_starts if first == "sent" else sms_starts + FIRST_STAGE,
        sms_ended=sms_starts + 2 + digest[5] / 42,  # 2 to 8 s later
        sms_arrives=forced != "9004" and (forced == "9003" or digest[6] % 20 > 0),
        waiting=WAITING if forced == "9009" else NEW,
        half_price=forced == "9012",
        sms_first=first,
        stays_charged=digest[7] * 100 / 256 < options.viber_charged,
    )


def _outcome(number: int) -> str:
    return next(outcome for below, outcome in OUTCOMES if number < below)


def state_at(
    course: Course, age: float, viber_price: Decimal, sms_price: Decimal | None
) -> CourseState:
    """The state at the age of `age` seconds. `sms_price` None: there is no SMS fallback.

    A message that does not arrive costs nothing, unless it stays charged. Then the SMS is sent, and
    costs its price whether it arrives or not.
    """
    if age < course.sent:
        return CourseState(SCHEDULED if age < 0 else course.waiting, viber_price)
    if age < course.ended:
        return CourseState(SENT, viber_price)
    if course.outcome in ARRIVES:
        was_read = course.read is not None and age >= course.read
        arrived = DELIVERED if course.outcome == READ and not was_read else course.outcome
        return CourseState(arrived, _half(viber_price) if course.half_price else viber_price)
    viber_price = viber_price if course.stays_charged else ZERO
    if sms_price is None or course.outcome not in FALLS_BACK or age < course.sms_starts:
        return CourseState(course.outcome, viber_price)
    return CourseState(course.outcome, viber_price, *_sms_state(course, age, sms_price))


def _sms_state(course: Course, age: float, price: Decimal) -> tuple[str, Decimal | None]:
    """Status and price of an SMS that exists."""
    if age < course.sms_sent:
        return (SCHEDULED, None) if course.sms_first == "scheduled" else ("", price)
    if age < course.sms_ended:
        return SENT, price
    return (DELIVERED if course.sms_arrives else UNDELIVERABLE), price


def _half(price: Decimal) -> Decimal:
    return (price / 2).quantize(Decimal("0.0000001"))
