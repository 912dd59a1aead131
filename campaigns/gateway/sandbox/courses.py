"""What becomes of a message, as a pure function of its phone, the seed and its age.

Nothing has to happen for a message to move on: whoever asks gets the state that its age has brought
it to. So a million messages need no timer, runs with the same seed agree, and a restart changes
nothing.

Of 100 phones, by a hash of the number and the seed: 62 read, 23 are delivered and never read, 10
are no Viber users, 4 expire, 1 is undeliverable. The last four digits of a phone force a life:

    9001 delivered, never read        9005 expired        9009 waiting, expired after its validity
    9002 read                         9006 undeliverable  9010 a status that no document names
    9003 not_viber_user, SMS arrives  9007 rejected       9011 deleted
    9004 not_viber_user, SMS does not 9008 failed         9012 delivered, for half the price

A message that does not arrive costs nothing; with an SMS fallback the SMS goes out then and costs
its parts, whether it arrives or not.
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

UNDOCUMENTED = "teleported"
OUTCOMES = (
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
    """The course of one message: offsets in seconds from its start, and where it ends."""

    outcome: str
    sent: float
    ended: float  # when it arrived or failed
    read: float | None
    sms_ended: float
    sms_arrives: bool
    waiting: str  # its state before it is sent
    half_price: bool = False

    def over(self, has_sms: bool) -> float:
        """The age at which nothing more happens."""
        if has_sms and self.outcome in FALLS_BACK:
            return self.sms_ended
        return self.ended if self.read is None else self.read


class CourseState(NamedTuple):
    """What is true of a message at one moment; prices as charged now. `sms_status` "" means that no
    SMS went out.
    """

    status: str
    viber_price: Decimal
    sms_status: str = ""
    sms_price: Decimal = ZERO


def course_of(msisdn: str, seed: int, validity: int) -> Course:
    """The course that a message to `msisdn` takes."""
    dice = blake2b(f"{seed}:{msisdn}".encode(), digest_size=8).digest()
    forced = msisdn[-4:] if msisdn[-4:] in FORCED else ""
    outcome = FORCED.get(forced) or _outcome((dice[0] * 256 + dice[1]) % 100)
    sent = 0.5 + dice[2] / 170  # to 2 s
    ended = sent + 1 + dice[3] / 51  # 1 to 6 s later
    if outcome == EXPIRED:
        ended = float(validity) if forced == "9009" else max(min(EXPIRY, validity), sent)
    return Course(
        outcome=outcome,
        sent=ended if forced == "9009" else sent,
        ended=ended,
        read=ended + 2 + dice[4] / 6.7 if outcome == READ else None,  # 2 to 40 s later
        sms_ended=ended + 2 + dice[5] / 42,  # 2 to 8 s later
        sms_arrives=forced != "9004" and (forced == "9003" or dice[6] % 20 > 0),
        waiting=WAITING if forced == "9009" else NEW,
        half_price=forced == "9012",
    )


def _outcome(roll: int) -> str:
    return next(outcome for below, outcome in OUTCOMES if roll < below)


def state_at(
    course: Course, age: float, viber_price: Decimal, sms_price: Decimal | None
) -> CourseState:
    """The state at `age` seconds. `sms_price` None means that the message has no SMS fallback."""
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
