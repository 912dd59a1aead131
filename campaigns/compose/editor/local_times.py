"""The chosen time in the recipients' countries, shown beside the form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.formats import date_format

from campaigns.compose.models import Campaign
from campaigns.compose.schedule.time_zones import zones_of
from campaigns.contacts.phones import countries

MOST = 6  # rows


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A local time, and the countries where the clocks show it at that moment."""

    time: str
    countries: str


def local_times(campaign: Campaign, people: Mapping[str, int]) -> list[LocalTime]:
    """The time of `campaign` in the countries of `people` (country -> recipients), most first.

    For a campaign in the recipients' local time: when that is in the campaign's own zone.
    """
    rows: dict[str, list[str]] = {}
    for country in sorted(people, key=lambda code: -people[code]):
        shown = _times(campaign, zones_of(country))
        if shown and country:
            rows.setdefault(shown, []).append(countries.name(country) or country)
    return [LocalTime(shown, ", ".join(names)) for shown, names in rows.items()][:MOST]


def campaign_zone(campaign: Campaign) -> ZoneInfo:
    """The zone in which the time of `campaign` was entered."""
    return ZoneInfo(campaign.time_zone or settings.TIME_ZONE)


def _times(campaign: Campaign, zones: tuple[ZoneInfo, ...]) -> str:
    if local := campaign.local_time:
        times = {local.replace(tzinfo=zone).astimezone(campaign_zone(campaign)) for zone in zones}
    elif campaign.scheduled_at:
        times = {campaign.scheduled_at.astimezone(zone).replace(tzinfo=None) for zone in zones}
    else:
        return ""
    first, last = min(times), max(times)
    return (
        _formatted(first)
        if _formatted(first) == _formatted(last)
        else f"{_formatted(first)} – {_formatted(last)}"
    )


def _formatted(moment: datetime) -> str:
    return date_format(moment, "j M, H:i")
