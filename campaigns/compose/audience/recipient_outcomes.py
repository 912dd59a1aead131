"""Contacts by their outcome in earlier campaigns, as a condition for the database.

Outcomes are stored in tables of later stages. They are reached by the names of the relations
`Campaign.recipients` and `Recipient.clicks`, so nothing of those stages is imported; the index of
recipients by phone and campaign, and that of clicks by recipient, answer.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from campaigns.compose.models import Campaign, RecipientOutcome
from campaigns.ledger.models import Purpose


def _in_state(send_state: str, *delivery_states: str) -> Q:
    condition = Q(recipients__send_state=send_state)
    if delivery_states:
        condition &= Q(recipients__delivery_state__in=delivery_states)
    return condition


def surely_not_delivered(prefix: str = "") -> Q:
    """Accepted recipients whom neither Viber nor an SMS has reached or will reach.

    An undelivered message is final only when no SMS fallback can follow. `prefix` leads to the
    recipients, such as "recipients__".
    """
    return Q(
        **{
            f"{prefix}send_state": "accepted",
            f"{prefix}delivery_state__in": ["not_delivered", "fallback"],
            f"{prefix}final": True,
        }
    )


OUTCOME_CONDITIONS = {
    RecipientOutcome.ALL: Q(),
    RecipientOutcome.SENT: _in_state("accepted")
    | _in_state("unresolved"),  # unresolved ones may have got it
    RecipientOutcome.DELIVERED: _in_state("accepted", "delivered", "read", "sms_delivered"),
    RecipientOutcome.READ: _in_state("accepted", "read"),
    RecipientOutcome.CLICKED: Q(recipients__clicks__machine=""),  # of a person
    RecipientOutcome.NOT_DELIVERED: surely_not_delivered("recipients__"),
    RecipientOutcome.REFUSED: _in_state("refused"),
}


def received_outcome(
    outcome: str, campaigns: Q, since: datetime | None = None, exclude_campaign: int = 0
) -> Q:
    """Contacts whose phone had `outcome` in one of `campaigns`, since a moment or ever.

    Test sends and rehearsals never count, nor does the campaign with the id `exclude_campaign`.
    """
    rows = (
        campaigns
        & Q(purpose=Purpose.CAMPAIGN, recipients__msisdn=OuterRef("msisdn"))
        & OUTCOME_CONDITIONS[RecipientOutcome(outcome)]
    )
    if exclude_campaign:
        rows &= ~Q(pk=exclude_campaign)
    if since and outcome == RecipientOutcome.CLICKED:
        rows &= Q(recipients__clicks__at__gte=since)
    elif since:
        rows &= Q(recipients__sent_at__gte=since) | Q(
            recipients__sent_at=None, frozen_at__gte=since
        )
    return Q(Exists(Campaign.objects.filter(rows)))
