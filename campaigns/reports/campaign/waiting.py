"""Who of a campaign waits until their clocks say so, and until when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.models import Batch, BatchState
from campaigns.reports.shared.labels import country_name


@dataclass(frozen=True, slots=True)
class Waiting:
    """People to whom it is not time yet, who can be sent to from the moment `until` on; None:
    never.
    """

    until: datetime | None
    number: int
    countries: list[str]


def waiting(campaign: Campaign) -> list[Waiting]:
    """Those who wait, by when their day begins, the first ones first. One query, over batches and
    not over people.
    """
    timetable = campaign.timetable
    if campaign.state != CampaignState.SENDING or timetable is None:
        return []
    now = timezone.now()
    people: dict[datetime | None, int] = {}
    named: dict[datetime | None, set[str]] = {}
    ready = Batch.objects.filter(campaign=campaign, state=BatchState.READY).order_by()
    for country, area, number in ready.values_list("country", "area").annotate(Sum("size")):
        until = timetable.next_opening(Place(country, area), now)
        if until != now:
            people[until] = people.get(until, 0) + number
            named.setdefault(until, set()).add(country_name(country))
    return [
        Waiting(until, people[until], sorted(named[until]))
        for until in sorted(people, key=_none_last)
    ]


def _none_last(until: datetime | None) -> tuple[bool, float]:
    return until is None, until.timestamp() if until else 0
