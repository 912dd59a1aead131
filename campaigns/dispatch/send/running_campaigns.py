"""The campaigns that may send now, and to whom."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.budgets.models import MonthlyBudget, UserBudget
from campaigns.dispatch.models import Batch, BatchState, Snapshot
from campaigns.ledger.models import Purpose
from campaigns.team.models import Installation


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign that sends now."""

    id: int
    rate: int | None = None  # recipients a second, over all workers
    guarded: bool = False  # a budget limits it, its own, a person's or the month's
    places: frozenset[Place] | None = None  # who may be sent to at this hour; None: everybody

    def sends_to(self, country: str, area: str) -> bool:
        """Whether people there may be sent to now."""
        return self.places is None or Place(country, area) in self.places

    def batches(self) -> Q:
        """Those of its batches that may leave at this hour."""
        mine = Q(campaign_id=self.id)
        if self.places is None:
            return mine
        return mine & Q(
            *(Q(country=one.country, area=one.area) for one in self.places), _connector=Q.OR
        )


def running(now: datetime, rehearsals: bool = False) -> list[Running]:
    """The campaigns, or the `rehearsals` alone, that may send at `now`, those that were launched
    first at the front.

    One whose people all wait for their clocks is not among them; after a restore, none is.
    """
    if Installation.objects.filter(safe_since__isnull=False).exists():
        return []
    kind = Q(purpose=Purpose.REHEARSAL) if rehearsals else ~Q(purpose=Purpose.REHEARSAL)
    campaigns = Campaign.objects.filter(kind, state=CampaignState.SENDING).order_by(
        "launched_at", "pk"
    )
    rows = campaigns.select_related("snapshot").annotate(
        limited=Exists(MonthlyBudget.objects.all())
        | Exists(UserBudget.objects.filter(user=OuterRef("launched_by")))
    )
    found = [
        Running(
            row.pk,
            row.rate,
            not rehearsals and (row.limited or row.budget is not None),
            _open_places(row, now),
        )
        for row in rows.only(
            "rate", "budget", "timing", "local_at", "sends_from", "sends_until", "snapshot__places"
        )
    ]
    return [one for one in found if one.places is None or one.places]


def _open_places(campaign: Campaign, now: datetime) -> frozenset[Place] | None:
    timetable = campaign.timetable
    return (
        frozenset(timetable.open_places(places_of(campaign.snapshot), now)) if timetable else None
    )


def places_of(snapshot: Snapshot) -> list[Place]:
    """Where the people of a frozen campaign are."""
    return [Place(*one) for one in snapshot.places]


def sendable(now: datetime, rehearsals: bool = False) -> QuerySet[Batch]:
    """READY batches, of campaigns or of `rehearsals`, that may be claimed now."""
    at_work = running(now, rehearsals)
    if not at_work:
        return Batch.objects.none()
    rested = Q(not_before__isnull=True) | Q(not_before__lte=now)
    theirs = Q(*(one.batches() for one in at_work), _connector=Q.OR)
    return Batch.objects.filter(
        rested, theirs, campaign__state=CampaignState.SENDING, state=BatchState.READY
    )
