"""Campaigns that go out some hours after another one has finished sending.

A follow-up waits in state scheduled without a time. When its parent is finished, the sweep sets
the time, and it starts like any other. Its audience is evaluated then; until then everything that
counts it counts the most it can be (`Audience.of`).

There is no circle: which campaign one follows is set when it is made, and never changes.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.launch.problem import Problem
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import Place
from campaigns.ledger.models import Purpose

HOURS_MAX = 720  # 30 days
S = CampaignState
LAUNCHED = frozenset({S.SCHEDULED, S.PREPARING, S.SENDING, S.PAUSED, S.FINISHED})
PARENT_CANCELLED = "parent_cancelled"  # the reason of a pause


def can_be_followed(campaign: Campaign) -> bool:
    """Whether a follow-up of `campaign` can be made and launched."""
    return campaign.purpose == Purpose.CAMPAIGN and campaign.state in LAUNCHED


def follow_up_problems(campaign: Campaign) -> list[Problem]:
    """What forbids to launch `campaign` as a follow-up."""
    parent = campaign.follows
    if parent is None:
        return [Problem("timing", _("Make a follow-up on the page of the campaign it follows."))]
    if campaign.follow_hours is None:
        return [Problem("follow_hours", _("Enter how many hours after."))]
    if not can_be_followed(parent):
        text = _("“%(name)s” is “%(state)s”, so nothing can follow it. Choose another time.")
        names = {"name": parent.name, "state": parent.get_state_display()}
        return [Problem("timing", text % names)]
    return []


def when_text(campaign: Campaign) -> str:
    """When a follow-up goes out: “24 hours after X has finished sending”."""
    hours = campaign.follow_hours or 0
    text = ngettext(
        "%(hours)d hour after “%(name)s” has finished sending",
        "%(hours)d hours after “%(name)s” has finished sending",
        hours,
    )
    return text % {"hours": hours, "name": campaign.follows.name if campaign.follows else ""}


def start_after(campaign: Campaign, ended: datetime, now: datetime) -> datetime:
    """When a follow-up of a campaign that `ended` starts: its hours later, at `now` at the
    earliest, and where that is outside the sending hours of all recipients, when they come.
    """
    start = max(ended + timedelta(hours=campaign.follow_hours or 0), now)
    hours = campaign.sending_hours
    if hours is None:
        return start
    openings = [hours.next_opening(place, start) for place in _places(campaign)]
    return min((opening for opening in openings if opening), default=start)


def _places(campaign: Campaign) -> Iterable[Place]:
    """Where the recipients of the parent are. Its snapshot, a table of a later stage, is reached by
    the name of the relation.
    """
    if campaign.follows is None:
        return []
    parents = Campaign.objects.filter(pk=campaign.follows.pk)
    places = parents.values_list("snapshot__places", flat=True).first() or ()
    return [Place(country, area) for country, area in places]


def set_starts(now: datetime) -> None:
    """Give each waiting follow-up whose parent is finished its time."""
    for campaign in _waiting().filter(follows__state=S.FINISHED).select_related("follows"):
        ended = campaign.follows.finished_at if campaign.follows else None
        start = start_after(campaign, ended or now, now)
        # unless its hours were changed meanwhile
        same = _waiting().filter(pk=campaign.pk, follow_hours=campaign.follow_hours)
        same.update(scheduled_at=start)


def pause_orphans(pause: Callable[[int, str], None]) -> None:
    """Let `pause` pause the waiting follow-ups whose parent was cancelled: a user decides."""
    cancelled = _waiting().filter(follows__state=S.CANCELLED)
    for campaign_id in cancelled.values_list("pk", flat=True):
        pause(campaign_id, PARENT_CANCELLED)


def columns_to_resume(campaign: Campaign) -> dict[str, Any]:
    """What changes when a user decides that a follow-up goes out although its parent was
    cancelled: it waits from the end of that. Sets it on `campaign` too.
    """
    parent = campaign.follows
    if campaign.reason != PARENT_CANCELLED or parent is None:
        return {}
    now = timezone.now()
    campaign.scheduled_at = start_after(campaign, parent.finished_at or now, now)
    return {"scheduled_at": campaign.scheduled_at}


def _waiting() -> QuerySet[Campaign]:
    return Campaign.objects.filter(timing=Timing.AFTER, state=S.SCHEDULED, scheduled_at=None)
