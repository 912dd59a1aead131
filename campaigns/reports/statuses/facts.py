"""What is known of single campaigns that are under way."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min
from django.utils import timezone

from campaigns.compose.models import Campaign, CampaignState
from campaigns.dispatch.models import Batch, BatchState
from campaigns.reports.shared.delivery_counts import DeliveryCounts
from campaigns.reports.shared.partial_indexes import SqlLiteral
from campaigns.reports.statuses.pace import Pace, measure_pace
from campaigns.reports.statuses.variant_phase import Phase, load_phase
from campaigns.reports.statuses.waiting import WaitingRecipients, load_waiting

SLOW_ANSWER = timedelta(seconds=10)  # a request that is open for longer is spoken of
UNDER_WAY = (CampaignState.SENDING, CampaignState.PAUSED)


@dataclass(frozen=True, slots=True)
class Facts:
    """`unanswered_since`: when the oldest request left that has no answer yet, where that is longer
    ago than usual.
    """

    campaign: Campaign
    counts: DeliveryCounts
    waiting: list[WaitingRecipients] = field(default_factory=list)
    phase: Phase = field(default_factory=Phase)
    pace: Pace = field(default_factory=Pace)
    unanswered_since: datetime | None = None

    @property
    def all_wait(self) -> bool:
        """Whether everybody who is left waits for the sending hours."""
        waiting = sum(each.number for each in self.waiting)
        return 0 < self.counts.queued <= waiting


def load_facts(rows: Iterable[tuple[Campaign, DeliveryCounts]]) -> list[Facts]:
    """Return the facts of each row: three queries at most, and two for each campaign whose variants
    are being tested. Campaigns that do not send need none.
    """
    listed = list(rows)
    sending = [campaign for campaign, _counts in listed if campaign.state == CampaignState.SENDING]
    now, waiting, oldest = timezone.now(), load_waiting(sending), _open_requests(sending)
    facts = []
    for campaign, counts in listed:
        phase = load_phase(campaign) if campaign.state in UNDER_WAY else Phase()
        if campaign.state != CampaignState.SENDING:
            facts.append(Facts(campaign, counts, phase=phase))
            continue
        left_at = oldest.get(campaign.pk)
        facts.append(
            Facts(
                campaign,
                counts,
                waiting.get(campaign.pk, []),
                phase,
                measure_pace(campaign.pk, counts.done, now),
                left_at if left_at and now - left_at > SLOW_ANSWER else None,
            )
        )
    return facts


def _open_requests(campaigns: list[Campaign]) -> dict[int, datetime]:
    """When the oldest request of each left that is open, by the index of open batches."""
    if not campaigns:
        return {}
    is_open = SqlLiteral(BatchState.SENDING.value)
    batches = Batch.objects.filter(state=is_open, campaign__in=campaigns).order_by()
    return dict(batches.values_list("campaign").annotate(Min("intended_at")))
