"""Launch and approval, and what is done with a draft before: test sends and rehearsals."""

from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status
from pydantic import Field, StringConstraints

from campaigns.api.access import Needs, actor, own_transactions
from campaigns.api.etags import require_match
from campaigns.api.problems import FieldError, Problem, invalid
from campaigns.api.resources.campaigns.fields import Number
from campaigns.api.resources.campaigns.reviews import measured_audience
from campaigns.api.resources.campaigns.schemas import (
    CampaignId,
    CampaignOut,
    campaign_out,
    find_campaign,
    show_campaign,
    tag,
)
from campaigns.api.schemas import Amount, Body, Currency, StrictId, Text
from campaigns.compose.audience.selection import Audience
from campaigns.compose.editor import rehearsal, test_send
from campaigns.compose.launch import lifecycle
from campaigns.compose.message.measured_audience import (
    COUNTRY,
    FIRST,
    LONGEST,
    MISSING_DATA,
    MeasuredAudience,
)
from campaigns.compose.message.render import compile_message
from campaigns.compose.message.variants import as_variant, letters_of
from campaigns.compose.models import Campaign, TestGroup
from campaigns.compose.pages.launch_forms import launch_confirmation
from campaigns.ledger.models import Purpose
from campaigns.team.pages.access import get_object_for
from campaigns.team.permissions import Permission
from campaigns.team.roles import visible_to

router = Router(tags=["Campaigns"])
PHONES_MAX = 100  # in a request; send_tests says how many it takes


class LaunchIn(Body):
    """`confirmation` of the review, repeated."""

    recipients: Number
    maximum_cost: Annotated[dict[Currency, Amount], Field(max_length=20)] = {}
    audience: Annotated[Text, Field(min_length=1, max_length=100)]


class ApproveIn(Body):
    fingerprint: Annotated[
        Text, Field(min_length=1, max_length=64, description="`approval.fingerprint` of the review")
    ]


class ReturnIn(Body):
    note: Annotated[
        Text, Field(max_length=500, description="What has to be changed; an approver has to say.")
    ] = ""


class TestIn(Body):
    """Either phones or a test group."""

    phones: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=40)]],
        Field(max_length=PHONES_MAX),
    ] = []
    test_group_id: StrictId | None = None
    recipient: Annotated[
        Text,
        Field(
            max_length=40,
            description=f"Whose merge tags it has: `{FIRST}`, `{LONGEST}`, `{MISSING_DATA}`,"
            f" `{COUNTRY}PL`, as far as there are such recipients; `{test_send.EACH}`: a message"
            " for each of them.",
        ),
    ] = FIRST
    variant: Annotated[str, Field(pattern="^[A-D]$")] = "A"


class TestsOut(Schema):
    campaigns: list[CampaignOut]


@router.post(
    "campaigns/{campaign_id}/launch",
    response={200: CampaignOut, 412: None},
    auth=Needs(Permission.SEND),
)
@own_transactions
def launch_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: LaunchIn, response: HttpResponse
) -> Any:
    """Send a draft, or schedule it, or ask for approval where it needs one: `state` says which.
    Figures that are not those of now are refused, and an audience other than the reviewed one.
    """
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    require_match(request, tag(campaign_out(campaign)))
    if campaign.state in lifecycle.CAN_LAUNCH:
        _require_confirmation(campaign, measured_audience(campaign), body)
    lifecycle.launch(
        campaign.pk, actor(request), body.recipients, body.audience, campaign.updated_at
    )
    return show_campaign(request, campaign_id, response)


def _require_confirmation(campaign: Campaign, measured: MeasuredAudience, body: LaunchIn) -> None:
    """Raise Problem unless the figures are those that the form of the page would take. Of an empty
    audience the launch says more.
    """
    costs = {
        f"cost_{currency}": f"{Decimal(amount):.7f}"
        for currency, amount in body.maximum_cost.items()
    }
    form = launch_confirmation(campaign, measured, {"recipients": str(body.recipients), **costs})
    if form.is_valid() or not measured.recipients:
        return
    errors = [
        FieldError(
            name.replace("cost_", "maximum_cost."), "not_confirmed", " ".join(map(str, texts))
        )
        for name, texts in form.errors.items()
    ]
    raise Problem(422, "invalid", errors[0].message, errors)


@router.post(
    "campaigns/{campaign_id}/approve", response=CampaignOut, auth=Needs(Permission.APPROVE)
)
@own_transactions
def approve_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: ApproveIn, response: HttpResponse
) -> Any:
    """Approve and launch a campaign of another user, if it is still what was reviewed. If it is not
    what approval was asked for, it becomes a draft again, and this is refused.
    """
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    if campaign.state in lifecycle.CAN_APPROVE:
        measured_audience(campaign)
    lifecycle.approve(campaign.pk, actor(request), body.fingerprint)
    return show_campaign(request, campaign_id, response)


@router.post(
    "campaigns/{campaign_id}/return",
    summary="Return campaign to draft",
    response=CampaignOut,
    auth=Needs(Permission.COMPOSE),
)
def return_campaign(
    request: HttpRequest, campaign_id: CampaignId, body: ReturnIn, response: HttpResponse
) -> Any:
    """Make a campaign a draft again that waits for approval, or for its time: an approver asks for
    changes with a note, its author withdraws it. A launched one needs the scope `send`, and its
    approval is void. A test is cancelled.
    """
    campaign = find_campaign(request, campaign_id, Permission.COMPOSE)
    if campaign.launched_at:
        find_campaign(request, campaign_id, Permission.SEND)
    lifecycle.return_to_draft(campaign.pk, actor(request), body.note)
    return show_campaign(request, campaign_id, response)


@router.post(
    "campaigns/{campaign_id}/rehearse", response={201: CampaignOut}, auth=Needs(Permission.SEND)
)
@own_transactions
def rehearse_campaign(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """Simulate a draft with its whole audience; nothing is sent. The answer is the rehearsal."""
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    made = rehearsal.rehearse(campaign, actor(request))
    return Status(201, show_campaign(request, made.pk, response))


@router.post(
    "campaigns/{campaign_id}/go-live",
    summary="Launch the draft of a rehearsal",
    response=CampaignOut,
    auth=Needs(Permission.SEND),
)
@own_transactions
def go_live(request: HttpRequest, campaign_id: CampaignId, response: HttpResponse) -> Any:
    """Launch the draft of this rehearsal, if it has not changed since. The answer is the campaign
    that was a draft.
    """
    rehearsals = Campaign.objects.filter(purpose=Purpose.REHEARSAL).select_related("rehearsal_of")
    rehearsed = get_object_for(actor(request), rehearsals, Permission.SEND, pk=campaign_id)
    campaign = rehearsal.go_live(rehearsed, actor(request))
    return show_campaign(request, campaign.pk, response)


@router.post(
    "campaigns/{campaign_id}/test",
    summary="Send test messages",
    response={201: TestsOut},
    auth=Needs(Permission.SEND),
)
def send_test(
    request: HttpRequest, campaign_id: CampaignId, body: TestIn, response: HttpResponse
) -> Any:
    """Send the message of a draft to phones of the team. Each test is a campaign of its own."""
    campaign = find_campaign(request, campaign_id, Permission.SEND)
    phones = _phones(request, body)
    template = compile_message(campaign)
    samples = [key for key, _label in test_send.sample_recipients(Audience.of(campaign), template)]
    if body.recipient not in samples:
        text = f"There is no such recipient. Choose one of: {', '.join(samples)}."
        raise invalid("recipient", "not_found", text)
    letters = letters_of(campaign) or "A"
    if body.variant not in tuple(letters):
        text = f"There is no such variant. Choose one of: {', '.join(letters)}."
        raise invalid("variant", "not_found", text)
    message = as_variant(campaign, body.variant)
    tests = test_send.send_tests(message, phones, actor(request), body.recipient)
    shown = [show_campaign(request, test.pk, response) for test in tests]
    del response.headers["ETag"]  # of the last of them
    return Status(201, TestsOut(campaigns=shown))


def _phones(request: HttpRequest, body: TestIn) -> list[str]:
    if body.test_group_id is None:
        return test_send.each_once(body.phones)
    if body.phones:
        raise invalid("phones", "contradiction", "Name either phones or a test group.")
    groups = visible_to(actor(request), TestGroup.objects.all())
    group = groups.filter(pk=body.test_group_id).first()
    if group is None:
        raise invalid("test_group_id", "not_found", "There is no such test group.")
    return test_send.each_once(group.phones)
