"""Campaigns as rows: what each is, where it stands, what came of it and what it cost, in a fixed
number of queries.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, Lower

from campaigns.compose.launch.pause_reasons import reason_text
from campaigns.compose.models import Campaign
from campaigns.reports.campaigns.filters import WHEN, Filters
from campaigns.reports.shared.bills import Bill, campaign_bills
from campaigns.reports.shared.outcomes import Outcome, outcomes
from campaigns.reports.shared.real_campaigns import real_campaigns

SORTS: dict[str, Lower | F | Coalesce] = {
    "name": Lower("name"),
    "state": F("state"),
    "audience": F("audience"),
    "when": WHEN,
}
DEFAULT_SORT = "-when"


@dataclass(frozen=True, slots=True)
class Row:
    campaign: Campaign
    outcome: Outcome
    bill: Bill

    @property
    def reason(self) -> str:
        """Why it is paused and what to do; empty where it is not."""
        return reason_text(self.campaign)

    @property
    def who(self) -> str:
        """Who launched it; before that, who made it; empty where they are gone."""
        person = self.campaign.launched_by or self.campaign.created_by
        return person.get_full_name() or person.get_username() if person else ""


def campaigns(filters: Filters, sort: str = "") -> QuerySet[Campaign]:
    """The campaigns that are asked for, sorted. Test sends and rehearsals are not among them."""
    related = (
        real_campaigns()
        .select_related("sender", "launched_by", "created_by")
        .prefetch_related("labels")
    )
    return filters.of(related).order_by(sort_of(sort), "-pk")


def sort_of(sort: str) -> OrderBy:
    """The order that `?sort=name` or `?sort=-name` asks for; anything unknown is the default.
    Without a value: last.
    """
    if sort.removeprefix("-") not in SORTS:
        sort = DEFAULT_SORT
    column = SORTS[sort.removeprefix("-")]
    return column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)


def rows(found: Iterable[Campaign]) -> list[Row]:
    """`found` with their outcomes and bills: two queries, however many they are."""
    listed = list(found)
    if not listed:
        return []
    counted = outcomes({campaign.pk: campaign.audience for campaign in listed})
    billed = campaign_bills(campaign.pk for campaign in listed)
    return [Row(campaign, counted[campaign.pk], billed[campaign.pk]) for campaign in listed]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many campaigns there are."""

    states: dict[str, int]  # without the archived ones
    archived: int

    @property
    def total(self) -> int:
        return sum(self.states.values()) + self.archived


def counts() -> Counts:
    """One query."""
    kept = Q(archived_at__isnull=True)
    by_state = real_campaigns().order_by().values_list("state")
    found = list(
        by_state.annotate(listed=Count("pk", filter=kept), shelved=Count("pk", filter=~kept))
    )
    return Counts(
        {state: number for state, number, _shelved in found if number}, sum(row[2] for row in found)
    )
