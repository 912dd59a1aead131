"""Recipients of a campaign who wait for its sending hours, and until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Sum
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns.compose.models import Campaign, CampaignState
from campaigns.compose.schedule.sending_hours import Place
from campaigns.dispatch.models import Batch, BatchState
from campaigns.reports.shared.labels import country_name
from campaigns.templatetags.viberdash import exact_time
from campaigns.templatetags.viberdash import number as grouped

# by when they begin: how many wait, and in which countries
_Openings = dict[datetime | None, tuple[int, frozenset[str]]]


@dataclass(frozen=True, slots=True)
class WaitingRecipients:
    """Recipients who can be sent to from `until` on; None: never with the hours set now."""

    until: datetime | None
    number: int
    countries: list[str]

    @property
    def text(self) -> str:
        """How many wait until when, as markup."""
        if self.until:
            text = ngettext(
                "<strong>{number} recipient</strong> waits until {until}",
                "<strong>{number} recipients</strong> wait until {until}",
                self.number,
            )
            return format_html(text, number=grouped(self.number), until=exact_time(self.until))
        text = ngettext(
            "<strong>{number} recipient</strong> can't be sent to during these hours",
            "<strong>{number} recipients</strong> can't be sent to during these hours",
            self.number,
        )
        return format_html(text, number=grouped(self.number))

    def place_text(self, hours: str) -> str:
        """Return the countries, and that it is outside of `hours` there ("" for no hours)."""
        countries = ", ".join(self.countries)
        if not hours:
            return countries
        return _("outside of %(hours)s in %(countries)s") % {
            "hours": hours,
            "countries": countries,
        }


def load_waiting(campaigns: Iterable[Campaign]) -> dict[int, list[WaitingRecipients]]:
    """Return those who wait, by when their sending hours begin, the earliest first, for each of
    `campaigns` that has any.

    One query over batches, not over recipients; none where no campaign that sends has such hours.
    """
    timetables = {
        campaign.pk: campaign.timetable
        for campaign in campaigns
        if campaign.state == CampaignState.SENDING and campaign.timetable
    }
    if not timetables:
        return {}
    now = timezone.now()
    waiting: dict[int, _Openings] = {}
    ready = Batch.objects.filter(campaign__in=timetables, state=BatchState.READY).order_by()
    places = ready.values_list("campaign", "country", "area").annotate(Sum("size"))
    for campaign_id, country, area, number in places:
        until = timetables[campaign_id].next_opening(Place(country, area), now)
        if until != now:
            openings = waiting.setdefault(campaign_id, {})
            people, countries = openings.get(until, (0, frozenset()))
            openings[until] = people + number, countries | {country_name(country)}
    return {campaign_id: _sorted(openings) for campaign_id, openings in waiting.items()}


def _sorted(openings: _Openings) -> list[WaitingRecipients]:
    return [
        WaitingRecipients(until, openings[until][0], sorted(openings[until][1]))
        for until in sorted(openings, key=_none_last)
    ]


def _none_last(until: datetime | None) -> tuple[bool, float]:
    return until is None, until.timestamp() if until else 0
