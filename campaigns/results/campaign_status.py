"""Where a campaign stands, in numbers: one reading for pages and commands."""

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

PENDING = "pending"  # accepted, and no status known yet


@dataclass(slots=True)
class Counts:
    """Recipients by where they stand; `recipients` is the sum of queued, accepted, refused,
    unresolved, cancelled.
    """

    recipients: int = 0
    queued: int = 0
    accepted: int = 0
    # by the gateway's code; 0: refused by ourselves
    refused: dict[int, int] = field(default_factory=dict)
    unresolved: int = 0
    cancelled: int = 0
    delivery: dict[str, int] = field(default_factory=dict)  # accepted ones, by DeliveryState
    # refused and cancelled for reasons of our own
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def refused_total(self) -> int:
        return sum(self.refused.values())

    @property
    def settled(self) -> int:
        """Recipients in a final send state."""
        return self.recipients - self.queued


def counts(campaign: Campaign) -> Counts:
    """The counts of a campaign, from its tally: nothing is scanned."""
    found = Counts(recipients=_recipients(campaign))
    tally = Tally.objects.filter(campaign=campaign).values_list(
        "send_state", "error_code", "reason", "delivery_state"
    )
    delivery: defaultdict[str, int] = defaultdict(int)
    for state, code, reason, delivered, people in tally.annotate(people=Sum("recipients")):
        if state == SendState.ACCEPTED:
            found.accepted += people
            delivery[delivered] += people
        elif state == SendState.REFUSED:
            found.refused[code] = found.refused.get(code, 0) + people
        elif state == SendState.UNRESOLVED:
            found.unresolved += people
        elif state == SendState.CANCELLED:
            found.cancelled += people
        if reason and people:
            found.reasons[reason] = found.reasons.get(reason, 0) + people
    found.delivery = {state or PENDING: people for state, people in delivery.items() if people}
    found.queued = (
        found.recipients - found.accepted - found.refused_total - found.unresolved - found.cancelled
    )
    return found


def _recipients(campaign: Campaign) -> int:
    if campaign.audience is not None:
        return campaign.audience
    return Snapshot.objects.filter(campaign=campaign).values_list("left", flat=True).first() or 0


def spend(campaign: Campaign) -> dict[str, dict[str, Decimal]]:
    """What it has cost until now: currency -> {"viber", "sms", "total"}."""
    found = {}
    for currency, channels in spend_of(campaign.pk).items():
        found[currency] = {name: channels.get(name, ZERO) for name in ("viber", "sms")}
        found[currency]["total"] = sum(channels.values(), ZERO)
    return found


def status(campaign: Campaign) -> dict[str, Any]:
    """What `manage.py campaign status` answers: numbers, and amounts as decimal strings."""
    found = counts(campaign)
    return {
        "state": campaign.state,
        "reason": pause_reasons.reason_text(campaign),
        "recipients": found.recipients,
        "queued": found.queued,
        "accepted": found.accepted,
        "refused": {str(code): people for code, people in sorted(found.refused.items()) if people},
        "unresolved": found.unresolved,
        "cancelled": found.cancelled,
        "delivery": found.delivery,
        "spend": {
            currency: {name: exact(amount) for name, amount in channels.items()}
            for currency, channels in spend(campaign).items()
        },
    }
