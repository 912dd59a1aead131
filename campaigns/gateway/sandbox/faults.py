"""Faults on demand: how often a call fails, and how. docs/sandbox.md, "Faults", lists them."""

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

# Each in percent of the create calls; at most one affects a call.
CALL_FAULTS = (
    "lost", "lost_before", "http500", "http500_after", "http429", "error11", "error5", "bad_json",
    "html", "half", "missing", "drip",
)  # fmt: skip
# The other faults with numbers, and their values when they are not set.
NUMBERS = {
    "retry_after": 0.0, "slow": 0.0, "slow_ms": 1000.0, "error8_after": -1.0, "parallel": 0.0,
    "everywhere": 0.0, "reports_lost": 0.0, "reports_doubled": 0.0, "reports_late": 0.0,
    "late_s": 5.0,
}  # fmt: skip
SHAPES = ("A", "B")


@dataclass(frozen=True, slots=True)
class CallFault:
    """What affects one call: a fault ("" for none) and a delay in seconds."""

    name: str = ""
    delay: float = 0.0


class Faults:
    """The faults that are on. Safe for many threads; the same seed gives the same sequence."""

    def __init__(self, seed: int, start: Mapping[str, object] | None = None) -> None:
        self._lock = threading.Lock()
        self._seed = seed
        self._start: dict[str, float | str] = {}
        self._values: dict[str, float | str] = {}
        self._payable: int | None = None  # messages until there are no funds; None: no limit
        self._start = read(start or {})
        self.reset()

    def reset(self) -> None:
        """Restore the faults of the start."""
        with self._lock:
            self._random = random.Random(self._seed)  # noqa: S311 - not a secret
            self._values = {}
        self.set(self._start)

    def set(self, changes: Mapping[str, object]) -> None:
        """Add `changes` to the faults that are on. Raises ValueError with the reason."""
        values = read(changes)
        with self._lock:
            self._values.update(values)
            if "error8_after" in values:
                after = int(self._number("error8_after"))
                self._payable = after if after >= 0 else None

    def clear(self) -> None:
        """Switch all faults off."""
        with self._lock:
            self._values, self._payable = {}, None

    def shown(self) -> dict[str, float | str]:
        """The faults that are on, with their values."""
        with self._lock:
            return dict(self._values)

    def number(self, name: str) -> float:
        """The value of a fault."""
        with self._lock:
            return self._number(name)

    @property
    def shape(self) -> str:
        return str(self._values.get("shape", "A"))

    def choose(self, is_create: bool) -> CallFault:
        """Choose at random what affects one call."""
        with self._lock:
            if not self._values or not (is_create or self._number("everywhere")):
                return CallFault()
            which, slow, share = (self._random.random() * 100 for _ in range(3))
            delay = (
                share / 100 * self._number("slow_ms") / 1000 if slow < self._number("slow") else 0.0
            )
            for name in CALL_FAULTS:
                which -= self._number(name)
                if which < 0:
                    return CallFault(name, delay)
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

    def _number(self, name: str) -> float:
        return float(self._values.get(name, NUMBERS.get(name, 0.0)))


def read(changes: Mapping[str, object]) -> dict[str, float | str]:
    """The faults in `changes` with their values. Raises ValueError."""
    return {name: _value(name, value) for name, value in changes.items()}


def _value(name: str, value: object) -> float | str:
    if name == "shape":
        if value not in SHAPES:
            raise ValueError("shape must be A or B")
        return str(value)
    if name not in CALL_FAULTS and name not in NUMBERS:
        raise ValueError(
            f"no such fault: {name}; choose from {', '.join((*CALL_FAULTS, *NUMBERS, 'shape'))}"
        )
    try:
        return float(str(value))
    except ValueError as error:
        raise ValueError(f"{name} must be a number, not {value!r}") from error
