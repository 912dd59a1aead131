"""Recipients of a campaign who wait for its sending hours, and until when."""

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


def load_waiting(campaign: Campaign) -> list[WaitingRecipients]:
    """Return those who wait, by when their sending hours begin, the earliest first.

    One query over batches, not over recipients.
    """
    timetable = campaign.timetable
    if campaign.state != CampaignState.SENDING or timetable is None:
        return []
    now = timezone.now()
    numbers: dict[datetime | None, int] = {}
    countries: dict[datetime | None, set[str]] = {}
    ready = Batch.objects.filter(campaign=campaign, state=BatchState.READY).order_by()
    for country, area, number in ready.values_list("country", "area").annotate(Sum("size")):
        until = timetable.next_opening(Place(country, area), now)
        if until != now:
            numbers[until] = numbers.get(until, 0) + number
            countries.setdefault(until, set()).add(country_name(country))
    return [
        WaitingRecipients(until, numbers[until], sorted(countries[until]))
        for until in sorted(numbers, key=_none_last)
    ]


def _none_last(until: datetime | None) -> tuple[bool, float]:
    return until is None, until.timestamp() if until else 0
