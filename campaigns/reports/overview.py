"""Campaigns as rows: what each is, where it stands, what came of it and what it cost, in a fixed number of queries."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db.models import Count, F, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, Lower

from campaigns.compose.lifecycle import reason_text
from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.reports.bills import Bill, campaign_bills
from campaigns.reports.outcomes import Outcome, outcomes

WHEN = Coalesce("launched_at", "updated_at")
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


def campaigns(query: Mapping[str, str]) -> QuerySet[Campaign]:
    """The campaigns that a query string asks for, sorted. Test sends and rehearsals are not among them."""
    found = real().select_related("sender", "launched_by", "created_by").order_by(sort_of(query.get("sort", "")), "-pk")
    if (state := query.get("state", "")) in CampaignState.values:
        found = found.filter(state=state)
    if words := words_of(query):
        found = found.filter(name__icontains=words)
    return found


def words_of(query: Mapping[str, str]) -> str:
    """What is searched for. No name has a NUL in it, and PostgreSQL would refuse one."""
    return query.get("q", "").replace("\0", "").strip()


def real() -> QuerySet[Campaign]:
    """Campaigns to people, without test sends and rehearsals."""
    return Campaign.objects.filter(purpose=Purpose.CAMPAIGN)


def sort_of(sort: str) -> OrderBy:
    """The order that `?sort=name` or `?sort=-name` asks for; anything unknown is the default. Without a value: last."""
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


def state_counts() -> dict[str, int]:
    """How many campaigns are in each state."""
    return dict(real().order_by().values_list("state").annotate(Count("pk")))
