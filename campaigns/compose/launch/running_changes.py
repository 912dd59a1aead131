"""What can be changed in a campaign after its launch: its budget and its sending hours."""

from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch import lifecycle
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.models import Campaign, Timing
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.models import User


def change_budget(campaign_id: int, actor: User | None, budget: Decimal | None) -> None:
    """Set the most that a campaign may cost; None for no limit. Raises Refused if it is over."""
    campaigns = Campaign.objects.filter(pk=campaign_id).exclude(state__in=lifecycle.FINAL)
    currency = budget_currency(Campaign.objects.get(pk=campaign_id), budget)
    with transaction.atomic():
        if not campaigns.update(budget=budget, budget_currency=currency, updated_at=timezone.now()):
            raise lifecycle.refusal(campaign_id, _("given a new budget"))
        detail = "" if budget is None else f"{exact(budget)} {currency}".strip()
        audit.record(actor, Campaign(pk=campaign_id), "budget", detail)


def can_change_hours(campaign: Campaign) -> bool:
    """Whether the sending hours can be changed after the launch."""
    return campaign.state in lifecycle.ACTIVE and campaign.timing != Timing.GATEWAY


def change_hours(campaign_id: int, actor: User | None, hours: SendingHours | None) -> None:
    """Set the sending hours, in the recipient's local time; None for any time.

    Workers follow them from their next batch on. Raises Refused for a draft, for a campaign that is
    over, and for one scheduled at the gateway, which knows no sending hours.
    """
    campaigns = Campaign.objects.filter(pk=campaign_id, state__in=lifecycle.ACTIVE).exclude(
        timing=Timing.GATEWAY
    )
    start, end = (hours.start, hours.end) if hours else (None, None)
    with transaction.atomic():
        if not campaigns.update(sends_from=start, sends_until=end, updated_at=timezone.now()):
            raise lifecycle.refusal(campaign_id, _("given new sending hours"))
        audit.record(actor, Campaign(pk=campaign_id), "hours", str(hours or ""))
        lifecycle.wake()
