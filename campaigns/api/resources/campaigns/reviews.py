"""The review of a campaign: audience, cost, problems, and what a launch has to confirm."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field

from campaigns.api.access import Needs, actor
from campaigns.api.etags import send
from campaigns.api.problems import Problem
from campaigns.api.resources.campaigns.schemas import CampaignId, campaign_out, find_campaign, tag
from campaigns.api.schemas import Money, money
from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor.draft_metrics import DraftMetrics, draft_metrics
from campaigns.compose.launch import approval
from campaigns.compose.launch.confirmation import counted_again_message
from campaigns.compose.launch.lifecycle import CAN_APPROVE, CAN_EDIT
from campaigns.compose.launch.local_start import set_local_start
from campaigns.compose.launch.problem import Problem as Finding
from campaigns.compose.launch.reachable import start_refusal
from campaigns.compose.message.audience_counts import is_overdue, measure_soon
from campaigns.compose.message.measured_audience import MeasuredAudience
from campaigns.compose.message.render import compile_message
from campaigns.compose.models import Campaign
from campaigns.compose.pricing.estimate import CountryCost, Estimate
from campaigns.compose.pricing.price_list import UnitPrice
from campaigns.shared.money import exact, on_card
from campaigns.team import accounts
from campaigns.team.models import User
from campaigns.team.permissions import Permission

router = Router(tags=["Campaigns"])
RETRY_AFTER = "2"  # seconds, while a worker counts


class FunnelOut(Schema):
    selected: int
    duplicates: int
    stop_listed: int
    excluded: int
    capped: Annotated[int, Field(description="They have reached the frequency cap.")]
    without_consent: Annotated[
        int, Field(description="Not sent to, where promotional campaigns need a consent.")
    ]
    recipients: int


class CostRangeOut(Schema):
    currency: str
    least: Annotated[str, Field(description="If Viber reaches everybody.")]
    most: Annotated[str, Field(description="If each gets the dearer of Viber and SMS.")]


class CountryCostOut(Schema):
    country: Annotated[str, Field(description='"": unknown')]
    recipients: int
    viber: Annotated[Money | None, Field(description="One message; null: not known.")]
    sms: Annotated[Money | None, Field(description="One part of the SMS.")]
    sms_parts: Annotated[int, Field(description="Of all recipients together.")]
    least: Money | None
    most: Money | None


class EstimateOut(Schema):
    totals: list[CostRangeOut]
    countries: list[CountryCostOut]
    unpriced: Annotated[int, Field(description="Recipients whose Viber price is not known.")]
    sms_unpriced: Annotated[int, Field(description="Recipients whose SMS price is not known.")]
    failures: Annotated[list[str], Field(description="Why prices are missing or old.")]


class FindingOut(Schema):
    field: Annotated[str, Field(description='"": the campaign as a whole')]
    message: str


class ApprovalCheckOut(Schema):
    needed: Annotated[bool, Field(description="A launch asks for the approval of another user.")]
    adds_up: Annotated[bool, Field(description="Only with what was launched on the same day.")]
    can_approve: Annotated[bool, Field(description="Whether the owner of the token may.")]
    changed: Annotated[bool, Field(description="It is not any more what approval was asked for.")]
    fingerprint: Annotated[str, Field(description="What `approve` has to name.")]


class ConfirmationOut(Schema):
    recipients: int
    maximum_cost: Annotated[dict[str, str], Field(description="By currency.")]
    audience: Annotated[str, Field(description="The fingerprint of the audience.")]


class ReviewOut(Schema):
    funnel: FunnelOut
    countries: Annotated[dict[str, int], Field(description="Recipients by country.")]
    estimate: EstimateOut
    longest_text: Annotated[int | None, Field(description="Characters, with merge tags filled.")]
    sms_parts: Annotated[dict[str, int], Field(description="Recipients by parts of their SMS.")]
    starts_at: Annotated[datetime | None, Field(description="null: at once")]
    problems: Annotated[list[FindingOut], Field(description="What forbids a launch.")]
    warnings: Annotated[list[FindingOut], Field(description="What may be a mistake.")]
    approval: ApprovalCheckOut
    confirmation: Annotated[ConfirmationOut, Field(description="What `launch` has to repeat.")]


class Counting(Schema):
    counting: bool = True
    overdue: Annotated[bool, Field(description="No worker has begun: none may be running.")]


@router.get(
    "campaigns/{campaign_id}/review",
    summary="Review campaign before its launch",
    response={200: ReviewOut, 202: Counting},
    auth=Needs(Permission.COMPOSE),
)
def review_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """What stands before a launch or an approval. While a worker counts a large audience: 202, ask
    again after Retry-After. The ETag is that of the campaign.
    """
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    if campaign.state not in CAN_EDIT | CAN_APPROVE:
        text = "Only a draft, or a campaign that waits for approval, can be reviewed."
        raise Problem(409, "refused", text)
    send(response, tag(campaign_out(campaign)))
    audience, template = Audience.of(campaign), compile_message(campaign)
    measured = measure_soon(audience, template, polled=True)
    if measured is None:
        response.headers["Retry-After"] = RETRY_AFTER
        return Status(202, Counting(overdue=is_overdue(audience, template)))
    return _review(campaign, measured, actor(request))


def measured_audience(campaign: Campaign) -> MeasuredAudience:
    """The audience as of now. Raises Problem while a worker counts it."""
    measured = measure_soon(Audience.of(campaign), compile_message(campaign))
    if measured is None:
        wait = {"Retry-After": RETRY_AFTER}
        raise Problem(409, "counting", counted_again_message(), headers=wait)
    return measured


def _review(campaign: Campaign, measured: MeasuredAudience, user: User) -> ReviewOut:
    set_local_start(campaign, measured.audience, measured.countries)
    metrics = draft_metrics(campaign, measured)
    check = approval.check_approval(campaign, measured, user)
    awaits = campaign.state in CAN_APPROVE
    return ReviewOut(
        funnel=FunnelOut.model_validate(metrics.funnel, from_attributes=True),
        countries=measured.countries,
        estimate=_estimate(metrics.estimate),
        longest_text=metrics.lengths.longest if metrics.lengths else None,
        sms_parts={str(parts): n for parts, n in metrics.sms.by_parts().items()}
        if metrics.sms
        else {},
        starts_at=campaign.scheduled_at,
        problems=_problems(campaign, metrics),
        warnings=[_finding(warning) for warning in metrics.warnings],
        approval=ApprovalCheckOut(
            needed=check.needed,
            adds_up=check.adds_up,
            can_approve=approval.may_approve(campaign, user),
            changed=awaits and approval.is_void(campaign, check),
            fingerprint=campaign.approval_fingerprint
            if awaits and not check.fingerprint
            else check.fingerprint,
        ),
        confirmation=ConfirmationOut(
            recipients=measured.recipients,
            maximum_cost={
                currency: exact(on_card(total.most))
                for currency, total in metrics.estimate.totals.items()
            },
            audience=measured.fingerprint,
        ),
    )


def _problems(campaign: Campaign, metrics: DraftMetrics) -> list[FindingOut]:
    found = [_finding(problem) for problem in metrics.problems]
    if refusal := start_refusal(campaign, accounts.cached()):
        found.append(FindingOut(field="", message=refusal))
    return found


def _finding(finding: Finding) -> FindingOut:
    return FindingOut(field=finding.field, message=str(finding.message))


def _estimate(estimate: Estimate) -> EstimateOut:
    return EstimateOut(
        totals=[
            CostRangeOut(currency=currency, least=exact(total.least), most=exact(total.most))
            for currency, total in sorted(estimate.totals.items())
        ],
        countries=[_country(line) for line in estimate.lines],
        unpriced=estimate.unpriced,
        sms_unpriced=estimate.sms_unpriced,
        failures=estimate.failures,
    )


def _country(line: CountryCost) -> CountryCostOut:
    return CountryCostOut(
        country=line.country,
        recipients=line.recipients,
        viber=_price(line.viber),
        sms=_price(line.sms),
        sms_parts=line.sms_parts,
        least=None if line.least is None else money(line.least, line.currency),
        most=None if line.most is None else money(line.most, line.currency),
    )


def _price(price: UnitPrice | None) -> Money | None:
    return money(price.amount, price.currency) if price else None
