"""Within one state: the reasons, as chips and as filters of the table of recipients."""

from typing import Any

from campaigns.dispatch.models import DeliveryState
from campaigns.reports.shared.outcomes import BY_SMS, OPEN, Outcome, Share

SMALLINT_MAX = 32_767
STEPS = {"accepted": OPEN, "by_sms": BY_SMS}  # here not why, but how far
EXPLAINED = (*STEPS, "not_delivered", "refused", "cancelled")  # keys of recipients.FILTERS


def reasons(outcome: Outcome, state: str) -> list[Share]:
    """Why people are in `state`, or how far on the way. Most people first."""
    if state in STEPS:
        steps = [
            Share(outcome.deliveries[step], str(step.label), why=step_name(step))
            for step in STEPS[state]
        ]
        return sorted((step for step in steps if step.number), key=lambda step: -step.number)
    shares = {
        "not_delivered": outcome.undelivered_shares,
        "refused": outcome.refused_shares,
        "cancelled": outcome.cancelled_shares,
    }
    return shares.get(state, [])


def step_name(step: DeliveryState) -> str:
    """Its value in `?why=`."""
    return step.value or "none"


def columns(state: str, why: str) -> dict[str, Any]:
    """What the columns of a recipient are who is in `state` for this reason; nobody's where it is
    malformed.
    """
    if state in STEPS:
        named = {step_name(step): step for step in STEPS[state]}
        return {"delivery_state": named[why]} if why in named else {"pk__in": []}
    if state == "not_delivered":
        return {"status": why}
    code, _dot, reason = why.partition(".")
    if not (code.isdecimal() and code.isascii() and len(code) < 6 and int(code) <= SMALLINT_MAX):
        return {"pk__in": []}
    return {"error_code": int(code) or None, "reason": reason}
