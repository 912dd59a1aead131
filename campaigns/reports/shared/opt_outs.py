"""Opt-outs by the link of a campaign's messages. Those that were undone are not counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, QuerySet

from campaigns.compose.models import Campaign
from campaigns.engagement.models import OptOut, OptOutReason
from campaigns.reports.shared.delivery_counts import DeliveryCounts


@dataclass(frozen=True, slots=True)
class OptOutFigures:
    """How many recipients opted out, and why: (reason, number), the most frequent first."""

    number: int
    of_reached: int  # recipients whom Viber or an SMS reached
    reasons: list[tuple[str, int]]


def load_opt_outs(campaign: Campaign, counts: DeliveryCounts) -> OptOutFigures:
    """The figures of `campaign`, by one query."""
    rows = standing_opt_outs().filter(campaign=campaign).order_by().values_list("reason")
    reasons = dict(rows.annotate(number=Count("pk")))
    labelled = [(str(OptOutReason(reason).label), number) for reason, number in reasons.items()]
    return OptOutFigures(
        number=sum(reasons.values()),
        of_reached=counts.reached,
        reasons=sorted(labelled, key=lambda each: (-each[1], each[0])),
    )


def load_opted_out(recipient_ids: Sequence[int]) -> dict[int, datetime]:
    """When those of the recipients who did opted out."""
    rows = standing_opt_outs().filter(recipient__in=recipient_ids)
    return dict(rows.values_list("recipient", "at"))


def count_by_campaign(campaigns: QuerySet[Campaign]) -> dict[int, int]:
    """Opt-outs by campaign, of those of the campaigns with any."""
    rows = standing_opt_outs().filter(campaign__in=campaigns).order_by().values_list("campaign")
    return dict(rows.annotate(number=Count("pk")))


def standing_opt_outs() -> QuerySet[OptOut]:
    """The opt-outs that were not undone."""
    return OptOut.objects.filter(undone_at=None)
