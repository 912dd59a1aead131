"""Campaigns as rows of a table, with their results and costs, by a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce, Lower

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import DeliveryState, Tally
from campaigns.ledger.models import LedgerTotal
from campaigns.reports.campaigns.filters import LAUNCHED_OR_EDITED, Filters
from campaigns.reports.shared.bills import Bill, load_campaign_bills
from campaigns.reports.shared.delivery_counts import (
    BY_VIBER,
    DeliveryCounts,
    load_delivery_counts,
)
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.reports.statuses.campaign_status import CampaignStatus, load_statuses

OF_CAMPAIGN = {"campaign": OuterRef("pk")}


def _recipients_in(states: tuple[DeliveryState, ...]) -> Subquery:
    """How many recipients of a campaign are in one of `states`."""
    tallies = Tally.objects.filter(delivery_state__in=states, **OF_CAMPAIGN).order_by()
    return Subquery(tallies.values("campaign").annotate(sum=Sum("recipients")).values("sum"))


def _cost() -> Subquery:
    """What a campaign cost; in several currencies, the largest amount."""
    totals = LedgerTotal.objects.filter(**OF_CAMPAIGN).order_by()
    by_currency = totals.values("currency").annotate(sum=Sum("amount"))
    return Subquery(by_currency.order_by("-sum").values("sum")[:1])


SORTS: dict[str, Lower | F | Coalesce | Subquery] = {
    "name": Lower("name"),
    "state": F("state"),
    "audience": F("audience"),
    "delivered": _recipients_in(BY_VIBER),
    "read": _recipients_in((DeliveryState.READ,)),
    "cost": _cost(),
    "when": LAUNCHED_OR_EDITED,
}
DEFAULT_SORT = "-when"
# seconds between two updates of campaigns: that send, that may start, and others
BUSY, NEAR, IDLE = 5, 15, 30
_BUSY_STATES = (CampaignState.PREPARING, CampaignState.SENDING)
_NEAR_STATES = (CampaignState.SCHEDULED, CampaignState.PAUSED, CampaignState.AWAITING_APPROVAL)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """`status` None: where no page says it."""

    campaign: Campaign
    counts: DeliveryCounts
    bill: Bill
    status: CampaignStatus | None = None

    @property
    def when(self) -> datetime:
        """When it was launched, or else when it was last edited."""
        return self.campaign.launched_at or self.campaign.updated_at

    @property
    def user_name(self) -> str:
        """Who launched it, or else who created it; "" where their account was deleted."""
        user = self.campaign.launched_by or self.campaign.created_by
        return user.get_full_name() or user.get_username() if user else ""


def select_campaigns(filters: Filters, sort: str = "") -> QuerySet[Campaign]:
    """Return the real campaigns that `filters` select, in the order of `sort`."""
    campaigns = (
        real_campaigns()
        .select_related("sender", "launched_by", "created_by", "follows")
        .prefetch_related("labels")
    )
    return filters.apply(campaigns).order_by(sort_order(sort), "-pk")


def sort_order(sort: str) -> OrderBy:
    """Return the order of `?sort=name` or `?sort=-name`, or the default; missing values last."""
    if sort.removeprefix("-") not in SORTS:
        sort = DEFAULT_SORT
    column = SORTS[sort.removeprefix("-")]
    return column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)


def load_rows(campaigns: Iterable[Campaign]) -> list[CampaignRow]:
    """Return `campaigns` with their counts and bills; two queries, however many there are."""
    listed = list(campaigns)
    if not listed:
        return []
    counts = load_delivery_counts({campaign.pk: campaign.audience for campaign in listed})
    bills = load_campaign_bills(campaign.pk for campaign in listed)
    return [CampaignRow(campaign, counts[campaign.pk], bills[campaign.pk]) for campaign in listed]


def load_live_rows(campaigns: Iterable[Campaign]) -> list[CampaignRow]:
    """Return `campaigns` as `load_rows` does, with what may be said of them."""
    rows = load_rows(campaigns)
    statuses = load_statuses((row.campaign, row.counts) for row in rows)
    return [replace(row, status=status) for row, status in zip(rows, statuses, strict=True)]


def refresh_seconds(rows: Iterable[CampaignRow]) -> int:
    """Return the seconds until these rows are shown anew."""
    shown = list(rows)
    if any(
        row.campaign.state in _BUSY_STATES and not (row.status and row.status.is_stopped)
        for row in shown
    ):
        return BUSY
    return (
        NEAR if any(row.campaign.state in (*_BUSY_STATES, *_NEAR_STATES) for row in shown) else IDLE
    )


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """How many campaigns there are: by state without the archived ones, and archived."""

    by_state: dict[str, int]
    archived: int

    @property
    def total(self) -> int:
        return sum(self.by_state.values()) + self.archived


def count_campaigns() -> CampaignCounts:
    """Count the real campaigns, without runs of triggers, by one query."""
    listed = Q(archived_at__isnull=True)
    rows = list(
        real_campaigns()
        .filter(trigger=None)
        .order_by()
        .values_list("state")
        .annotate(listed=Count("pk", filter=listed), archived=Count("pk", filter=~listed))
    )
    return CampaignCounts(
        {state: number for state, number, _archived in rows if number},
        sum(archived for _state, _number, archived in rows),
    )
