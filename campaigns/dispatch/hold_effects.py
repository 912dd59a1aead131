"""What a hold stops, what it comes too late for, and how sending goes on after it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from campaigns.compose.launch.lifecycle import WAKE
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.dispatch.models import SendState, Tally
from campaigns.dispatch.send.leases import count_under_way
from campaigns.ledger.models import Purpose
from campaigns.shared.queue import enqueue
from campaigns.team.holds import switch
from campaigns.team.models import User


@dataclass(frozen=True, slots=True)
class HoldEffects:
    """Of the sending of one brand, or of all."""

    sending: int  # campaigns that send, or prepare to
    scheduled: int  # campaigns
    missed: int  # of these: their time is over by so much that they pause when it is released
    under_way: int  # recipients whose request may be at the gateway at this moment
    at_gateway: int  # recipients whose message the gateway has, and sends later by itself


def load_effects(brand_id: int | None) -> HoldEffects:
    """Load them for a brand, or for all with None. Three queries."""
    now = timezone.now()
    campaigns = _campaigns(brand_id)
    late = now - timedelta(minutes=settings.MISSED_SCHEDULE_MINUTES)
    scheduled = Q(state=CampaignState.SCHEDULED)
    counts = campaigns.aggregate(
        sending=Count("pk", Q(state__in=(CampaignState.PREPARING, CampaignState.SENDING))),
        scheduled=Count("pk", scheduled),
        missed=Count("pk", scheduled & Q(scheduled_at__lt=late)),
    )
    there = campaigns.filter(timing=Timing.GATEWAY, scheduled_at__gt=now)
    accepted = Tally.objects.filter(
        campaign__in=there.values("pk"), send_state=SendState.ACCEPTED
    ).aggregate(people=Sum("recipients"))
    return HoldEffects(
        **counts, under_way=count_under_way(brand_id), at_gateway=accepted["people"] or 0
    )


def _campaigns(brand_id: int | None) -> QuerySet[Campaign]:
    campaigns = Campaign._base_manager.exclude(purpose=Purpose.REHEARSAL)
    return campaigns.filter(brand=brand_id) if brand_id else campaigns


def release(actor: User | None, brand_id: int | None) -> bool:
    """End the hold of a brand, or of all with None, and wake a worker. Returns whether there was
    one.
    """
    if not switch.release(actor, brand_id):
        return False
    enqueue(WAKE)
    return True


def described(brand_id: int | None) -> dict[str, Any]:
    """What holds a brand, or all with None, as commands and the API say it."""
    return {
        "holds": [
            {
                "all_brands": held.brand_id is None,
                "since": held.held_at.isoformat(timespec="seconds"),
                "by": held.held_by.get_username() if held.held_by else "",
                "note": held.note,
            }
            for held in switch.current_holds(brand_id)
        ],
        "under_way": count_under_way(brand_id),
    }
