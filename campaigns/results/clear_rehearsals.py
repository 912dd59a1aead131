"""Delete rehearsals: when a user asks, or automatically some time after their end."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import FINAL, Refused
from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Batch, Evidence, Recipient, Snapshot, Tally
from campaigns.ledger.models import Purpose
from campaigns.results.models import HourCount
from campaigns.team import audit
from campaigns.team.models import User

KEPT_FOR = timedelta(days=30)  # after the end of a rehearsal
SLICE = 20_000  # recipients deleted in one transaction


def delete_rehearsal(campaign_id: int, actor: User | None) -> str:
    """Delete a rehearsal with its recipients and results, and return its name.

    Its ledger entries stay, since none is ever deleted. Raises Refused if it is not a rehearsal,
    or is neither finished nor cancelled.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if not campaign.is_rehearsal or campaign.state not in FINAL:
        raise Refused(_("Only a finished or cancelled rehearsal can be deleted."))
    recipients = Recipient.objects.filter(campaign_id=campaign_id)
    while ids := list(recipients.values_list("pk", flat=True)[:SLICE]):
        Recipient.objects.filter(pk__range=(min(ids), max(ids)), campaign_id=campaign_id).delete()
    with transaction.atomic():
        for model in (Batch, Tally, HourCount, Evidence, Snapshot):
            model._default_manager.filter(campaign_id=campaign_id).delete()
        audit.record(actor, campaign, "deleted", campaign.name)
        campaign.delete()
    return campaign.name


def delete_old_rehearsal(now: datetime) -> None:
    """Delete one rehearsal that ended before KEPT_FOR, if any; the next call deletes the next."""
    old = Campaign.objects.filter(
        purpose=Purpose.REHEARSAL, state__in=FINAL, finished_at__lt=now - KEPT_FOR
    )
    if campaign_id := old.values_list("pk", flat=True).first():
        delete_rehearsal(campaign_id, None)
