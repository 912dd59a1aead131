"""What recipients did with the links of their messages: what tables and exports say of each, and
by which they are filtered.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.compose.models import Campaign
from campaigns.dispatch.models import Recipient
from campaigns.engagement.models import Conversion
from campaigns.reports.campaign.clicks import clicks_text, load_clicks
from campaigns.reports.shared.click_counts import people_clicks
from campaigns.reports.shared.conversion_counts import (
    NO_CONVERSIONS,
    RecipientConversions,
    load_recipient_conversions,
)
from campaigns.reports.shared.opt_outs import load_opted_out, standing_opt_outs

_L = gettext_lazy
YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class LinkFilter:
    """A parameter of the table's address, whose value is YES or NO.

    `labels`: of the values that the page offers. `is_possible`: whether recipients of a campaign
    can have done it. `rows`: each who did, in the column `recipient`.
    """

    labels: Mapping[str, str | Promise]
    is_possible: Callable[[Campaign], bool]
    rows: Callable[[], QuerySet[Any]]


FILTERS: dict[str, LinkFilter] = {
    "clicked": LinkFilter(
        {YES: _L("Clicked"), NO: _L("Not clicked")},
        lambda campaign: campaign.is_tracked,
        people_clicks,
    ),
    "converted": LinkFilter(
        {YES: _L("Converted")},
        lambda campaign: campaign.tracks_conversions,
        Conversion.objects.all,
    ),
    "opted_out": LinkFilter(
        {YES: _L("Unsubscribed")}, lambda campaign: campaign.has_short_links, standing_opt_outs
    ),
}


def select(
    recipients: QuerySet[Recipient], campaign_id: int, name: str, value: str
) -> QuerySet[Recipient]:
    """Those of `recipients`, of this campaign, who did what the filter `name` says, or did not."""
    rows = FILTERS[name].rows().filter(campaign=campaign_id)
    if value == YES:
        return recipients.filter(pk__in=rows.values("recipient"))
    return recipients.exclude(Exists(rows.filter(recipient=OuterRef("pk"))))


@dataclass(frozen=True, slots=True)
class LinkResult:
    """What one recipient did: clicks of a person with the first one, when they opted out, and
    their conversions.
    """

    clicks: int = 0
    first_click_at: datetime | None = None
    opted_out_at: datetime | None = None
    conversions: RecipientConversions = NO_CONVERSIONS

    @property
    def text(self) -> str:
        """What tables say of it; "" of nothing."""
        number = self.conversions.number
        texts = (
            clicks_text(self.clicks),
            _("Converted %(number)d×") % {"number": number} if number else "",
            _("Unsubscribed") if self.opted_out_at else "",
        )
        return ", ".join(filter(None, texts))


NOTHING = LinkResult()


def load_link_results(recipient_ids: Sequence[int]) -> dict[int, LinkResult]:
    """What each of the recipients did; those who did nothing are left out. One query for each kind
    of result, or none without recipients.
    """
    if not recipient_ids:
        return {}
    clicks, opted_out = load_clicks(recipient_ids), load_opted_out(recipient_ids)
    conversions = load_recipient_conversions(recipient_ids)
    results = {}
    for pk in clicks.keys() | opted_out.keys() | conversions.keys():
        number, first_click_at = clicks.get(pk, (0, None))
        done = conversions.get(pk, NO_CONVERSIONS)
        results[pk] = LinkResult(number, first_click_at, opted_out.get(pk), done)
    return results
