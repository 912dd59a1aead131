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


class Course(NamedTuple):
    """What happens to one message when; all times are seconds since it was due."""

    outcome: str  # its final status
    sent: float
    ended: float  # when it arrived or failed
    read: float | None
    sms_ended: float
    sms_arrives: bool
    waiting: str  # its status before it is sent
    half_price: bool = False

    def over(self, has_sms: bool) -> float:
        """The age at which nothing more happens."""
        if has_sms and self.outcome in FALLS_BACK:
            return self.sms_ended
        return self.ended if self.read is None else self.read


class CourseState(NamedTuple):
    """Statuses and prices of a message at one moment. `sms_status` "": no SMS was sent."""

    status: str
    viber_price: Decimal
    sms_status: str = ""
    sms_price: Decimal = ZERO


def course_of(msisdn: str, seed: int, validity: int) -> Course:
    """What happens to a message to `msisdn` with `validity` in seconds."""
    digest = blake2b(f"{seed}:{msisdn}".encode(), digest_size=8).digest()
    forced = msisdn[-4:] if msisdn[-4:] in FORCED else ""
    outcome = FORCED.get(forced) or _outcome((digest[0] * 256 + digest[1]) % 100)
    sent = 0.5 + digest[2] / 170  # to 2 s
    ended = sent + 1 + digest[3] / 51  # 1 to 6 s later
    if outcome == EXPIRED:
        ended = float(validity) if forced == "9009" else max(min(EXPIRY, validity), sent)
    return Course(
        outcome=outcome,
        sent=ended if forced == "9009" else sent,
        ended=ended,
        read=ended + 2 + digest[4] / 6.7 if outcome == READ else None,  # 2 to 40 s later
        sms_ended=ended + 2 + digest[5] / 42,  # 2 to 8 s later
        sms_arrives=forced != "9004" and (forced == "9003" or digest[6] % 20 > 0),
        waiting=WAITING if forced == "9009" else NEW,
        half_price=forced == "9012",
    )


def _outcome(number: int) -> str:
    return next(outcome for below, outcome in OUTCOMES if number < below)


def state_at(
    course: Course, age: float, viber_price: Decimal, sms_price: Decimal | None
) -> CourseState:
    """The state at the age of `age` seconds. `sms_price` None: there is no SMS fallback.

    A message that does not arrive costs nothing. Then the SMS is sent, and costs its price whether
    it arrives or not.
    """
    if age < course.sent:
        return CourseState(SCHEDULED if age < 0 else course.waiting, viber_price)
    if age < course.ended:
        return CourseState(SENT, viber_price)
    if course.outcome in ARRIVES:
        was_read = course.read is not None and age >= course.read
        arrived = DELIVERED if course.outcome == READ and not was_read else course.outcome
        return CourseState(arrived, _half(viber_price) if course.half_price else viber_price)
    if sms_price is None or course.outcome not in FALLS_BACK:
        return CourseState(course.outcome, ZERO)
    sms_outcome = DELIVERED if course.sms_arrives else UNDELIVERABLE
    return CourseState(
        course.outcome, ZERO, sms_outcome if age >= course.sms_ended else SENT, sms_price
    )


def _half(price: Decimal) -> Decimal:
    return (price / 2).quantize(Decimal("0.0000001"))
