"""What can be changed in a campaign after its launch: its budget, its sending hours, and the time
that it waits for.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from campaigns.compose.launch import lifecycle, reachable, state_changes
from campaigns.compose.launch.follow_ups import when_text
from campaigns.compose.launch.funds_check import budget_currency
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import SendingHours
from campaigns.shared.money import exact
from campaigns.team import audit
from campaigns.team.models import User

MISSED = frozenset({"missed", "held"})  # reasons of a pause: its time came, and it did not start


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


def can_reschedule(campaign: Campaign) -> bool:
    """Whether the time of a launched campaign can be changed: it waits for it, or missed it.

    An approval says when, so an approved campaign has to be a draft again, and approved anew. What
    is scheduled at the gateway is there already.
    """
    waits = campaign.state == CampaignState.SCHEDULED
    missed = campaign.state == CampaignState.PAUSED and campaign.reason in MISSED
    has_time = campaign.timing in lifecycle.STARTS_HERE and campaign.approved_by_id is None
    return (waits or missed) and has_time and state_changes.is_unprepared(campaign)


@reachable.with_key_of_brand
def reschedule(
    campaign_id: int, actor: User | None, at: datetime | None = None, zone: str = "", hours: int = 0
) -> None:
    """Let a launched campaign start at another time, with the checks of a launch: `at`, which was
    entered in `zone`; of a campaign in the recipient's local time `at` has no zone; of a follow-up,
    `hours` after its parent. A campaign that missed its time is resumed.

    Raises Refused if it can't be rescheduled, or if it could not be launched for that time.
    """
    campaign = Campaign.objects.select_related("sender", "follows").get(pk=campaign_id)
    if not can_reschedule(campaign):
        raise _not_rescheduled(campaign)
    before = Q(scheduled_at=campaign.scheduled_at, state=campaign.state)
    changes = _new_time(campaign, at, zone, hours)
    _recipients, check = lifecycle.check_ready(campaign, launcher=campaign.launched_by)
    if check.needed:
        text = _("It needs an approval by now. Return the campaign to draft to request one.")
        raise lifecycle.Refused(text)
    changes |= {"scheduled_at": campaign.scheduled_at, "updated_at": timezone.now()}
    with transaction.atomic():
        # one that is due by now may be starting in this moment
        is_due = Q(state=CampaignState.SCHEDULED, scheduled_at__lte=timezone.now())
        if not Campaign.objects.filter(before, ~is_due, pk=campaign_id).update(**changes):
            raise _not_rescheduled(campaign)
        audit.record(actor, campaign, "rescheduled", _time_text(campaign))
        if campaign.state == CampaignState.PAUSED:
            lifecycle.resume(campaign_id, actor)


def _new_time(campaign: Campaign, at: datetime | None, zone: str, hours: int) -> dict[str, Any]:
    """The columns of the new time; sets them, and the start as far as it is known, on `campaign`.
    The start of a local time follows from the audience, that of a follow-up from its parent.
    """
    if campaign.timing == Timing.AFTER:
        changes: dict[str, Any] = {"follow_hours": hours}
        campaign.scheduled_at = None
    elif campaign.timing == Timing.LOCAL:
        changes = {"local_at": at.isoformat(timespec="minutes") if at else "", "time_zone": zone}
    else:
        changes = {"time_zone": zone}
        campaign.scheduled_at = at
    for name, value in changes.items():
        setattr(campaign, name, value)
    return changes


def _time_text(campaign: Campaign) -> str:
    """The time of `campaign` for the audit trail."""
    if campaign.timing == Timing.AFTER:
        return when_text(campaign)
    if campaign.timing == Timing.LOCAL:
        return campaign.local_at
    return campaign.scheduled_at.isoformat(timespec="minutes") if campaign.scheduled_at else ""


def _not_rescheduled(campaign: Campaign) -> lifecycle.Refused:
    """Why the time of `campaign` can't be changed."""
    if campaign.approved_by_id:
        return lifecycle.Refused(
            _("It was approved for this time. Return the campaign to draft to choose another.")
        )
    return lifecycle.refusal(campaign.pk, _("rescheduled"))
