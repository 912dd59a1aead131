"""What the chosen time is where the audience is: beside the form, so that nobody has to reckon with
zones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import zones_of
from campaigns.contacts.phones import countries

MOST = 6  # rows; more are "and others"


@dataclass(frozen=True, slots=True)
class LocalTime:
    """One time, and the countries in which it is that time."""

    time: str
    countries: str


def local_times(campaign: Campaign, people: Mapping[str, int]) -> list[LocalTime]:
    """The time of `campaign` by the clocks of `people` (country -> how many), where most of them
    are first.

    By the recipients' own clocks it is the other way round: when that is on the clock of the
    campaign's zone.
    """
    rows: dict[str, list[str]] = {}
    for country in sorted(people, key=lambda code: -people[code]):
        shown = _times(campaign, zones_of(country))
        if shown and country:
            rows.setdefault(shown, []).append(countries.name(country) or country)
    return [LocalTime(shown, ", ".join(names)) for shown, names in rows.items()][:MOST]


def campaign_zone(campaign: Campaign) -> ZoneInfo:
    """The zone that a time of `campaign` was said in."""
    return ZoneInfo(campaign.time_zone or settings.TIME_ZONE)


def _times(campaign: Campaign, zones: tuple[ZoneInfo, ...]) -> str:
    if local := campaign.local_time:
        times = {local.replace(tzinfo=zone).astimezone(campaign_zone(campaign)) for zone in zones}
    elif campaign.scheduled_at:
        times = {campaign.scheduled_at.astimezone(zone).replace(tzinfo=None) for zone in zones}
    else:
        return ""
    first, last = min(times), max(times)
    return _said(first) if _said(first) == _said(last) else f"{_said(first)} – {_said(last)}"


def _said(moment: datetime) -> str:
    return date_format(moment, "j M, H:i")
