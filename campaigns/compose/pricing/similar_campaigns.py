"""The actual cost of similar campaigns: finished, same tariff, to one of the lists or segments."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.ledger.sums import spend_of

LIMIT = 3  # the latest


@dataclass(frozen=True, slots=True)
class SimilarCampaign:
    """A finished campaign with its cost until now by currency.

    `projected` is the same cost per recipient, multiplied by the recipients of the new campaign.
    """

    campaign: Campaign
    costs: dict[str, Decimal]
    projected: dict[str, Decimal]


def find_similar_campaigns(
    campaign: Campaign, audience: Audience, recipients: int
) -> list[SimilarCampaign]:
    """Find the latest campaigns similar to `campaign`, which would go to `recipients`."""
    similar = Campaign.objects.filter(
        Q(lists__in=audience.lists) | Q(segments__in=audience.segments),
        purpose=Purpose.CAMPAIGN,
        state=CampaignState.FINISHED,
        tariff=campaign.tariff,
        audience__gt=0,
    )
    without_sms = Q(sms_text="")
    similar = similar.exclude(without_sms) if campaign.sms_text else similar.filter(without_sms)
    earlier_campaigns = []
    for earlier in similar.exclude(pk=campaign.pk).distinct().order_by("-launched_at")[:LIMIT]:
        costs = {
            currency: sum(parts.values(), Decimal(0))
            for currency, parts in spend_of(earlier.pk).items()
        }
        earlier_recipients = earlier.audience or 1  # never None or 0: filtered by it
        projected = {
            currency: cost * recipients / earlier_recipients for currency, cost in costs.items()
        }
        earlier_campaigns.append(SimilarCampaign(earlier, costs, projected))
    return earlier_campaigns
