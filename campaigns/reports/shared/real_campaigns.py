"""Real campaigns: neither test sends nor rehearsals."""

from django.db.models import QuerySet

from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose


def real_campaigns() -> QuerySet[Campaign]:
    """Return all campaigns but test sends and rehearsals."""
    return Campaign.objects.filter(purpose=Purpose.CAMPAIGN)
