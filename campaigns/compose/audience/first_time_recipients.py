"""How many recipients of an audience never got a message before.

Recipients who do not expect a message block and report it more often, which harms the sender.
"""

from django.db.models import Exists, OuterRef

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign
from campaigns.ledger.models import Purpose


def count_first_time_recipients(audience: Audience, recipients: int) -> int:
    """Count those of the `recipients` of `audience` for whom no campaign was ever accepted.

    Looks each of them up by phone, unless no campaign has recipients.
    """
    campaigns = Campaign.objects.filter(purpose=Purpose.CAMPAIGN)
    if not campaigns.filter(recipients__isnull=False).exists():
        return recipients
    earlier = campaigns.filter(
        recipients__msisdn=OuterRef("msisdn"), recipients__send_state="accepted"
    )
    return audience.recipients().filter(~Exists(earlier)).count()
