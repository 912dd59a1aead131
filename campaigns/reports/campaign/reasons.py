"""The reasons within one state, as chips and as filters of the table of recipients."""

from typing import Any

from campaigns.dispatch.models import DeliveryState
from campaigns.reports.shared.delivery_counts import (
    AWAITING_STATUS,
    BY_SMS,
    DeliveryCounts,
    ReasonCount,
)

SMALLINT_MAX = 32_767
# states that are divided by delivery state instead of by reason
DELIVERY_STEPS = {"accepted": AWAITING_STATUS, "by_sms": BY_SMS}
# keys of recipients.FILTERS
STATES_WITH_REASONS = (*DELIVERY_STEPS, "not_delivered", "refused", "cancelled")


def count_reasons(counts: DeliveryCounts, state: str) -> list[ReasonCount]:
    """Return why recipients are in `state`, or their delivery states; the largest first."""
    if state in DELIVERY_STEPS:
        steps = [
            ReasonCount(counts.deliveries[step], str(step.label), key=step_name(step))
            for step in DELIVERY_STEPS[state]
        ]
        return sorted((step for step in steps if step.number), key=lambda step: -step.number)
    reasons = {
        "not_delivered": counts.undelivered_reasons,
        "refused": counts.refusal_reasons,
        "cancelled": counts.cancellation_reasons,
    }
    return reasons.get(state, [])


def step_name(step: DeliveryState) -> str:
    """Return the value of a delivery state in `?why=`."""
    return step.value or "none"


def reason_conditions(state: str, why: str) -> dict[str, Any]:
    """Return the conditions that select the recipients in `state` for the reason `why`.

    A malformed reason selects nobody.
    """
    if state in DELIVERY_STEPS:
        by_name = {step_name(step): step for step in DELIVERY_STEPS[state]}
        return {"delivery_state": by_name[why]} if why in by_name else {"pk__in": []}
    if state == "not_delivered":
        return {"status": why}
    code, _dot, reason = why.partition(".")
    if not (code.isdecimal() and code.isascii() and len(code) < 6 and int(code) <= SMALLINT_MAX):
        return {"pk__in": []}
    return {"error_code": int(code) or None, "reason": reason}
