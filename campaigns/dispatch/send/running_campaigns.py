"""The campaigns that may send now, and to which countries and areas."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.compose.launch.reachable import sendable
from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch, BatchState, Snapshot
from campaigns.ledger.models import Purpose
from campaigns.team.models import Installation


@dataclass(frozen=True, slots=True)
class RunningCampaign:
    """A campaign that may send now."""

    id: int
    rate: int | None = None  # recipients a second, over all workers
    has_budget: bool = False  # of its own, of who launched it, or of the month
    open_places: frozenset[Place] | None = None  # where it may send at this hour; None: anywhere

    def sends_to(self, country: str, area: str) -> bool:
        """Whether recipients there may be sent to now."""
        return self.open_places is None or Place(country, area) in self.open_places

    def sendable_filter(self) -> Q:
        """The condition for its batches that may be sent at this hour."""
        own = Q(campaign_id=self.id)
        if self.open_places is None:
            return own
        return own & Q(
            *(Q(country=place.country, area=place.area) for place in self.open_places),
            _connector=Q.OR,
        )


def load_running(now: datetime, rehearsals: bool = False) -> list[RunningCampaign]:
    """Load the campaigns, or only the `rehearsals`, that may send at `now`, oldest launch first.

    Without those of another account or of brands with another key, and those whose recipients are
    all outside the sending hours. Empty in safe mode.
    """
    if Installation.objects.filter(safe_since__isnull=False).exists():
        return []
    purpose = Q(purpose=Purpose.REHEARSAL) if rehearsals else ~Q(purpose=Purpose.REHEARSAL)
    campaigns = Campaign.objects.filter(purpose, sendable(), state=CampaignState.SENDING).order_by(
        "launched_at", "pk"
    )
    rows = campaigns.select_related("snapshot").annotate(
        limited=Exists(MonthlyBudget.objects.filter(brand=OuterRef("brand")))
        | Exists(UserBudget.objects.filter(brand=OuterRef("brand"), user=OuterRef("launched_by")))
    )
    running = [
        RunningCampaign(
            row.pk,
            row.rate,
            not rehearsals and (row.limited or row.budget is not None),
            _open_places(row, now),
        )
        for row in rows.only(
            "rate", "budget", "timing", "local_at", "sends_from", "sends_until", "snapshot__places"
        )
    ]
    return [
        campaign for campaign in running if campaign.open_places is None or campaign.open_places
    ]


def _open_places(campaign: Campaign, now: datetime) -> frozenset[Place] | None:
    timetable = campaign.timetable
    return (
        frozenset(timetable.open_places(places_of(campaign.snapshot), now)) if timetable else None
    )


def places_of(snapshot: Snapshot) -> list[Place]:
    """Where the recipients of a frozen campaign are."""
    return [Place(*country_and_area) for country_and_area in snapshot.places]


def sendable_batches(now: datetime, rehearsals: bool = False) -> QuerySet[Batch]:
    """READY batches, of campaigns or of `rehearsals`, that may be claimed at `now`."""
    running = load_running(now, rehearsals)
    if not running:
        return Batch.objects.none()
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    any_campaign = Q(*(campaign.sendable_filter() for campaign in running), _connector=Q.OR)
    return Batch.objects.filter(
        due, any_campaign, campaign__state=CampaignState.SENDING, state=BatchState.READY
    )
