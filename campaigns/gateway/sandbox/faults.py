"""Faults on demand: how often a call goes wrong, and in which way.

Shares are in percent of the create calls (`everywhere=1`: of all calls); at most one of them
strikes a call:

    lost            accepted, then the connection is closed without an answer
    lost_before     closed without an answer, and nothing was taken
    http500         HTTP 500, and nothing was taken
    http500_after   accepted, then HTTP 500
    http429         HTTP 429 (with `retry_after` seconds, if that is set)
    error11         error 11, too many messages at the same time
    error5          error 5, unknown error
    bad_json        accepted, answered with broken JSON
    html            accepted, answered with an HTML page
    half            accepted, half of the answer's bytes, then the connection is closed
    missing         accepted, every third entry is left out of the answer
    drip            accepted, the answer comes one byte each fifth of a second

The others:

    slow            percent of calls that take longer by up to `slow_ms` milliseconds (default 1000)
    error8_after    after so many more messages the account is out of funds (error 8); -1: never
    parallel        error 11 for every create call beyond so many at the same time; 0: no limit
    shape           the answer's shape: A or B
    reports_lost    percent of the delivery reports that are never posted
    reports_doubled percent that are posted twice
    reports_late    percent that are posted `late_s` seconds late (default 5)
"""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

CALL_FAULTS = (
    "lost", "lost_before", "http500", "http500_after", "http429", "error11", "error5", "bad_json",
    "html", "half", "missing", "drip",
)  # fmt: skip
NUMBERS = {
    "retry_after": 0.0, "slow": 0.0, "slow_ms": 1000.0, "error8_after": -1.0, "parallel": 0.0,
    "everywhere": 0.0, "reports_lost": 0.0, "reports_doubled": 0.0, "reports_late": 0.0,
    "late_s": 5.0,
}  # fmt: skip
SHAPES = ("A", "B")


@dataclass(frozen=True, slots=True)
class CallFault:
    """What happens to one call: the fault's name ("" for none) and the seconds it takes longer."""

    name: str = ""
    delay: float = 0.0


class Faults:
    """The faults in force. Safe for many threads; with the same seed the same sequence."""

    def __init__(self, seed: int, start: Mapping[str, object] | None = None) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._start: dict[str, float | str] = {}
        self._values: dict[str, float | str] = {}
        self._left: int | None = None
        self._start = read(start or {})
        self.reset()

    def reset(self) -> None:
        """Back to the faults of the start."""
        with self._lock:
            self._random = random.Random(self._seed)  # noqa: S311 - dice, no secret
            self._values = {}
        self.set(self._start)

    def set(self, changes: Mapping[str, object]) -> None:
        """Puts `changes` in force beside what is. Raises ValueError that names what cannot be."""
        values = read(changes)
        with self._lock:
            self._values.update(values)
            if "error8_after" in values:
                after = int(self._number("error8_after"))
                self._left = after if after >= 0 else None

    def clear(self) -> None:
        """No faults at all."""
        with self._lock:
            self._values, self._left = {}, None

    def shown(self) -> dict[str, float | str]:
        with self._lock:
            return dict(self._values)

    def number(self, name: str) -> float:
        with self._lock:
            return self._number(name)

    @property
    def shape(self) -> str:
        return str(self._values.get("shape", "A"))

    def strike(self, is_create: bool) -> CallFault:
        """Casts the dice for one call."""
        with self._lock:
            if not self._values or not (is_create or self._number("everywhere")):
                return CallFault()
            roll, slow, share = (self._random.random() * 100 for _ in range(3))
            delay = (
                share / 100 * self._number("slow_ms") / 1000 if slow < self._number("slow") else 0.0
            )
            for name in CALL_FAULTS:
                roll -= self._number(name)
                if roll < 0:
                    return CallFault(name, delay)
            return CallFault("", delay)

    def happens(self, name: str) -> bool:
        """Casts the dice for something that goes wrong in so many percent of the cases, on its
        own.
        """
        with self._lock:
            share = self._number(name)
            return share > 0 and self._random.random() * 100 < share

    def take_funds(self) -> bool:
        """One more message: whether the account can still pay it."""
        if self._left is None:
            return True
        with self._lock:
            if self._left is not None and self._left > 0:
                self._left -= 1
                return True
            return self._left is None

    def _number(self, name: str) -> float:
        return float(self._values.get(name, NUMBERS.get(name, 0.0)))


def read(changes: Mapping[str, object]) -> dict[str, float | str]:
    """Names and values of faults, checked. Raises ValueError."""
    return {name: _value(name, value) for name, value in changes.items()}


def _value(name: str, value: object) -> float | str:
    if name == "shape":
        if value not in SHAPES:
            raise ValueError("shape is A or B")
        return str(value)
    if name not in CALL_FAULTS and name not in NUMBERS:
        raise ValueError(
            f"no such fault: {name}; there are {', '.join((*CALL_FAULTS, *NUMBERS, 'shape'))}"
        )
    try:
        return float(str(value))
    except ValueError as error:
        raise ValueError(f"{name} is a number, not {value!r}") from error
