"""When messages were read best."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.reports.campaigns.best_times import TimeSlot, load_best_times
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Results"])


class TimeSlotOut(Schema):
    sent: int
    delivered: int
    read: int
    read_rate: Annotated[
        float | None, Field(description="Percent of delivered; null: nothing was delivered.")
    ]
    margin: Annotated[float, Field(description="Percentage points, of a 95 % interval.")]
    enough: Annotated[bool, Field(description="Whether the rate is worth comparing.")]


class BestTimesOut(Schema):
    """Messages by when they were sent, in the time zone of the owner of the token."""

    since: datetime
    until: datetime
    campaigns: int
    best_hour: Annotated[int | None, Field(description="null: none stands out")]
    best_day: Annotated[int | None, Field(description="0 is Monday; null: none stands out")]
    overall: TimeSlotOut
    hours: Annotated[list[TimeSlotOut], Field(description="From 0 to 23.")]
    days: Annotated[list[TimeSlotOut], Field(description="From Monday to Sunday.")]


@router.get("best-times", response=BestTimesOut, auth=Needs(Permission.VIEW))
def get_best_times(request: HttpRequest) -> Any:
    """The hours and days at which messages of the last 180 days were read best."""
    times = load_best_times(visible_to(actor(request), real_campaigns()), timezone.now())
    return BestTimesOut(
        since=times.since,
        until=times.until,
        campaigns=times.campaigns,
        best_hour=times.hours.index(times.best_hour) if times.best_hour else None,
        best_day=times.days.index(times.best_day) if times.best_day else None,
        overall=_slot_out(times.overall),
        hours=[_slot_out(slot) for slot in times.hours],
        days=[_slot_out(slot) for slot in times.days],
    )


def _slot_out(slot: TimeSlot) -> TimeSlotOut:
    return TimeSlotOut.model_validate(slot, from_attributes=True)
