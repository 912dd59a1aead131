"""Rehearsals are cleared away: by a person, or by themselves a while after their end."""

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

KEPT_FOR = timedelta(days=30)  # after its end
SLICE = 20_000  # recipients deleted in one transaction


def delete_rehearsal(campaign_id: int, actor: User | None) -> str:
    """Delete a rehearsal that is over, with its people and results; its name. Its ledger entries
    stay, as all do.

    Raises Refused where it is none, or not over.
    """
    campaign = Campaign.objects.get(pk=campaign_id)
    if not campaign.is_rehearsal or campaign.state not in FINAL:
        raise Refused(_("Only a finished or cancelled rehearsal can be deleted."))
    people = Recipient.objects.filter(campaign_id=campaign_id)
    while ids := list(people.values_list("pk", flat=True)[:SLICE]):
        Recipient.objects.filter(pk__range=(min(ids), max(ids)), campaign_id=campaign_id).delete()
    with transaction.atomic():
        for model in (Batch, Tally, HourCount, Evidence, Snapshot):
            model._default_manager.filter(campaign_id=campaign_id).delete()
        audit.record(actor, campaign, "deleted", campaign.name)
        campaign.delete()
    return campaign.name


def delete_old_rehearsal(now: datetime) -> None:
    """Delete a rehearsal that ended long ago, if there is one: the next sweep takes the next."""
    over = Campaign.objects.filter(
        purpose=Purpose.REHEARSAL, state__in=FINAL, finished_at__lt=now - KEPT_FOR
    )
    if found := over.values_list("pk", flat=True).first():
        delete_rehearsal(found, None)
