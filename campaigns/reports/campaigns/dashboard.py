"""What the first page says: what goes out now, what needs somebody, what this month costs, what
went out last.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Sum
from django.utils import timezone

from campaigns.compose.launch.approval import awaiting_approval_by
from campaigns.compose.models import Campaign, CampaignState
from campaigns.contacts.models import ContactList, Import, ImportState
from campaigns.dispatch.models import SendState, Tally
from campaigns.reports.campaigns.overview import Row, rows
from campaigns.reports.shared.bills import Bill, bills, spent
from campaigns.reports.shared.periods import this_month
from campaigns.reports.shared.real_campaigns import real_campaigns
from campaigns.team.models import User

NOW = (CampaignState.SENDING, CampaignState.PREPARING, CampaignState.SCHEDULED)
LAST = 8  # rows
AT_MOST = 20  # things of one kind on the first page
RECENT = timedelta(days=14)  # older failures are history


@dataclass(frozen=True, slots=True)
class Unresolved:
    campaign: Campaign
    people: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What waits for a person."""

    approvals: list[Campaign]  # of campaigns that others launched
    paused: list[Row]
    unresolved: list[Unresolved]
    failed_imports: list[Import]

    def __bool__(self) -> bool:
        return bool(self.approvals or self.paused or self.unresolved or self.failed_imports)


def running() -> list[Row]:
    """Campaigns that go out now or at a time, the sending ones first."""
    found = (
        real_campaigns().filter(state__in=NOW).select_related("sender", "launched_by", "created_by")
    )
    return sorted(
        rows(found.order_by("scheduled_at", "pk")[:AT_MOST]),
        key=lambda row: NOW.index(CampaignState(row.campaign.state)),
    )


def needs(user: User) -> Needs:
    """What `user` may approve, paused campaigns, people whose outcome nobody could settle, imports
    that failed.
    """
    since = timezone.now() - RECENT
    paused = (
        real_campaigns()
        .filter(state=CampaignState.PAUSED)
        .select_related("sender", "launched_by", "created_by")
    )
    imports = Import.objects.filter(state=ImportState.FAILED, created_at__gte=since).select_related(
        "list"
    )
    return Needs(
        awaiting_approval_by(user)[:AT_MOST],
        rows(paused[:AT_MOST]),
        _unresolved(),
        list(imports[:5]),
    )


def _unresolved() -> list[Unresolved]:
    """By campaign, of those launched in the last weeks: their tallies are found by campaign, not by
    state.
    """
    recent = real_campaigns().filter(launched_at__gte=timezone.now() - RECENT)
    tallies = Tally.objects.filter(campaign__in=recent, send_state=SendState.UNRESOLVED).order_by()
    people = dict(tallies.values_list("campaign").annotate(Sum("recipients")))
    found = Campaign.objects.filter(
        pk__in=[campaign_id for campaign_id, number in people.items() if number]
    )
    return [Unresolved(campaign, people[campaign.pk]) for campaign in found[:AT_MOST]]


def month_bill() -> Bill:
    """What this month has cost until now."""
    period = this_month()
    return bills(spent().filter(day__range=(period.first, period.last))).get((), Bill())


def last() -> list[Row]:
    """The campaigns launched last."""
    found = (
        real_campaigns()
        .filter(launched_at__isnull=False)
        .select_related("sender", "launched_by", "created_by")
    )
    return rows(found.order_by("-launched_at")[:LAST])


@dataclass(frozen=True, slots=True)
class Steps:
    """How far a new installation has come."""

    contacts: bool
    campaign: bool


def steps() -> Steps:
    """Asked only while nothing has been launched."""
    return Steps(ContactList.objects.exists(), real_campaigns().exists())
