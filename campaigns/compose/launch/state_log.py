"""Changes of a campaign's state in the audit trail, and as lines of the log once committed."""

import logging

from django.db import transaction

from campaigns.compose.models import Campaign
from campaigns.team import audit
from campaigns.team.models import User

logger = logging.getLogger(__name__)


def record(actor: User | None, campaign: Campaign, action: str, detail: str = "") -> None:
    """Record that `actor`, or the system, did `action` to `campaign`. Call it in the transaction of
    the change. The log gets neither names nor the user's words; `detail` is for the trail.
    """
    audit.record(actor, campaign, action, detail)
    by = f"user {actor.pk}" if actor else "ViberDash"
    extra = {"campaign_id": campaign.pk, "user_id": actor.pk if actor else None}
    transaction.on_commit(
        lambda: logger.info("Campaign %s: %s (%s)", campaign.pk, action, by, extra=extra)
    )
