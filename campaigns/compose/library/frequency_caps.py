"""Set the frequency cap of a brand, and another one of a single campaign."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.audience import frequency_cap
from campaigns.compose.audience.frequency_cap import NO_CAP, cap_of
from campaigns.compose.launch.lifecycle import CAN_EDIT, Refused
from campaigns.compose.models import Campaign, FrequencyCap
from campaigns.shared.brands.scope import brand_of_new
from campaigns.team import audit
from campaigns.team.models import User


@transaction.atomic
def set_brand_cap(messages: int, days: int, actor: User | None) -> None:
    """Let a person get at most so many promotional messages of the brand in any `days` days.
    Campaigns that are frozen already keep their recipients.
    """
    cap, _created = FrequencyCap.objects.update_or_create(
        brand_id=brand_of_new(), defaults={"messages": messages, "days": days}
    )
    audit.record(actor, cap, "set", f"{messages} / {days}")


def remove_brand_cap(cap: FrequencyCap, actor: User | None) -> None:
    """Let the brand have no cap, and so none of its campaigns."""
    audit.delete(actor, cap, "removed", str(cap))


def require_can_have_own(campaign: Campaign) -> None:
    """Raises Refused unless `campaign` is a draft that a cap of its brand limits."""
    of_brand = frequency_cap.brand_cap(campaign.brand_id)
    if campaign.state not in CAN_EDIT or of_brand is None or not frequency_cap.is_limited(campaign):
        raise Refused(
            _("Only a promotional draft can have a cap, and only where the brand has one.")
        )


@transaction.atomic
def set_campaign_cap(
    campaign: Campaign, messages: int | None, days: int | None, actor: User | None
) -> None:
    """Give a draft a cap of its own; None: that of its brand; NO_CAP messages: none.

    Raises Refused if it is no longer a draft.
    """
    if not messages:
        days = None
    drafts = Campaign.objects.filter(pk=campaign.pk, state__in=CAN_EDIT)
    if not drafts.update(cap_messages=messages, cap_days=days, updated_at=timezone.now()):
        raise Refused(_("This is no longer a draft. Duplicate it to make changes."))
    campaign.cap_messages, campaign.cap_days = messages, days
    own = "none" if messages == NO_CAP else str(cap_of(campaign) or "")
    audit.record(actor, campaign, "frequency cap", "of the brand" if messages is None else own)
