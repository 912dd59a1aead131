"""What the form shows of a saved draft."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from campaigns.compose.draft_fields import FIELDS, SAVED_CHOICES
from campaigns.compose.editor.form_fields import earlier_choices
from campaigns.compose.message import links
from campaigns.compose.models import Campaign


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """What the form shows of a saved draft."""
    values = {
        field.name: field.value_of(campaign) for field in FIELDS if field.column or field.shown
    }
    return {
        **values,
        **links.read_utm(campaign.button_url),
        "button_url": links.remove_utm(campaign.button_url),
        **{
            name: list(getattr(campaign, name).values_list("pk", flat=True))
            for name in SAVED_CHOICES
        },
        "campaigns": earlier_choices(campaign, excluded=False),
        "exclude_campaigns": earlier_choices(campaign, excluded=True),
        "scheduled_at": _shown_time(campaign),
        "version": campaign.updated_at.isoformat(),
    }


def _shown_time(campaign: Campaign) -> datetime | None:
    """As the clock of the campaign's zone shows it, or that of each recipient."""
    if campaign.local_time or not campaign.scheduled_at:
        return campaign.local_time
    zone = ZoneInfo(campaign.time_zone or settings.TIME_ZONE)
    return campaign.scheduled_at.astimezone(zone).replace(tzinfo=None)
