"""When a campaign at the recipients' local time starts: when the first of their zones reaches it.

That follows from who the recipients are, so it is worked out at the launch, and again each minute
until the campaign starts: a list may reach a country further east meanwhile.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings

from campaigns.compose.audience.selection import Audience
from campaigns.compose.message.audience_counts import measure_now
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign, CampaignState, Timing
from campaigns.compose.schedule.sending_hours import Place, earliest_moment
from campaigns.shared.brands.scope import acting_for

EASTERNMOST = timedelta(hours=14)  # no zone is further ahead of UTC


def places(audience: Audience, countries: Collection[str] | None = None) -> list[Place]:
    """The countries of `audience`: as counted by the imports if it has lists only, else
    `countries`, which are counted now where they are not given.
    """
    if audience.has_only_lists:
        return possible_places(audience)
    return [
        Place(country)
        for country in sorted(audience.by_country() if countries is None else countries)
    ]


def possible_places(audience: Audience) -> list[Place]:
    """The countries of all lists that `audience` can have contacts of."""
    lists = audience.possible_lists().values_list("countries", flat=True)
    return [Place(country) for country in sorted({country for codes in lists for country in codes})]


def local_start(local: datetime, in_places: Iterable[Place]) -> datetime:
    """The moment when the first zone of the places reaches the local time; without places, the
    site's.
    """
    return earliest_moment(local, in_places) or local.replace(tzinfo=settings.SITE_ZONE)


def set_local_start(
    campaign: Campaign, audience: Audience, countries: Collection[str] | None = None
) -> None:
    """Set the time of `campaign`, not saved, from its audience as it is now; other timings keep
    theirs.
    """
    if local := campaign.local_time:
        campaign.scheduled_at = local_start(local, places(audience, countries))


def move_starts(now: datetime) -> None:
    """Start earlier what waits for a local time that recipients reach earlier by now."""
    waiting = Campaign.objects.filter(
        state=CampaignState.SCHEDULED, timing=Timing.LOCAL, scheduled_at__isnull=False
    )
    for campaign in waiting:
        local = campaign.local_time
        if local is None or local.replace(tzinfo=UTC) - EASTERNMOST > now:
            continue
        before = campaign.scheduled_at
        with acting_for(campaign.brand_id):
            _set_start_if_near(campaign, local, now)
        if before and campaign.scheduled_at and campaign.scheduled_at < before:
            # unless its time was changed meanwhile
            same = waiting.filter(pk=campaign.pk, local_at=campaign.local_at)
            same.update(scheduled_at=campaign.scheduled_at)


def _set_start_if_near(campaign: Campaign, local: datetime, now: datetime) -> None:
    """Set the start from the audience as it is now, if any recipient can have reached it."""
    audience = Audience.of(campaign)
    if local_start(local, possible_places(audience)) > now:
        return
    countries = None
    if not audience.has_only_lists:
        countries = measure_now(audience, compile_message(campaign)).countries
    set_local_start(campaign, audience, countries)
