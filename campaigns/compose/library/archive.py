"""The archive: campaigns that are hidden from the list but still counted in reports."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch.lifecycle import FINAL, Refused
from campaigns.compose.models import Campaign, CampaignState
from campaigns.team import audit
from campaigns.team.models import User

CAN_ARCHIVE = FINAL | {CampaignState.DRAFT}


def archive(campaign: Campaign, actor: User | None) -> None:
    """Hide `campaign` from the list. Raises Refused while it is under way."""
    if campaign.state not in CAN_ARCHIVE:
        raise Refused(_("Only drafts and finished or cancelled campaigns can be archived."))
    _set_archived(campaign, actor, archived=True)


def unarchive(campaign: Campaign, actor: User | None) -> None:
    """Show `campaign` in the list again."""
    _set_archived(campaign, actor, archived=False)


@transaction.atomic
def _set_archived(campaign: Campaign, actor: User | None, archived: bool) -> None:
    # An UPDATE of this column alone: `updated_at` tells apart versions of a draft, so it must stay.
    changing = Campaign.objects.filter(pk=campaign.pk, archived_at__isnull=archived)
    if archived:
        changing = changing.filter(state__in=CAN_ARCHIVE)
    if changing.update(archived_at=timezone.now() if archived else None):
        audit.record(actor, campaign, "archived" if archived else "unarchived")
