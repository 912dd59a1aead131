"""The variants of a campaign: their results, and the choice of one for the rest of its audience."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import strip_tags
from ninja import Router, Schema
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.resources.campaigns.schemas import (
    CampaignId,
    CampaignOut,
    find_campaign,
    show_campaign,
)
from campaigns.api.schemas import Body
from campaigns.compose.models import DecisionMeasure
from campaigns.dispatch.variants import decide
from campaigns.reports.campaign.variants import VariantRow, load_results
from campaigns.results.variants.decision import due_at, figures_text
from campaigns.results.variants.significance import Rate
from campaigns.team.permissions import Permission

router = Router(tags=["Results"])


class RateOut(Schema):
    """A share of the accepted messages, with its Wilson interval of 95 per cent; null of nobody."""

    number: int
    rate: float | None
    low: float | None
    high: float | None


class VariantResultOut(Schema):
    variant: Annotated[str, Field(description='"": those who get the winner after the test.')]
    recipients: int
    accepted: int
    delivered: RateOut
    read: RateOut
    clicked: RateOut
    converted: RateOut


class VariantsOut(Schema):
    phase: Annotated[str, Field(description="In words; empty without a test.")]
    waits: Annotated[bool, Field(description="Whether recipients wait for the decision.")]
    due_at: Annotated[datetime | None, Field(description="null: the test is still being sent.")]
    measure: DecisionMeasure
    sentence: Annotated[str, Field(description="Whether a difference was shown.")]
    winner: str | None
    variants: list[VariantResultOut]


class ChoiceIn(Body):
    variant: Annotated[str, Field(pattern="^[A-D]$")]


@router.get("campaigns/{campaign_id}/variants", response=VariantsOut, auth=Needs(Permission.VIEW))
def get_variants(request: HttpRequest, campaign_id: CampaignId) -> Any:
    """The results of the variants side by side; none of a campaign without variants."""
    campaign = find_campaign(request, campaign_id)
    results = load_results(campaign) if campaign.variants else None
    return VariantsOut(
        phase=strip_tags(results.phase.text) if results else "",
        waits=bool(results and results.phase.is_open),
        due_at=due_at(campaign) if campaign.is_tested else None,
        measure=DecisionMeasure(campaign.decision_measure),
        sentence=results.sentence if results else "",
        winner=campaign.winner or None,
        variants=[_result(row) for row in results.rows] if results else [],
    )


def _result(row: VariantRow) -> VariantResultOut:
    figures = row.figures
    return VariantResultOut(
        variant=row.letter,
        recipients=figures.recipients,
        accepted=figures.accepted,
        delivered=_rate(Rate(figures.delivered, figures.accepted)),
        read=_rate(figures.rate(DecisionMeasure.READ)),
        clicked=_rate(figures.rate(DecisionMeasure.CLICK)),
        converted=_rate(figures.rate(DecisionMeasure.CONVERSION)),
    )


def _rate(rate: Rate) -> RateOut:
    low, high = rate.interval() or (None, None)
    return RateOut(
        number=rate.hits, rate=float(rate.value) if rate.total else None, low=low, high=high
    )


@router.post(
    "campaigns/{campaign_id}/variants/choose", response=CampaignOut, auth=Needs(Permission.SEND)
)
def choose_variant(
    request: HttpRequest, campaign_id: CampaignId, body: ChoiceIn, response: HttpResponse
) -> Any:
    """Send this variant to everybody who waits for the decision, whoever was to take it."""
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    decide(campaign.pk, body.variant, actor(request), figures_text(campaign))
    return show_campaign(request, campaign_id, response)
