"""Real campaigns: neither test sends nor rehearsals."""

from django.db.models import QuerySet

from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose


def real_campaigns() -> QuerySet[Campaign]:
    """Return all campaigns but test sends and rehearsals."""
    return Campaign.objects.filter(purpose=Purpose.CAMPAIGN)


def any_launched() -> bool:
    """Whether any was ever launched, by a user or a trigger."""
    return real_campaigns().filter(launched_at__isnull=False).exists()
