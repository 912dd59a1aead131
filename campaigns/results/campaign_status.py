"""The status of a campaign in numbers, for pages and commands."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from campaigns.compose.launch import pause_reasons
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import SendState, Snapshot, Tally
from campaigns.ledger.sums import spend_of
from campaigns.shared.money import ZERO, exact

PENDING = "pending"  # the key of accepted recipients without a status


@dataclass(slots=True)
class RecipientCounts:
    """Recipients by state.

    `recipients` is the sum of queued, accepted, refused, unresolved and cancelled.
    """

    recipients: int = 0
    queued: int = 0
    accepted: int = 0
    # by error code; 0: refused by ViberDash
    refused: dict[int, int] = field(default_factory=dict)
    unresolved: int = 0
    cancelled: int = 0
    delivery: dict[str, int] = field(default_factory=dict)  # accepted recipients, by DeliveryState
    # refused and cancelled recipients, by our own reason
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def refused_total(self) -> int:
        """Refused recipients, for whatever reason."""
        return sum(self.refused.values())

    @property
    def settled(self) -> int:
        """Recipients in a final send state."""
        return self.recipients - self.queued


def counts(campaign: Campaign) -> RecipientCounts:
    """The counts of a campaign, from its tally; no recipient is read."""
    counted = RecipientCounts(recipients=_recipients(campaign))
    tally = Tally.objects.filter(campaign=campaign).values_list(
        "send_state", "error_code", "reason", "delivery_state"
    )
    delivery: defaultdict[str, int] = defaultdict(int)
    for send_state, code, reason, delivery_state, number in tally.annotate(
        number=Sum("recipients")
    ):
        if send_state == SendState.ACCEPTED:
            counted.accepted += number
            delivery[delivery_state] += number
        elif send_state == SendState.REFUSED:
            counted.refused[code] = counted.refused.get(code, 0) + number
        elif send_state == SendState.UNRESOLVED:
            counted.unresolved += number
        elif send_state == SendState.CANCELLED:
            counted.cancelled += number
        if reason and number:
            counted.reasons[reason] = counted.reasons.get(reason, 0) + number
    counted.delivery = {state or PENDING: number for state, number in delivery.items() if number}
    counted.queued = (
        counted.recipients
        - counted.accepted
        - counted.refused_total
        - counted.unresolved
        - counted.cancelled
    )
    return counted


def _recipients(campaign: Campaign) -> int:
    if campaign.audience is not None:
        return campaign.audience
    return Snapshot.objects.filter(campaign=campaign).values_list("left", flat=True).first() or 0


def spend(campaign: Campaign) -> dict[str, dict[str, Decimal]]:
    """What the campaign has cost so far: currency -> {"viber", "sms", "total"}."""
    costs = {}
    for currency, channels in spend_of(campaign.pk).items():
        costs[currency] = {name: channels.get(name, ZERO) for name in ("viber", "sms")}
        costs[currency]["total"] = sum(channels.values(), ZERO)
    return costs


def status(campaign: Campaign) -> dict[str, Any]:
    """The output of `manage.py campaign status`: numbers, and amounts as decimal strings."""
    counted = counts(campaign)
    return {
        "state": campaign.state,
        "reason": pause_reasons.reason_text(campaign),
        "recipients": counted.recipients,
        "queued": counted.queued,
        "accepted": counted.accepted,
        "refused": {
            str(code): number for code, number in sorted(counted.refused.items()) if number
        },
        "unresolved": counted.unresolved,
        "cancelled": counted.cancelled,
        "delivery": counted.delivery,
        "spend": {
            currency: {name: exact(amount) for name, amount in channels.items()}
            for currency, channels in spend(campaign).items()
        },
    }
