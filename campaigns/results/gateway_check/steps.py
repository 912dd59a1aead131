"""The steps of a check: their names, and how they are stored."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from campaigns.gateway.errors import GatewayError, GatewayRefused, error_meaning
from campaigns.results.models import StepState
from campaigns.team import gateway_check

KEY, BALANCE, PRICES, SENDER = "key", "balance", "prices", "sender"
PICTURE, FILES, MESSAGE, REPORTS, STATUS = "picture", "files", "message", "reports", "status"
TITLES: dict[str, str | Promise] = {  # in the order of a check
    KEY: _("Address and key"),
    BALANCE: _("Balance"),
    PRICES: _("Prices"),
    SENDER: _("Sender"),
    PICTURE: _("Image address"),
    MESSAGE: _("Message to your phone"),
    REPORTS: _("Delivery reports"),
    STATUS: _("Status by id and by reference"),
    FILES: _("Statistics files"),
}
# What an administrator does about an error; for the others see gateway/errors.py.
_NEXT_STEPS: dict[int, str | Promise] = {
    1: _("Copy the key from BSG into BSG_API_KEY and restart ViberDash."),
    2: _("Ask BSG why the account is blocked."),
    4: _("Check BSG_API_URL: it normally is https://api.bsg.world/rest."),
    45: _("Ask BSG to register this sender for your account, or choose another one."),
}
# from the most serious to the least
SEVERITY = (
    StepState.FAILED,
    StepState.RUNNING,
    StepState.WARNING,
    StepState.PASSED,
    StepState.NOT_TRIED,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what was seen (`text`), and what to do about it (`next_step`, "" for nothing)."""

    key: str
    state: str
    text: str
    next_step: str = ""

    @property
    def title(self) -> str:
        return str(TITLES[self.key])


def passed(key: str, text: str, next_step: str = "") -> Step:
    return Step(key, StepState.PASSED.value, text, next_step)


def warning(key: str, text: str, next_step: str = "") -> Step:
    return Step(key, StepState.WARNING.value, text, next_step)


def failed(key: str, text: str, next_step: str = "") -> Step:
    return Step(key, StepState.FAILED.value, text, next_step)


def running(key: str, text: str, next_step: str = "") -> Step:
    return Step(key, StepState.RUNNING.value, text, next_step)


def not_tried(key: str, text: str, next_step: str = "") -> Step:
    return Step(key, StepState.NOT_TRIED.value, text, next_step)


def failed_by(key: str, error: GatewayError) -> Step:
    """The step `key` that failed because a call did."""
    problem = gateway_check.explain(error)
    to_do = next_step(error.code) if isinstance(error, GatewayRefused) else str(problem.next_step)
    return failed(key, f"{problem.problem} ({error.why})", to_do)


def next_step(code: int) -> str:
    """What an administrator does about an error code of the gateway."""
    return str(_NEXT_STEPS.get(code) or error_meaning(code).next_step)


def in_order(steps: Iterable[Step]) -> list[Step]:
    """`steps` in the order of a check."""
    positions = {key: position for position, key in enumerate(TITLES)}
    return sorted(steps, key=lambda step: positions[step.key])


def worst(steps: Iterable[Step]) -> str:
    """The most serious state among `steps`; passed if all that were tried passed."""
    states = {step.state for step in steps}
    return next((state.value for state in SEVERITY if state in states), StepState.RUNNING.value)


def to_json(steps: Iterable[Step]) -> list[dict[str, str]]:
    """What is stored of `steps`."""
    return [asdict(step) for step in steps]


def from_json(stored: Iterable[dict[str, Any]]) -> list[Step]:
    """The steps that `to_json` stored."""
    return [Step(**fields) for fields in stored]
