"""Faults on demand: how often a call fails, how, and in which form answers come.

docs/sandbox.md, "Faults", lists them.
"""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.gateway.sandbox.courses import FIRST_SMS_STAGES, CourseOptions

MIXED = "mixed"  # another form for each answer, chosen at random from the seed

# Each in percent of the create calls; at most one affects a call.
CALL_FAULTS = (
    "lost", "lost_before", "http500", "http500_after", "http429", "error11", "error5", "bad_json",
    "html", "half", "missing", "drip", "lost_late",
)  # fmt: skip
# Each in percent of the status calls.
STATUS_FAULTS = ("status_lost", "status_http500", "status_http429")
# The other faults with numbers, and their values when they are not set.
NUMBERS = {
    "retry_after": 0.0, "slow": 0.0, "slow_ms": 1000.0, "error8_after": -1.0, "parallel": 0.0,
    "everywhere": 0.0, "reports_lost": 0.0, "reports_doubled": 0.0, "reports_late": 0.0,
    "late_s": 5.0, "lost_late_s": 5.0, "status_seconds": 0.0, "not_found": 0.0,
    "message_error": 0.0, "price_noise": 0.0, "rate": 0.0, "sms_late": 0.0, "viber_charged": 0.0,
    "files_s": 0.0, "files_lists": 0.0, "files_others": 0.0, "files_missing": 0.0,
    "files_wrong_price": 0.0, "files_wrong_status": 0.0,
}  # fmt: skip
# The forms of answers; the first is the usual one.
CHOICES = {
    "shape": ("A", "B"),
    "send_price": ("named", "none", "currency"),
    "status": ("plain",),
    "status_id": ("own", "none", "msisdn"),
    "status_price": ("price", "total_price", "none", "currency"),
    "status_sms": ("alt_route", "both", "messages"),
    "status_spelling": ("plain", "upper", "capitals", "hyphens"),
    "sms_first": FIRST_SMS_STAGES,
    "rate_answer": ("error11", "http429"),
    "files": ("on", "off", "stuck", "failed"),
    "files_shape": ("object", "array"),
    "files_rows": ("documented", "blanks", "strings"),
}
NEVER_MIXED = ("rate_answer", "files")
USUALLY_MIXED = ("files_shape", "files_rows")  # the documents do not say which form comes
NOT_MIXED = {"status_price": ("none", "currency")}  # the final price would never be known
PHONES = ("error5_phone", "http400_phone", "http422_phone")
CURRENCIES = ("currency", "status_currency")
CHANGING, CHANGING_CURRENCIES = "changing", ("EUR", "USD")
NAMES = (*CALL_FAULTS, *STATUS_FAULTS, *NUMBERS, *CHOICES, *PHONES, *CURRENCIES)


@dataclass(frozen=True, slots=True)
class CallFault:
    """What affects one call: a fault ("" for none) and a delay in seconds."""

    name: str = ""
    delay: float = 0.0


class Faults:
    """The faults that are on. Safe for many threads; the same seed gives the same sequence.

    `course_options` are those faults that change what happens to messages.
    """

    def __init__(self, seed: int, start: Mapping[str, object] | None = None) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._start: dict[str, float | str] = {}
        self._values: dict[str, float | str] = {}
        self._payable: int | None = None  # messages until there are no funds; None: no limit
        self._allowance, self._allowance_at = 0.0, 0.0  # recipients of `rate`, monotonic clock
        self.course_options = CourseOptions()
        self._start = read(start or {})
        self.reset()

    def reset(self) -> None:
        """Restore the faults of the start."""
        with self._lock:
            self._random = random.Random(self._seed)  # noqa: S311 - not a secret
            self._values = {}
            self._met: Counter[str] = Counter()
        self.set(self._start)

    def set(self, changes: Mapping[str, object]) -> None:
        """Add `changes` to the faults that are on. Raises ValueError with the reason."""
        values = read(changes)
        with self._lock:
            self._values.update(values)
            if "error8_after" in values:
                after = int(self._number("error8_after"))
                self._payable = after if after >= 0 else None
            if "rate" in values:
                self._allowance, self._allowance_at = self._number("rate"), time.monotonic()
            self._set_course_options()

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._values, self._payable = {}, None
            self._set_course_options()

    def shown(self) -> dict[str, float | str]:
        """The faults that are on, with their values."""
        with self._lock:
            return dict(self._values)

    def met(self) -> dict[str, int]:
        """How many calls each fault, or each form of a mixed one, has affected."""
        with self._lock:
            return dict(sorted(self._met.items()))

    def number(self, name: str) -> float:
        """The value of a fault."""
        with self._lock:
            return self._number(name)

    def text(self, name: str) -> str:
        """A phone of PHONES or a currency of CURRENCIES; "" if it is not set."""
        return str(self._values.get(name, ""))

    def choice(self, name: str) -> str:
        """The form of the next answer: one of CHOICES[name]."""
        value = self._values.get(name)
        if value is None and name.startswith("status_") and self._values.get("status") == MIXED:
            value = MIXED
        if value is None and name in USUALLY_MIXED:
            value = MIXED
        if value is None:
            return CHOICES[name][0]
        if value != MIXED:
            return str(value)
        forms = [form for form in CHOICES[name] if form not in NOT_MIXED.get(name, ())]
        with self._lock:
            form = self._random.choice(forms)
            self._met[f"{name}={form}"] += 1
            return form

    def currency(self, name: str, usual: str) -> str:
        """The currency of the next answer, `usual` if the fault `name` is not on."""
        value = self.text(name)
        if value != CHANGING:
            return value or usual
        with self._lock:
            return self._random.choice(CHANGING_CURRENCIES)

    def choose(self, is_create: bool, is_status: bool = False) -> CallFault:
        """Choose at random what affects one call."""
        with self._lock:
            anywhere = is_create or self._number("everywhere")
            if not self._values or not (anywhere or is_status):
                return CallFault()
            names = (*(CALL_FAULTS if anywhere else ()), *(STATUS_FAULTS if is_status else ()))
            which, slow, share = (self._random.random() * 100 for _ in range(3))
            delay = self._number("status_seconds") if is_status else 0.0
            if anywhere and slow < self._number("slow"):
                delay += share / 100 * self._number("slow_ms") / 1000
            for name in names:
                which -= self._number(name)
                if which < 0:
                    self._met[name] += 1
                    return CallFault(name.removeprefix("status_"), delay)
            return CallFault("", delay)

    def happens(self, name: str) -> bool:
        """Whether a fault happens now that is set in percent, apart from those of calls."""
        with self._lock:
            share = self._number(name)
            return share > 0 and self._random.random() * 100 < share

    def take_funds(self) -> bool:
        """Whether the account can pay one more message, by `error8_after`."""
        if self._payable is None:
            return True
        with self._lock:
            if self._payable is not None and self._payable > 0:
                self._payable -= 1
                return True
            return self._payable is None

    def take_rate(self, recipients: int) -> bool:
        """Whether the account may send to so many recipients now, by `rate` of them a second.

        A request that is larger than a second's worth waits for a whole second, and then for its
        rest afterwards.
        """
        with self._lock:
            rate, now = self._number("rate"), time.monotonic()
            if not rate:
                return True
            elapsed, self._allowance_at = now - self._allowance_at, now
            self._allowance = min(rate, self._allowance + elapsed * rate)
            if self._allowance < min(recipients, rate):
                return False
            self._allowance -= recipients
            return True

    def _number(self, name: str) -> float:
        return float(self._values.get(name, NUMBERS.get(name, 0.0)))

    def _set_course_options(self) -> None:
        self.course_options = CourseOptions(
            self._number("sms_late"),
            str(self._values.get("sms_first", CHOICES["sms_first"][0])),
            self._number("viber_charged"),
        )


def read(changes: Mapping[str, object]) -> dict[str, float | str]:
    """The faults in `changes` with their values. Raises ValueError."""
    return {name: _value(name, value) for name, value in changes.items()}


def _value(name: str, value: object) -> float | str:
    if name not in NAMES:
        raise ValueError(f"no such fault: {name}; choose from {', '.join(NAMES)}")
    if name in CHOICES:
        return _choice(name, value)
    if name in PHONES:
        if not re.fullmatch("[0-9]{0,20}", str(value)):
            raise ValueError(f"{name} must be a phone in digits, not {value!r}")
        return str(value)
    if name in CURRENCIES:
        if value != CHANGING and not re.fullmatch("([A-Z]{3})?", str(value)):
            raise ValueError(f"{name} must be three capital letters or {CHANGING}, not {value!r}")
        return str(value)
    try:
        return float(str(value))
    except ValueError as error:
        raise ValueError(f"{name} must be a number, not {value!r}") from error


def _choice(name: str, value: object) -> str:
    allowed = CHOICES[name] if name in NEVER_MIXED else (*CHOICES[name], MIXED)
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)
