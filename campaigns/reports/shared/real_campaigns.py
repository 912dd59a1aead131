"""Campaigns that went to recipients, apart from test sends and rehearsals."""

from django.db.models import QuerySet

from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose


def real_campaigns() -> QuerySet[Campaign]:
    """All campaigns but test sends and rehearsals."""
    return Campaign.objects.filter(purpose=Purpose.CAMPAIGN)
