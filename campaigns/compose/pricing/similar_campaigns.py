"""What earlier campaigns like a draft really came to: to one of its lists or segments, priced
alike, and over.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from campaigns.compose.audience.selection import Audience
from campaigns.compose.models import Campaign, CampaignState
from campaigns.ledger.models import Purpose
from campaigns.ledger.sums import spend_of

LIMIT = 3  # of them, the latest


@dataclass(frozen=True, slots=True)
class SimilarCampaign:
    """A campaign that is over, and what it has cost until now by currency; `likely`: as much for
    each person now.
    """

    campaign: Campaign
    costs: dict[str, Decimal]
    likely: dict[str, Decimal]


def find_similar_campaigns(
    campaign: Campaign, audience: Audience, people: int
) -> list[SimilarCampaign]:
    """The latest campaigns like `campaign`, whose message `people` would get; empty where there was
    none.
    """
    alike = Campaign.objects.filter(
        Q(lists__in=audience.lists) | Q(segments__in=audience.segments),
        purpose=Purpose.CAMPAIGN,
        state=CampaignState.FINISHED,
        tariff=campaign.tariff,
        audience__gt=0,
    )
    alike = alike.exclude(sms_text="") if campaign.sms_text else alike.filter(sms_text="")
    found = []
    for earlier in alike.exclude(pk=campaign.pk).distinct().order_by("-launched_at")[:LIMIT]:
        costs = {
            currency: sum(parts.values(), Decimal(0))
            for currency, parts in spend_of(earlier.pk).items()
        }
        went_to = earlier.audience or 1  # never none: it was chosen by that
        likely = {currency: cost * people / went_to for currency, cost in costs.items()}
        found.append(SimilarCampaign(earlier, costs, likely))
    return found
