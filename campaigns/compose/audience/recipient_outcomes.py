"""People by what became of them in earlier campaigns, as a condition on contacts.

What became of them stands in a later stage's table. It is read through the campaigns' own relation
`recipients`, by names alone, so that nothing of that stage is imported here; its index by phone and
campaign answers.
"""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from campaigns.compose.models import Campaign, RecipientOutcome
from campaigns.ledger.models import Purpose


def _ended(send_state: str, *delivery_states: str) -> Q:
    found = Q(recipients__send_state=send_state)
    return found & Q(recipients__delivery_state__in=delivery_states) if delivery_states else found


OUTCOME_CONDITIONS = {
    RecipientOutcome.ALL: Q(),
    RecipientOutcome.SENT: _ended("accepted")
    | _ended("unresolved"),  # who is unresolved may have got it
    RecipientOutcome.DELIVERED: _ended("accepted", "delivered", "read", "sms_delivered"),
    RecipientOutcome.READ: _ended("accepted", "read"),
    # an SMS that went out instead and is at its end was not delivered either
    RecipientOutcome.NOT_DELIVERED: _ended("accepted", "not_delivered")
    | (_ended("accepted", "fallback") & Q(recipients__final=True)),
    RecipientOutcome.REFUSED: _ended("refused"),
}


def received_outcome(
    outcome: str, campaigns: Q, since: datetime | None = None, exclude_campaign: int = 0
) -> Q:
    """Contacts whose phone met with `outcome` in one of `campaigns`, since a moment or ever.

    Tests and rehearsals never count, nor does the campaign with the id `exclude_campaign`.
    """
    rows = (
        campaigns
        & Q(purpose=Purpose.CAMPAIGN, recipients__msisdn=OuterRef("msisdn"))
        & OUTCOME_CONDITIONS[RecipientOutcome(outcome)]
    )
    if exclude_campaign:
        rows &= ~Q(pk=exclude_campaign)
    if since:
        rows &= Q(recipients__sent_at__gte=since) | Q(
            recipients__sent_at=None, frozen_at__gte=since
        )
    return Q(Exists(Campaign.objects.filter(rows)))
